package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.Shown;
import dev.come.evaluate.Document.LastWords;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.TaskDescription.Choices;
import dev.come.evaluate.TaskDescription.Contexts;
import dev.come.evaluate.TaskDescription.Data;
import dev.come.evaluate.TaskDescription.Ending;
import dev.come.evaluate.TaskDescription.Examples;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.evaluate.TaskDescription.Gold;
import dev.come.evaluate.TaskDescription.HubPlace;
import dev.come.evaluate.TaskDescription.LongText;
import dev.come.evaluate.TaskDescription.Place;
import dev.come.failure.Shortage;
import dev.come.hub.Hub;
import dev.come.hub.HubSnapshot;
import dev.come.text.FilePattern;
import dev.come.text.TableRows;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/**
 * The documents of a task.
 *
 * @param documents those that are scored
 * @param available how many the data have
 * @param sources the files that they come from, below the folder where they were found
 * @param notes what the user should know about them
 */
record TaskData(TaskDescription task, List<Document> documents, int available, List<String> sources,
        List<String> notes) {
    /** What lm-evaluation-harness seeds the drawing of examples with. */
    static final long SEED = 1234;

    /** Rows of a task, prepared, and where they come from. */
    private record Rows(List<Row> rows, List<String> sources, List<String> notes) {}

    /**
     * Reads a task's data and makes its documents.
     *
     * @param shots examples in front of each document
     * @param limit how many documents at most, from the beginning
     * @throws InvalidInputException if data are missing or are not as the task says
     */
    static TaskData read(TaskDescription task, int shots, int limit) {
        Rows rows = rows(task, task.documents());
        if (rows.rows.isEmpty()) {
            throw new InvalidInputException("The data of the task " + task.name() + " have no rows: "
                    + String.join(", ", rows.sources));
        }
        List<Row> taken = rows.rows.subList(0, Math.min(limit, rows.rows.size()));
        List<Document> documents = new ArrayList<>();
        if (task.form() instanceof LongText longText) {
            for (int i = 0; i < taken.size(); i++) {
                documents.add(page(i, taken.get(i), longText));
            }
        } else {
            ExampleDraw draw = shots == 0 ? null : draw(task, shots);
            for (int i = 0; i < taken.size(); i++) {
                List<Integer> examples = draw == null ? List.of() : draw.next(taken.get(i));
                documents.add(document(task, i, taken.get(i), draw == null ? List.of() : draw.pool(), examples));
            }
        }
        return new TaskData(task, documents, rows.rows.size(), rows.sources, rows.notes);
    }

    private static Page page(int id, Row row, LongText form) {
        String counted = row.fill(form.counted());
        return new Page(id, row.fill(form.text()), PythonText.pieces(counted),
                counted.getBytes(StandardCharsets.UTF_8).length);
    }

    private static Document document(TaskDescription task, int id, Row row, List<Row> pool, List<Integer> examples) {
        StringBuilder before = new StringBuilder(task.introduction());
        for (int example : examples) {
            before.append(solved(task, pool.get(example))).append(task.between());
        }
        return switch (task.form()) {
            case Choices form -> {
                List<String> choices = choices(form, row);
                yield new Question(id, List.of(before + row.fill(form.context())),
                        choices.stream().map(choice -> " " + choice).toList(), choices,
                        gold(form.gold(), row, choices.size()), examples);
            }
            case Contexts form -> {
                List<String> contexts = contexts(form, row);
                String continuation = row.fill(form.continuation());
                yield new Question(id, contexts.stream().map(context -> before + context).toList(),
                        List.of(" " + continuation), contexts.stream().map(_ -> continuation).toList(),
                        gold(form.gold(), row, contexts.size()), examples);
            }
            case Ending form -> new LastWords(id, before + row.fill(form.context()), row.fill(form.ending()), examples);
            case Generated form -> new Prompt(id, before + row.fill(form.context()), row.textOrTexts(form.answers()),
                    examples, form);
            case LongText _ -> throw new IllegalStateException("a long text is no question");
        };
    }

    /** An example: the question and the right answer. */
    private static String solved(TaskDescription task, Row row) {
        return switch (task.form()) {
            case Choices form -> {
                List<String> choices = choices(form, row);
                yield row.fill(form.context()) + " " + choices.get(gold(form.gold(), row, choices.size()));
            }
            case Contexts form -> {
                List<String> contexts = contexts(form, row);
                yield contexts.get(gold(form.gold(), row, contexts.size())) + " " + row.fill(form.continuation());
            }
            case Ending form -> row.fill(form.context()) + " " + row.fill(form.ending());
            case Generated form -> row.fill(form.context()) + " " + row.textOrTexts(form.solution()).getFirst();
            case LongText _ -> throw new IllegalStateException("a long text is no example");
        };
    }

    private static List<String> choices(Choices form, Row row) {
        List<String> choices = form.choices().isEmpty()
                ? row.texts(form.choiceColumn())
                : form.choices().stream().map(row::fill).toList();
        return atLeastTwo(choices, "choices", row);
    }

    private static List<String> contexts(Contexts form, Row row) {
        return atLeastTwo(row.texts(form.contextColumn()), "contexts", row);
    }

    private static List<String> atLeastTwo(List<String> texts, String what, Row row) {
        if (texts.size() < 2) {
            throw new InvalidInputException(row.name() + " has " + texts.size() + " " + what
                    + ", but a question needs two or more; correct the data or the task");
        }
        return texts;
    }

    private static int gold(Gold gold, Row row, int choices) {
        String value = PythonText.stripLeft(row.text(gold.column()));
        int index;
        if (!gold.among().isEmpty()) {
            index = row.texts(gold.among()).indexOf(value);
        } else if (!gold.values().isEmpty()) {
            index = gold.values().getOrDefault(value, -1);
        } else {
            index = value.matches("\\d{1,4}") ? Integer.parseInt(value) : -1;
        }
        if (index < 0 || index >= choices) {
            throw new InvalidInputException(
                    row.name() + ": column " + Shown.of(gold.column()) + " is \"" + Shown.of(value)
                            + "\", which is none of the " + choices
                            + " choices; leave rows without an answer out, or correct the task's \"gold\"");
        }
        return index;
    }

    private static ExampleDraw draw(TaskDescription task, int shots) {
        Examples examples = task.examples().orElseThrow(() -> new UsageException(
                "--num-fewshot is " + shots + ", but the task " + task.name() + " has no examples; leave it out"));
        return new ExampleDraw(task, rows(task, examples.data()).rows, examples.draw(), shots);
    }

    private static Rows rows(TaskDescription task, Data data) {
        for (Path root : task.sources().folders()) {
            for (Place place : data.places()) {
                List<Path> files = files(root, place.pattern());
                if (!files.isEmpty()) {
                    return rows(task, data, root, place, files);
                }
            }
        }
        if (task.sources().hub().isPresent()) {
            return fetched(task, data, task.sources().hub().get().get());
        }
        throw new InvalidInputException("The " + data.split() + " part of the task " + task.name() + " is not in "
                + String.join(" or ", task.sources().folders().stream().map(Path::toString).toList())
                + " (--data-dir): looked for "
                + String.join(", ", data.places().stream().map(Place::pattern).toList()) + ", where {table} is "
                + String.join(", ", TableRows.endings()) + "; put one of these files there");
    }

    private static Rows fetched(TaskDescription task, Data data, Hub hub) {
        HubPlace place = data.onHub().orElseThrow(() -> new InvalidInputException("The " + data.split()
                + " part of the task " + task.name() + " is not on the hub as a table; name a folder that holds it as"
                + " --data-dir"));
        HubSnapshot snapshot = hub.dataset(place.dataset());
        List<String> files = FilePattern.matching(snapshot.files(), place.files());
        if (files.isEmpty()) {
            throw new InvalidInputException((snapshot.isCacheOnly() ? "The cache of the hub has" : "The hub has")
                    + " no file " + place.files() + " of the data set " + place.dataset() + ", which the task "
                    + task.name() + " needs; name a folder that holds one as --data-dir");
        }
        Path folder = snapshot.fetch(files);
        return rows(task, data, folder, new Place(place.files(), Map.of(), ""),
                files.stream().map(folder::resolve).toList());
    }

    private static Rows rows(TaskDescription task, Data data, Path root, Place place, List<Path> files) {
        List<ObjectNode> fields = new ArrayList<>();
        files.forEach(file -> fields.addAll(read(file, task)));
        place.lines().forEach((column, lineFile) -> {
            Path file = FilePattern.named(root, lineFile);
            List<String> lines = TableRows.lines(file);
            if (lines.size() != fields.size()) {
                throw new InvalidInputException(file + " has " + lines.size() + " lines, but " + place.pattern()
                        + " has " + fields.size() + " rows; they do not belong together");
            }
            for (int i = 0; i < lines.size(); i++) {
                fields.get(i).put(column, lines.get(i));
            }
        });
        List<String> sources = files.stream()
                .map(file -> (file.startsWith(root) ? root.relativize(file) : file).toString().replace('\\', '/'))
                .toList();
        String name = String.join(", ", sources);
        List<ObjectNode> prepared = task.preparation()
                .map(preparation -> preparation.apply(fields, task.version(), name)).orElse(fields);
        List<Row> rows = IntStream.range(Math.min(data.from(), prepared.size()), Math.min(data.to(), prepared.size()))
                .mapToObj(i -> new Row(prepared.get(i), task.columns(), name + ", row " + i + " (counted from 0)"))
                .toList();
        List<String> notes = new ArrayList<>();
        if (!place.note().isEmpty()) {
            notes.add(task.name() + ": " + place.note() + " (" + name + ")");
        }
        data.published().stream().filter(published -> published != rows.size())
                .forEach(published -> notes.add(difference(task.name(), rows.size(), published, name)));
        return new Rows(rows, sources, notes);
    }

    /** Says that data are not what others have measured on. */
    static String difference(String task, int documents, int published, String sources) {
        return "%s: %s documents, but the published data set has %s: numbers are not comparable with published ones (%s)"
                .formatted(task, documents, published, sources);
    }

    private static List<ObjectNode> read(Path file, TaskDescription task) {
        return Shortage.reading(file, () -> rows(file, task));
    }

    private static List<ObjectNode> rows(Path file, TaskDescription task) {
        if (file.toString().endsWith(".raw")) {
            if (!task.preparation().equals(Optional.of(Preparation.WIKITEXT))) {
                throw new InvalidInputException(file + " is the text of WikiText, but the task " + task.name()
                        + " needs a table; only \"prepare\": \"wikitext\" reads such a text");
            }
            return WikiText.pages(TableRows.text(file));
        }
        return TableRows.read(file);
    }

    private static List<Path> files(Path root, String pattern) {
        return FilePattern.files(root, pattern.replace("{table}", "{" + String.join(",", TableRows.endings()) + "}"));
    }
}
