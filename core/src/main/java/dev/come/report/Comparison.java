package dev.come.report;

import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.RecordJson;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What several methods made of the same model, side by side. As JSON, by the rules of {@link RecordJson}:
 *
 * <pre>
 * field                          | type    | meaning, unit                              | absent
 * -------------------------------|---------|--------------------------------------------|------------------------------
 * format                         | string  | "come-comparison"                          |
 * format_version                 | integer | 1                                          |
 * layers                         | integer | decoder layers of the dense model          |
 * loss_on                        | string  | the calibration set of the losses          |
 * dense.loss                     | number  | nats for each token                        | not measured
 * dense.perplexities[].metric    | string  | what was measured, in words                |
 * dense.perplexities[].value     | number  | what it is                                 |
 * methods[].method               | string  | as --method has it                         |
 * methods[].failure              | string  | why it did not get there                   | it got there
 * methods[].layers               | integer | layers that are left                       | it failed, as all below
 * methods[].tree                 | string  | these layers, merged ones as nested lists  |
 * methods[].loss                 | number  | nats for each token                        | not measured
 * methods[].perplexities[].*     | any     | as those of the dense model                |
 * methods[].seconds              | number  | time that choosing the layers took         |
 * methods[].peak_bytes           | integer | most memory of the process meanwhile       | the system does not tell
 * </pre>
 *
 * @param layers layers of the dense model
 * @param lossName what losses were measured on
 * @param denseLoss loss of the dense model in nats for each token
 * @param densePerplexities by the full name of the number
 * @param rows one for each method
 */
public record Comparison(int layers, String lossName, OptionalDouble denseLoss,
        SequencedMap<String, Double> densePerplexities, List<Row> rows) {
    /** The name of the file with {@link #toJson}. */
    public static final String JSON_NAME = "comparison.json";

    /** The name of the file with {@link #toCsv}. */
    public static final String CSV_NAME = "comparison.csv";

    static final String FORMAT = "come-comparison";

    /**
     * What one method made.
     *
     * @param layersLeft 0 where it failed
     * @param tree the layers that are left, merged ones as nested lists
     * @param choosing the time that choosing the layers took
     * @param peakBytes the most memory of the process meanwhile
     * @param failure why it did not get there; empty if it did
     */
    public record Row(String method, int layersLeft, String tree, OptionalDouble loss,
            SequencedMap<String, Double> perplexities, Duration choosing, OptionalLong peakBytes, String failure) {
        /** A method that did not get there. */
        public static Row failed(String method, String reason) {
            return new Row(method, 0, "", OptionalDouble.empty(), new LinkedHashMap<>(), Duration.ZERO,
                    OptionalLong.empty(), reason);
        }
    }

    public Comparison {
        rows = List.copyOf(rows);
    }

    /** As JSON; what was not measured is left out. */
    public String toJson() {
        ObjectNode root = RecordJson.file(FORMAT, 1);
        addTo(root);
        return RecordJson.text(root);
    }

    /** Adds the fields below the format. */
    void addTo(ObjectNode root) {
        root.put("layers", layers);
        root.put("loss_on", lossName);
        ObjectNode dense = root.putObject("dense");
        denseLoss.ifPresent(loss -> dense.put("loss", loss));
        dense.set("perplexities", json(densePerplexities));
        ArrayNode methods = root.putArray("methods");
        for (Row row : rows) {
            ObjectNode entry = methods.addObject();
            entry.put("method", row.method);
            if (!row.failure.isEmpty()) {
                entry.put("failure", row.failure);
                continue;
            }
            entry.put("layers", row.layersLeft);
            entry.put("tree", row.tree);
            row.loss.ifPresent(loss -> entry.put("loss", loss));
            entry.set("perplexities", json(row.perplexities));
            entry.put("seconds", row.choosing.toMillis() / 1000.0);
            row.peakBytes.ifPresent(bytes -> entry.put("peak_bytes", bytes));
        }
    }

    /** Reads what {@link #toJson} wrote. */
    static Comparison of(JsonNode root) {
        List<Row> rows = root.path("methods").valueStream()
                .map(entry -> entry.has("failure")
                        ? Row.failed(entry.path("method").asString(), entry.path("failure").asString())
                        : new Row(entry.path("method").asString(), entry.path("layers").asInt(0),
                                entry.path("tree").asString(""), RunRecord.number(entry.path("loss")),
                                perplexities(entry.path("perplexities")),
                                Duration.ofMillis(Math.round(1000 * entry.path("seconds").asDouble(0))),
                                RunRecord.count(entry.path("peak_bytes")), ""))
                .toList();
        return new Comparison(root.path("layers").asInt(0), root.path("loss_on").asString(""),
                RunRecord.number(root.path("dense").path("loss")),
                perplexities(root.path("dense").path("perplexities")), rows);
    }

    private static SequencedMap<String, Double> perplexities(JsonNode array) {
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        array.forEach(entry -> values.put(entry.path("metric").asString(), entry.path("value").asDouble()));
        return values;
    }

    /** Whether a file looks like one that {@link #toJson} or {@link #toCsv} gave. */
    public static boolean isOne(Path file) {
        String beginning = InputFile.beginning(file, 32);
        return beginning.startsWith("method,layers,tree,")
                || beginning.matches("(?s)\\{\\s+\"(format|layers)\".*");
    }

    private static ArrayNode json(SequencedMap<String, Double> perplexities) {
        ArrayNode array = JsonNodeFactory.instance.arrayNode();
        perplexities.forEach(
                (metric, value) -> array.addObject().put("metric", metric).put("value", value));
        return array;
    }

    /** As CSV (RFC 4180), the dense model first; what was not measured is empty. */
    public String toCsv() {
        List<List<String>> lines = new ArrayList<>();
        List<String> head = new ArrayList<>(List.of("method", "layers", "tree", "loss"));
        head.addAll(densePerplexities.keySet());
        head.addAll(List.of("seconds", "peak_bytes", "failure"));
        lines.add(head);
        lines.add(line(new Row("dense", layers, "", denseLoss, densePerplexities, Duration.ZERO,
                OptionalLong.empty(), "")));
        rows.forEach(row -> lines.add(line(row)));
        return lines.stream().map(line -> line.stream().map(Comparison::quoted).collect(Collectors.joining(",")))
                .collect(Collectors.joining("\r\n", "", "\r\n"));
    }

    private List<String> line(Row row) {
        List<String> line = new ArrayList<>(List.of(row.method, row.layersLeft == 0 ? "" : "" + row.layersLeft,
                row.tree, row.loss.isPresent() ? "" + row.loss.getAsDouble() : ""));
        densePerplexities.keySet()
                .forEach(name -> line.add(row.perplexities.containsKey(name) ? "" + row.perplexities.get(name) : ""));
        boolean timed = row.failure.isEmpty() && !row.method.equals("dense");
        line.add(timed ? String.format(Locale.ROOT, "%.3f", row.choosing.toMillis() / 1000.0) : "");
        line.add(row.peakBytes.isPresent() ? "" + row.peakBytes.getAsLong() : "");
        line.add(row.failure);
        return line;
    }

    private static String quoted(String cell) {
        return cell.matches("[^,\"\r\n]*") ? cell : '"' + cell.replace("\"", "\"\"") + '"';
    }
}
