package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.evaluate.TaskDescription.Choices;
import dev.come.evaluate.TaskDescription.Contexts;
import dev.come.evaluate.TaskDescription.Data;
import dev.come.evaluate.TaskDescription.Draw;
import dev.come.evaluate.TaskDescription.Examples;
import dev.come.evaluate.TaskDescription.Form;
import dev.come.evaluate.TaskDescription.Gold;
import dev.come.evaluate.TaskDescription.Group;
import dev.come.evaluate.TaskDescription.HubPlace;
import dev.come.evaluate.TaskDescription.LongText;
import dev.come.evaluate.TaskDescription.Metric;
import dev.come.evaluate.TaskDescription.Place;
import dev.come.evaluate.TaskDescription.Sources;
import dev.come.text.TextSource.Folder;
import dev.come.text.TextSource.Library;
import dev.come.text.TextSource.OnHub;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads descriptions of tasks: those that come with the project, which lie in its resources, and those of users. README.md tells
 * what a file may say. A key that nobody knows is refused, since it would do nothing.
 */
final class TaskFile {
    /** The tasks that come with the project. */
    static final List<String> NAMES = List.of("boolq", "piqa", "hellaswag", "winogrande", "arc_easy", "arc_challenge",
            "openbookqa", "race", "mmlu", "wikitext");

    private static final String SUBJECT = "{subject}";
    private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();

    private final String file;
    private final Sources sources;
    private final HarnessVersion harness;

    private TaskFile(String file, Sources sources, HarnessVersion harness) {
        this.file = file;
        this.sources = sources;
        this.harness = harness;
    }

    /**
     * Finds a task: one of those of the project by its name, a subject of one of them ({@code mmlu_anatomy}) or a part
     * ({@code mmlu_stem}), or a file.
     *
     * @param library where the data are; those of a file are looked for beside it first
     * @return one description, or those of a group
     * @throws UsageException if there is no such task
     */
    static List<TaskDescription> find(String name, Library library, HarnessVersion harness) {
        if (name.endsWith(".json")) {
            Path path = Path.of(name);
            return new TaskFile(name, sources(library, Stream.of(path.toAbsolutePath().getParent())), harness)
                    .read(text(path));
        }
        Optional<String> known = NAMES.stream().filter(task -> name.equals(task) || name.startsWith(task + "_"))
                .findFirst();
        List<TaskDescription> tasks = known.isEmpty() ? List.of() : builtIn(known.get(), library, harness);
        if (known.isPresent() && !name.equals(known.get())) {
            tasks = subjectOrPart(tasks, name);
        }
        if (tasks.isEmpty()) {
            throw new UsageException("--tasks names " + name + ", which is not there; the choices are "
                    + String.join(", ", NAMES) + ", one subject as in mmlu_anatomy, one part as in mmlu_stem, and files"
                    + " that end in .json");
        }
        return tasks;
    }

    /** With data below a folder. */
    static List<TaskDescription> find(String name, Path dataDirectory, HarnessVersion harness) {
        return find(name, new Folder(dataDirectory), harness);
    }

    private static Sources sources(Library library, Stream<Path> first) {
        return switch (library) {
            case Folder below -> new Sources(Stream.concat(first, Stream.of(below.folder())).distinct().toList(),
                    Optional.empty());
            case OnHub on -> new Sources(first.toList(), Optional.of(on.hub()));
        };
    }

    /** A subject that was asked for by itself is part of no group, and a part is a group. */
    private static List<TaskDescription> subjectOrPart(List<TaskDescription> tasks, String name) {
        List<TaskDescription> one = tasks.stream().filter(task -> task.name().equals(name))
                .map(task -> task.in(Optional.empty())).toList();
        return one.isEmpty()
                ? tasks.stream().filter(task -> task.group().filter(group -> group.part().equals(name)).isPresent())
                        .map(task -> task.in(Optional.of(new Group(name, "", OptionalInt.empty())))).toList()
                : one;
    }

    private static List<TaskDescription> builtIn(String name, Library library, HarnessVersion harness) {
        return new TaskFile(name, sources(library, Stream.empty()), harness).read(resource(name));
    }

    /** The file of a task of the project. */
    static String resource(String name) {
        try (InputStream stream = TaskFile.class.getResourceAsStream("tasks/" + name + ".json")) {
            if (stream == null) {
                throw new IllegalStateException("the task " + name + " is missing in the jar");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read (" + IoReason.of(e)
                    + "); --tasks takes names of tasks and files that describe one", e);
        }
    }

    /** For tests: a description in this text. */
    static List<TaskDescription> parse(String text, List<Path> roots, HarnessVersion harness) {
        return new TaskFile("the task", new Sources(roots, Optional.empty()), harness).read(text);
    }

    private List<TaskDescription> read(String text) {
        try {
            JsonNode root = JSON.readTree(text);
            if (!(root instanceof ObjectNode object)) {
                throw invalid("it must be an object {...}");
            }
            known(object, "", "task", "version", "documents", "examples", "prepare", "columns", "introduction",
                    "context",
                    "choices", "contexts", "continuation", "gold", "metrics", "text", "counted", "subjects");
            if (!object.has("subjects")) {
                return List.of(task(object, "", ""));
            }
            return subjects(object).entrySet().stream()
                    .map(subject -> task(object, subject.getKey(), subject.getValue())).toList();
        } catch (JacksonException e) {
            throw invalid("it is not JSON: " + e.getOriginalMessage().lines().findFirst().orElse(""));
        }
    }

    /** The subjects, and the part that each belongs to; or empty. */
    private SequencedMap<String, String> subjects(ObjectNode root) {
        SequencedMap<String, String> subjects = new LinkedHashMap<>();
        if (root.path("subjects") instanceof ObjectNode parts && !parts.isEmpty()) {
            parts.propertyNames().forEach(subject -> subjects.put(subject, string(parts, subject)));
        } else {
            strings(root, "subjects").forEach(subject -> subjects.put(subject, ""));
        }
        return subjects;
    }

    private TaskDescription task(ObjectNode root, String subject, String part) {
        Form form = form(root);
        Data documents = data(object(root, "documents"), "documents", subject);
        String name = string(root, "task");
        Optional<Group> group = subject.isEmpty()
                ? Optional.empty()
                : Optional.of(new Group(name, part.isEmpty() ? "" : name + "_" + part, documents.published()));
        if (group.isPresent()) {
            documents = documents.withoutPublished();
        }
        return new TaskDescription(subject.isEmpty() ? name : name + "_" + subject, version(root), group, documents,
                examples(root, subject), preparation(root), columns(root),
                string(root, "introduction", "").replace(SUBJECT, subject.replace('_', ' ')), form, sources);
    }

    private String version(ObjectNode root) {
        JsonNode version = root.path("version");
        return version.isObject() ? string((ObjectNode) version, harness.toString()) : string(root, "version");
    }

    private Form form(ObjectNode root) {
        if (root.has("text")) {
            absent(root, "text", "context", "choices", "contexts", "continuation", "gold", "metrics", "examples");
            return new LongText(string(root, "text"), string(root, "counted", string(root, "text")));
        }
        absent(root, "choices or contexts", "counted");
        if (root.has("contexts")) {
            absent(root, "contexts", "context", "choices");
            return new Contexts(string(root, "contexts"), string(root, "continuation"), gold(root),
                    metrics(root, Set.of(Metric.ACC)));
        }
        absent(root, "context", "continuation");
        JsonNode choices = root.path("choices");
        List<String> templates = choices.isArray() ? strings(root, "choices") : List.of();
        return new Choices(string(root, "context"), templates, choices.isArray() ? "" : string(root, "choices"),
                gold(root), metrics(root, Set.of(Metric.values())));
    }

    private List<Metric> metrics(ObjectNode root, Set<Metric> possible) {
        List<Metric> metrics = new ArrayList<>();
        for (String name : root.has("metrics") ? strings(root, "metrics") : List.of("acc")) {
            metrics.add(possible.stream().filter(metric -> metric.name().toLowerCase(Locale.ROOT).equals(name))
                    .findFirst().orElseThrow(() -> invalid("\"metrics\" names " + name + ", but the choices are "
                            + possible.stream().map(metric -> metric.name().toLowerCase(Locale.ROOT)).sorted()
                                    .collect(Collectors.joining(", ")))));
        }
        if (!metrics.contains(Metric.ACC)) {
            throw invalid("\"metrics\" must have acc in it");
        }
        return List.copyOf(metrics);
    }

    private Gold gold(ObjectNode root) {
        ObjectNode gold = object(root, "gold");
        known(gold, "gold.", "column", "values", "among");
        if (gold.has("values") && gold.has("among")) {
            throw invalid("\"gold\" has \"values\" and \"among\", but one of them decides; take one out");
        }
        Map<String, Integer> values = new LinkedHashMap<>();
        gold.path("values").properties().forEach(value -> {
            if (!value.getValue().isInt()) {
                throw invalid("\"gold.values." + value.getKey() + "\" is " + value.getValue()
                        + ", but must be the number of a choice, counted from 0");
            }
            values.put(value.getKey(), value.getValue().intValue());
        });
        return new Gold(string(gold, "column"), values, string(gold, "among", ""));
    }

    private Optional<Examples> examples(ObjectNode root, String subject) {
        if (!root.has("examples")) {
            return Optional.empty();
        }
        ObjectNode examples = object(root, "examples");
        String draw = string(examples, "draw");
        Draw how = Arrays.stream(Draw.values()).filter(value -> value.name().toLowerCase(Locale.ROOT).equals(draw))
                .findFirst().orElseThrow(() -> invalid("\"examples.draw\" is \"" + draw
                        + "\", but the choices are first, random and random_one_more"));
        return Optional.of(new Examples(data(examples, "examples", subject), how));
    }

    private Optional<Preparation> preparation(ObjectNode root) {
        if (!root.has("prepare")) {
            return Optional.empty();
        }
        String name = string(root, "prepare");
        return Optional.of(Preparation.of(name).orElseThrow(() -> invalid("\"prepare\" is \"" + name
                + "\", but the choices are " + Arrays.toString(Preparation.values()))));
    }

    private Map<String, List<List<String>>> columns(ObjectNode root) {
        Map<String, List<List<String>>> columns = new LinkedHashMap<>();
        root.path("columns").properties().forEach(column -> {
            List<List<String>> places = new ArrayList<>();
            JsonNode value = column.getValue();
            for (JsonNode place : value.isArray() ? value : List.of(value)) {
                List<String> paths = place.isArray()
                        ? place.valueStream().map(JsonNode::asString).toList()
                        : List.of(place.asString());
                places.add(paths);
            }
            columns.put(column.getKey(), places);
        });
        return columns;
    }

    private Data data(ObjectNode data, String key, String subject) {
        known(data, key + ".", "split", "files", "hub", "rows", "from", "to", "draw");
        if (data.has("draw") && !key.equals("examples")) {
            throw invalid("\"" + key + ".draw\" is for examples; take it out");
        }
        JsonNode files = data.path("files");
        List<Place> places = new ArrayList<>();
        for (JsonNode place : files.isArray() ? files : List.of(files)) {
            if (place instanceof ObjectNode object) {
                known(object, key + ".files.", "file", "lines", "note");
                Map<String, String> lines = new LinkedHashMap<>();
                object.path("lines").properties()
                        .forEach(
                                line -> lines.put(line.getKey(), line.getValue().asString().replace(SUBJECT, subject)));
                places.add(new Place(string(object, "file").replace(SUBJECT, subject), lines,
                        string(object, "note", "")));
            } else if (place.isString()) {
                places.add(new Place(place.stringValue().replace(SUBJECT, subject), Map.of(), ""));
            } else {
                throw invalid("\"" + key + ".files\" must name files");
            }
        }
        int from = number(data, "from", 0);
        int to = number(data, "to", Integer.MAX_VALUE);
        if (from >= to) {
            throw invalid("\"" + key + "\" takes the rows from " + from + " to " + to + ", which are none");
        }
        return new Data(string(data, "split"), places, onHub(data, key, subject),
                data.has("rows") ? OptionalInt.of(number(data, "rows", 0)) : OptionalInt.empty(), from, to);
    }

    private Optional<HubPlace> onHub(ObjectNode data, String key, String subject) {
        if (!data.has("hub")) {
            return Optional.empty();
        }
        ObjectNode hub = object(data, "hub");
        known(hub, key + ".hub.", "dataset", "files");
        return Optional.of(new HubPlace(string(hub, "dataset"), string(hub, "files").replace(SUBJECT, subject)));
    }

    private int number(ObjectNode object, String key, int fallback) {
        if (!object.has(key)) {
            return fallback;
        }
        if (!object.get(key).isInt() || object.get(key).intValue() < 0) {
            throw invalid("\"" + key + "\" is " + object.get(key) + ", but must be a whole number from 0 on");
        }
        return object.get(key).intValue();
    }

    private ObjectNode object(ObjectNode root, String key) {
        if (root.path(key) instanceof ObjectNode object) {
            return object;
        }
        throw invalid("\"" + key + "\" is " + (root.has(key) ? root.get(key) : "missing")
                + ", but must be an object {...}");
    }

    private String string(ObjectNode root, String key) {
        if (!root.path(key).isString()) {
            throw invalid("\"" + key + "\" is " + (root.has(key) ? root.get(key) : "missing")
                    + ", but must be a text");
        }
        return root.get(key).stringValue();
    }

    private String string(ObjectNode root, String key, String fallback) {
        return root.has(key) ? string(root, key) : fallback;
    }

    private List<String> strings(ObjectNode root, String key) {
        JsonNode list = root.path(key);
        if (!list.isArray() || list.isEmpty() || list.valueStream().anyMatch(element -> !element.isString())) {
            throw invalid("\"" + key + "\" is " + list + ", but must be a list of texts");
        }
        return list.valueStream().map(JsonNode::stringValue).toList();
    }

    private void known(ObjectNode object, String prefix, String... keys) {
        object.propertyNames().stream().filter(key -> !List.of(keys).contains(key)).findFirst().ifPresent(key -> {
            throw invalid("\"" + prefix + key + "\" is not known; the keys are " + String.join(", ", keys));
        });
    }

    private void absent(ObjectNode root, String with, String... keys) {
        for (String key : keys) {
            if (root.has(key)) {
                throw invalid("\"" + key + "\" does not go with " + with + "; take it out");
            }
        }
    }

    private InvalidInputException invalid(String what) {
        return new InvalidInputException(file + " does not describe a task: " + what
                + ". The README tells what such a file may say.");
    }
}
