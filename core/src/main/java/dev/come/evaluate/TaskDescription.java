package dev.come.evaluate;

import dev.come.generate.StopTexts;
import dev.come.hub.Hub;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.function.Supplier;

/**
 * What a task is, as its file describes it; {@link TaskFile} reads it.
 *
 * @param version the version of the task's definition in lm-evaluation-harness; a change of it changes numbers
 * @param group the group whose result it is part of
 * @param documents what is scored
 * @param examples where the solved examples in front of a question come from
 * @param preparation code that changes the rows before anything else
 * @param columns see {@link Row}
 * @param introduction what stands before everything else, also before examples; may be empty
 * @param between what stands after each example
 * @param form what is asked
 * @param sources where the data are looked for
 */
record TaskDescription(String name, String version, Optional<Group> group, Data documents, Optional<Examples> examples,
        Optional<Preparation> preparation, Map<String, List<List<String>>> columns, String introduction,
        String between, Form form, Sources sources) {

    /** The same, as a part of another group or of none. */
    TaskDescription in(Optional<Group> other) {
        return new TaskDescription(name, version, other, documents, examples, preparation, columns, introduction,
                between,
                form, sources);
    }

    /**
     * Where data are looked for.
     *
     * @param folders folders, the first that has them counts
     * @param hub asked for where none has them
     */
    record Sources(List<Path> folders, Optional<Supplier<Hub>> hub) {}

    /**
     * Tasks whose results are summed up to one, each counting by its documents.
     *
     * @param part the part of the group that the task belongs to, which is summed up too; or empty
     * @param published how many documents all of them have
     */
    record Group(String name, String part, OptionalInt published) {
        /** The innermost sum that the task is in. */
        String innermost() {
            return part.isEmpty() ? name : part;
        }
    }

    /**
     * Rows of files.
     *
     * @param split the part of the data set
     * @param places where the files may be; the first that has some counts
     * @param onHub where they are on the hub
     * @param published how many rows the data set has
     * @param from the first row that is taken
     * @param to the first row that is no longer taken
     */
    record Data(String split, List<Place> places, Optional<HubPlace> onHub, OptionalInt published, int from, int to) {
        /** The same, for a part of what was published. */
        Data withoutPublished() {
            return new Data(split, places, onHub, OptionalInt.empty(), from, to);
        }
    }

    /**
     * Files on the hub.
     *
     * @param dataset the repository
     * @param files a glob for their names; ** goes through folders
     */
    record HubPlace(String dataset, String files) {}

    /**
     * Where files may be.
     *
     * @param pattern a path below one of the roots; each of its names may be a glob
     * @param lines columns that lie in text files of their own, a line for each row, by name
     * @param note what is not as it should be with these files; empty for nothing
     */
    record Place(String pattern, Map<String, String> lines, String note) {}

    /**
     * Examples and how they are drawn.
     *
     * @param usual how many there are in front of a document where the user says nothing
     */
    record Examples(Data data, Draw draw, int usual) {}

    /** How examples are drawn for a document. */
    enum Draw {
        /** The first rows, the same for all documents. */
        FIRST,
        /** At random. */
        RANDOM,
        /**
         * At random, one more than is needed; the document itself is dropped if it is among them, and else the last one. That is
         * what lm-evaluation-harness does where a task names no part for examples and no test part.
         */
        RANDOM_ONE_MORE
    }

    /** What is asked. */
    sealed interface Form {
    }

    /**
     * Several continuations of one context.
     *
     * @param context a template, see {@link Row#fill}
     * @param choices a template for each choice
     * @param choiceColumn instead of them, the column that lists the choices; or empty
     */
    record Choices(String context, List<String> choices, String choiceColumn, Gold gold, List<Metric> metrics)
            implements
                Form {}

    /**
     * One continuation of several contexts.
     *
     * @param contextColumn the column that lists the contexts
     * @param continuation a template
     */
    record Contexts(String contextColumn, String continuation, Gold gold, List<Metric> metrics) implements Form {}

    /**
     * A long text, whose perplexity is measured.
     *
     * @param text a template: what is scored
     * @param counted a template: what words and bytes are counted of
     */
    record LongText(String text, String counted) implements Form {}

    /**
     * An ending of a context. The task asks how likely it is, and whether nothing is likelier.
     *
     * @param context a template
     * @param ending a template, to which nothing is added
     */
    record Ending(String context, String ending) implements Form {}

    /**
     * A text that the model writes itself.
     *
     * @param context a template: what it goes on from
     * @param answers the column with the right answer, or with a list of right ones
     * @param solution the column with what an example has in place of the model's text; of a list the first
     * @param until what ends the text
     * @param tokens how many tokens at most
     * @param filters by name, what takes the answer out of the text
     * @param match how an answer is compared
     */
    record Generated(String context, String answers, String solution, StopTexts until, int tokens,
            SequencedMap<String, List<AnswerFilter>> filters, ExactMatch match) implements Form {
        /** What it measures by a filter, as lm-evaluation-harness calls it. */
        static String metric(String filter) {
            return "exact_match," + filter;
        }

        /** What a filter takes out of a text. */
        String answer(String filter, String text) {
            String answer = text;
            for (AnswerFilter step : Objects.requireNonNull(filters.get(filter))) {
                answer = step.apply(answer);
            }
            return answer;
        }
    }

    /**
     * Which choice is right.
     *
     * @param column the column that says it
     * @param values what its values stand for; if there are none, it is a number, counted from 0
     * @param among the column that lists the values of the choices in order; or empty
     */
    record Gold(String column, Map<String, Integer> values, String among) {}

    /** What is counted over documents. */
    enum Metric {
        /** The likeliest choice is the right one. */
        ACC,
        /** The choice that is likeliest for each of its characters is the right one. */
        ACC_NORM
    }
}
