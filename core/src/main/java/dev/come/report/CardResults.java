package dev.come.report;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code come eval} has measured, as a model card shows it.
 *
 * @param results as {@code come eval} writes them
 * @param datasets data sets of the hub by the names of tasks and texts; what has none is in the table alone, for the hub would
 *     take any name for one of its own
 */
record CardResults(JsonNode results, Map<String, String> datasets) {
    private static final Pattern TEXT = Pattern.compile("(.+?) \\((\\w+)\\) (perplexity per token, .*)");
    private static final Pattern TOKENS = Pattern.compile(" \\(\\d+ tokens\\)$");

    /** The model-index of the hub (https://github.com/huggingface/hub-docs/blob/main/modelcard.md); empty if nothing has a place there. */
    ObjectNode modelIndex() {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        ArrayNode list = JsonNodeFactory.instance.arrayNode();
        tasks(model()).forEach((name, task) -> {
            if (datasets.containsKey(name)) {
                ObjectNode result = result(list, name, datasets.get(name), task.path("split").asString(""));
                ObjectNode args = ((ObjectNode) result.path("dataset")).putObject("args");
                args.put("num_fewshot", task.path("shots").asInt());
                if (!limit().isEmpty()) {
                    args.put("limit", results.path("settings").path("limit").asInt());
                }
                metrics(task).forEach((metric, value) -> result.withArray("metrics").addObject().put("type", metric)
                        .put("value", value).put("name", metric));
            }
        });
        for (JsonNode perplexity : model().path("perplexities")) {
            Matcher text = TEXT.matcher(perplexity.path("metric").asString(""));
            if (text.matches() && datasets.containsKey(text.group(1))) {
                result(list, text.group(1), datasets.get(text.group(1)), text.group(2)).withArray("metrics").addObject()
                        .put("type", "perplexity").put("value", perplexity.path("value").asDouble())
                        .put("name", text.group(3));
            }
        }
        if (!list.isEmpty()) {
            ObjectNode index = root.putArray("model-index").addObject().put("name",
                    model().path("name").asString(""));
            index.set("results", list);
        }
        return root;
    }

    private static ObjectNode result(ArrayNode list, String name, String dataset, String split) {
        ObjectNode result = list.addObject();
        result.putObject("task").put("type", "text-generation").put("name", "Text Generation");
        result.putObject("dataset").put("name", name).put("type", dataset).put("split", split);
        return result;
    }

    /** A section with a table. */
    String table() {
        JsonNode baseline = results.path("baseline");
        boolean both = baseline.isObject();
        JsonNode settings = results.path("settings");
        StringBuilder text = new StringBuilder("## Results\n\nMeasured by ")
                .append(settings.path("tool").asString("")).append(", computed in ")
                .append(model().path("dtype").asString(""));
        if (!tasks(model()).isEmpty()) {
            text.append("; tasks as lm-evaluation-harness ").append(settings.path("harness_version").asString(""))
                    .append(" has them").append(limit());
        }
        text.append(".\n\n| | this model |").append(both ? " " + cell(baseline.path("name").asString("")) + " |" : "")
                .append("\n| --- | ---: |").append(both ? " ---: |" : "").append('\n');
        tasks(model()).forEach((name, task) -> metrics(task).keySet().forEach(metric -> {
            text.append("| ").append(cell(name)).append(", ").append(metric)
                    .append(task.path("shots").asInt() > 0 ? ", " + task.path("shots").asInt() + "-shot" : "")
                    .append(" | ").append(value(task, metric)).append(" |");
            text.append(both ? " " + value(tasks(baseline).getOrDefault(name, task.path("none")), metric) + " |" : "")
                    .append('\n');
        }));
        for (JsonNode perplexity : model().path("perplexities")) {
            String metric = perplexity.path("metric").asString("");
            text.append("| ").append(cell(ofMetric(metric))).append(" | ").append(number(perplexity.path("value")))
                    .append(" |");
            text.append(both ? " " + perplexity(baseline, metric) + " |" : "").append('\n');
        }
        return text.toString();
    }

    private JsonNode model() {
        return results.path("model");
    }

    /** Groups, and tasks that belong to none, or were asked for by their name. */
    private Map<String, JsonNode> tasks(JsonNode of) {
        Map<String, JsonNode> tasks = new LinkedHashMap<>();
        for (String kind : new String[]{"tasks", "groups"}) {
            for (Map.Entry<String, JsonNode> task : of.path(kind).properties()) {
                if (!task.getValue().has("group") || datasets.containsKey(task.getKey())) {
                    tasks.put(task.getKey(), task.getValue());
                }
            }
        }
        return tasks;
    }

    private static Map<String, Double> metrics(JsonNode task) {
        Map<String, Double> metrics = new TreeMap<>();
        task.properties().stream().filter(entry -> EvalFile.isMetric(entry.getKey()) && entry.getValue().isNumber())
                .forEach(entry -> metrics.put(entry.getKey(), entry.getValue().asDouble()));
        return metrics;
    }

    private String limit() {
        JsonNode limit = results.path("settings").path("limit");
        return limit.isNumber() ? ", of each the first " + limit.asInt() + " documents" : "";
    }

    private static String value(JsonNode task, String metric) {
        JsonNode error = task.path(EvalFile.named(metric, "_stderr"));
        return number(task.path(metric)) + (error.isNumber() ? " ± " + number(error) : "");
    }

    private static String perplexity(JsonNode model, String metric) {
        return model.path("perplexities").valueStream()
                .filter(perplexity -> perplexity.path("metric").asString("").equals(metric)).findFirst()
                .map(perplexity -> number(perplexity.path("value"))).orElse("");
    }

    private static String number(JsonNode value) {
        return value.isNumber() ? String.format(Locale.ROOT, "%.4f", value.asDouble()) : "";
    }

    /** The texts of a mixture, each with its number of tokens; otherwise the one text. */
    private static List<String> parts(String text) {
        List<String> parts = List.of(text.split(" \\+ ", -1));
        return parts.stream().allMatch(part -> TOKENS.matcher(part).find()) ? parts : List.of(text);
    }

    /** The names of the texts of a mixture, or the one name. */
    static Stream<String> names(String text) {
        return parts(text).stream().map(part -> TOKENS.matcher(part).replaceFirst(""));
    }

    /** A text by its name. A card is read by others, whom the folders of this machine do not concern. */
    static String withoutFolder(String text) {
        return parts(text).stream().map(part -> part.replaceFirst("(?s).*[/\\\\](?=.)", ""))
                .collect(Collectors.joining(" + "));
    }

    /** The same for the name of a number, which begins with that of a text. */
    static String ofMetric(String metric) {
        Matcher text = TEXT.matcher(metric);
        return text.matches() ? withoutFolder(text.group(1)) + metric.substring(text.end(1)) : metric;
    }

    private static String cell(String text) {
        return text.replace("|", "\\|").replaceAll("\\s+", " ");
    }
}
