package dev.come.evaluate;

import dev.come.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/** What is done to the rows of a task before its description applies, where lm-evaluation-harness has code instead of data. */
enum Preparation {
    /** Cleans texts that were made from how-to pages and captions; see {@link HellaSwag}. */
    HELLASWAG,
    /** Two contexts and what follows both; see {@link Winogrande}. */
    WINOGRANDE,
    /** An article and several problems; the model is asked the last one. See {@link Race}. */
    RACE,
    /** Pages as people write them; see {@link WikiText}. */
    WIKITEXT,
    /** The answer without the way to it; see {@link FinalAnswer}. */
    FINAL_ANSWER,
    /** A passage is asked for its last word; see {@link LastWord}. */
    LAST_WORD;

    /** The preparation of that name, as task files write it. */
    static Optional<Preparation> of(String name) {
        return Arrays.stream(values()).filter(preparation -> preparation.toString().equals(name)).findFirst();
    }

    /**
     * The rows as the description of the task sees them.
     *
     * @param taskVersion the version of the task that is imitated
     * @param name what messages call the data
     */
    List<ObjectNode> apply(List<ObjectNode> rows, String taskVersion, String name) {
        return switch (this) {
            case HELLASWAG -> each(rows, HellaSwag::prepare, name);
            case WINOGRANDE -> each(rows, Winogrande::prepare, name);
            case RACE -> each(Race.byArticle(rows), row -> Race.prepare(row, taskVersion), name);
            case WIKITEXT -> each(rows, WikiText::prepare, name);
            case FINAL_ANSWER -> each(rows, FinalAnswer::prepare, name);
            case LAST_WORD -> each(rows, LastWord::prepare, name);
        };
    }

    private interface Step {
        ObjectNode of(ObjectNode row);
    }

    private static List<ObjectNode> each(List<ObjectNode> rows, Step step, String name) {
        return IntStream.range(0, rows.size()).mapToObj(i -> {
            try {
                return step.of(rows.get(i));
            } catch (IllegalArgumentException e) {
                throw new InvalidInputException(name + ", row " + i + " (counted from 0): " + e.getMessage(), e);
            }
        }).toList();
    }

    /** A field that must be there and be a text. */
    static String text(ObjectNode row, String field) {
        if (!row.path(field).isString()) {
            throw new IllegalArgumentException("field " + field + " is " + row.path(field)
                    + ", but must be a text; its fields are " + row.propertyNames());
        }
        return row.path(field).stringValue();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
