package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import dev.come.evaluate.TaskDescription.Choices;
import dev.come.evaluate.TaskDescription.Contexts;
import dev.come.evaluate.TaskDescription.Data;
import dev.come.evaluate.TaskDescription.Draw;
import dev.come.evaluate.TaskDescription.Ending;
import dev.come.evaluate.TaskDescription.Examples;
import dev.come.evaluate.TaskDescription.Form;
import dev.come.evaluate.TaskDescription.Gold;
import dev.come.evaluate.TaskDescription.Group;
import dev.come.evaluate.TaskDescription.HubPlace;
import dev.come.evaluate.TaskDescription.LongText;
import dev.come.evaluate.TaskDescription.Metric;
import dev.come.evaluate.TaskDescription.Place;
import dev.come.evaluate.TaskDescription.Sources;
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
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads the description of a task. docs/evaluation.md tells what a file may say. A key that nobody knows is refused, since it would do nothing.
 */
final class TaskFile {
    private static final String SUBJECT = "{subject}";
    private static final JsonMapper JSON = JsonMapper.builder().enable(JsonReadFeature.ALLOW_JAVA_COMMENTS).build();

    private final TaskJson json;
    private final Sources sources;
    private final HarnessVersion harness;

    private TaskFile(String file, Sources sources, HarnessVersion harness) {
        this.json = new TaskJson(file);
        this.sources = sources;
        this.harness = harness;
    }

    /** For tests: a description in this text. */
    static List<TaskDescription> parse(String text, List<Path> roots, HarnessVersion harness) {
        return read("the task", text, new Sources(roots, Optional.empty()), harness);
    }

    /**
     * Reads one description, or those of a group.
     *
     * @param file what messages call it
     * @param sources where the data are looked for
     * @throws InvalidInputException if it does not describe a task
     */
    static List<TaskDescription> read(String file, String text, Sources sources, HarnessVersion harness) {
        return new TaskFile(file, sources, harness).read(text);
    }

    private List<TaskDescription> read(String text) {
        try {
            JsonNode root = JSON.readTree(text);
            if (!(root instanceof ObjectNode object)) {
                throw json.invalid("it must be an object {...}");
            }
            json.known(object, "", "task", "version", "documents", "examples", "prepare", "columns", "introduction",
                    "context",
                    "choices", "contexts", "continuation", "gold", "metrics", "text", "counted", "subjects", "between",
                    "ending", "answers", "solution", "generate");
            if (!object.has("subjects")) {
                return List.of(task(object, "", ""));
            }
            return subjects(object).entrySet().stream()
                    .map(subject -> task(object, subject.getKey(), subject.getValue())).toList();
        } catch (JacksonException e) {
            throw json.invalid("it is not JSON: " + Shown.of(e.getOriginalMessage().lines().findFirst().orElse("")));
        }
    }

    /** The subjects, and the part that each belongs to; or empty. */
    private SequencedMap<String, String> subjects(ObjectNode root) {
        SequencedMap<String, String> subjects = new LinkedHashMap<>();
        if (root.path("subjects") instanceof ObjectNode parts && !parts.isEmpty()) {
            parts.propertyNames().forEach(subject -> subjects.put(subject, json.string(parts, subject)));
        } else {
            json.strings(root, "subjects").forEach(subject -> subjects.put(subject, ""));
        }
        return subjects;
    }

    private TaskDescription task(ObjectNode root, String subject, String part) {
        Form form = form(root);
        Data documents = data(json.object(root, "documents"), "documents", subject);
        String name = json.string(root, "task");
        Optional<Group> group = subject.isEmpty()
                ? Optional.empty()
                : Optional.of(new Group(name, part.isEmpty() ? "" : name + "_" + part, documents.published()));
        if (group.isPresent()) {
            documents = documents.withoutPublished();
        }
        return new TaskDescription(subject.isEmpty() ? name : name + "_" + subject, version(root), group, documents,
                examples(root, subject), preparation(root), columns(root),
                json.string(root, "introduction", "").replace(SUBJECT, subject.replace('_', ' ')),
                json.string(root, "between", "\n\n"), form, sources);
    }

    private String version(ObjectNode root) {
        JsonNode version = root.path("version");
        return version.isObject()
                ? json.string((ObjectNode) version, harness.toString())
                : json.string(root, "version");
    }

    private Form form(ObjectNode root) {
        if (root.has("generate")) {
            return new GeneratedJson(json).read(root);
        }
        json.absent(root, "choices, contexts, ending or text", "answers", "solution");
        if (root.has("ending")) {
            json.absent(root, "ending", "choices", "contexts", "continuation", "gold", "metrics", "text", "counted");
            return new Ending(json.string(root, "context"), json.string(root, "ending"));
        }
        if (root.has("text")) {
            json.absent(root, "text", "context", "choices", "contexts", "continuation", "gold", "metrics", "examples",
                    "between");
            return new LongText(json.string(root, "text"), json.string(root, "counted", json.string(root, "text")));
        }
        json.absent(root, "choices or contexts", "counted");
        if (root.has("contexts")) {
            json.absent(root, "contexts", "context", "choices");
            return new Contexts(json.string(root, "contexts"), json.string(root, "continuation"), gold(root),
                    metrics(root, Set.of(Metric.ACC)));
        }
        json.absent(root, "context", "continuation");
        JsonNode choices = root.path("choices");
        List<String> templates = choices.isArray() ? json.strings(root, "choices") : List.of();
        return new Choices(json.string(root, "context"), templates,
                choices.isArray() ? "" : json.string(root, "choices"),
                gold(root), metrics(root, Set.of(Metric.values())));
    }

    private List<Metric> metrics(ObjectNode root, Set<Metric> possible) {
        List<Metric> metrics = new ArrayList<>();
        for (String name : root.has("metrics") ? json.strings(root, "metrics") : List.of("acc")) {
            metrics.add(possible.stream().filter(metric -> metric.name().toLowerCase(Locale.ROOT).equals(name))
                    .findFirst()
                    .orElseThrow(() -> json.invalid("\"metrics\" names " + Shown.of(name) + ", but the choices are "
                            + possible.stream().map(metric -> metric.name().toLowerCase(Locale.ROOT)).sorted()
                                    .collect(Collectors.joining(", ")))));
        }
        if (!metrics.contains(Metric.ACC)) {
            throw json.invalid("\"metrics\" must have acc in it");
        }
        return List.copyOf(metrics);
    }

    private Gold gold(ObjectNode root) {
        ObjectNode gold = json.object(root, "gold");
        json.known(gold, "gold.", "column", "values", "among");
        if (gold.has("values") && gold.has("among")) {
            throw json.invalid("\"gold\" has \"values\" and \"among\", but one of them decides; take one out");
        }
        Map<String, Integer> values = new LinkedHashMap<>();
        gold.path("values").properties().forEach(value -> {
            if (!value.getValue().isInt()) {
                throw json.invalid("\"gold.values." + Shown.of(value.getKey()) + "\" is " + Shown.of(value.getValue())
                        + ", but must be the number of a choice, counted from 0");
            }
            values.put(value.getKey(), value.getValue().intValue());
        });
        return new Gold(json.string(gold, "column"), values, json.string(gold, "among", ""));
    }

    private Optional<Examples> examples(ObjectNode root, String subject) {
        if (!root.has("examples")) {
            return Optional.empty();
        }
        ObjectNode examples = json.object(root, "examples");
        String draw = json.string(examples, "draw");
        Draw how = Arrays.stream(Draw.values()).filter(value -> value.name().toLowerCase(Locale.ROOT).equals(draw))
                .findFirst().orElseThrow(() -> json.invalid("\"examples.draw\" is \"" + Shown.of(draw)
                        + "\", but the choices are first, random and random_one_more"));
        return Optional.of(
                new Examples(data(examples, "examples", subject), how, json.number(examples, "usual", 0)));
    }

    private Optional<Preparation> preparation(ObjectNode root) {
        if (!root.has("prepare")) {
            return Optional.empty();
        }
        String name = json.string(root, "prepare");
        return Optional.of(Preparation.of(name).orElseThrow(() -> json.invalid("\"prepare\" is \"" + Shown.of(name)
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
        json.known(data, key + ".", "split", "files", "hub", "rows", "from", "to", "draw", "usual");
        for (String ofExamples : key.equals("examples") ? List.<String>of() : List.of("draw", "usual")) {
            if (data.has(ofExamples)) {
                throw json.invalid("\"" + key + "." + ofExamples + "\" is for examples; take it out");
            }
        }
        JsonNode files = data.path("files");
        List<Place> places = new ArrayList<>();
        for (JsonNode place : files.isArray() ? files : List.of(files)) {
            if (place instanceof ObjectNode object) {
                json.known(object, key + ".files.", "file", "lines", "note");
                Map<String, String> lines = new LinkedHashMap<>();
                object.path("lines").properties()
                        .forEach(
                                line -> lines.put(line.getKey(), line.getValue().asString().replace(SUBJECT, subject)));
                places.add(new Place(json.string(object, "file").replace(SUBJECT, subject), lines,
                        json.string(object, "note", "")));
            } else if (place.isString()) {
                places.add(new Place(place.stringValue().replace(SUBJECT, subject), Map.of(), ""));
            } else {
                throw json.invalid("\"" + key + ".files\" must name files");
            }
        }
        int from = json.number(data, "from", 0);
        int to = json.number(data, "to", Integer.MAX_VALUE);
        if (from >= to) {
            throw json.invalid("\"" + key + "\" takes the rows from " + from + " to " + to + ", which are none");
        }
        return new Data(json.string(data, "split"), places, onHub(data, key, subject),
                data.has("rows") ? OptionalInt.of(json.number(data, "rows", 0)) : OptionalInt.empty(), from, to);
    }

    private Optional<HubPlace> onHub(ObjectNode data, String key, String subject) {
        if (!data.has("hub")) {
            return Optional.empty();
        }
        ObjectNode hub = json.object(data, "hub");
        json.known(hub, key + ".hub.", "dataset", "files");
        return Optional
                .of(new HubPlace(json.string(hub, "dataset"), json.string(hub, "files").replace(SUBJECT, subject)));
    }
}
