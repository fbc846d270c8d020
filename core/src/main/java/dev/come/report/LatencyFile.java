package dev.come.report;

import dev.come.checkpoint.RecordJson;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What {@code come latency} has measured. As JSON, by the rules of {@link RecordJson}:
 *
 * <pre>
 * field                           | type     | meaning, unit                                               | absent
 * --------------------------------|----------|-------------------------------------------------------------|------------------
 * format                          | string   | "come-latency"                                              |
 * format_version                  | integer  | 1                                                           |
 * tool                            | string   | name and version of the program                             |
 * dtype                           | string   | float32 or bfloat16                                         |
 * device                          | string   | cpu, cuda, cuda:1, ...                                      |
 * batch                           | integer  | sequences side by side                                      |
 * prompt_tokens                   | integer  | tokens of each prompt                                       |
 * new_tokens                      | integer  | tokens generated after it; 0: none                          |
 * bytes_read_in_a_second          | number   | how fast the machine reads memory                           |
 * peak_bytes                      | integer  | most memory of the process, all models                      | the system does not tell
 * machine.others                  | number   | share of all processor time that other programs took        | the system does not tell
 * machine.idle                    | number   | share of all processor time that nobody took                | the system does not tell
 * models[].name                   | string   | the one that is compared with first                         |
 * models[].layers                 | integer  | decoder layers                                              |
 * models[].parameters             | integer  | numbers in its weights                                      |
 * models[].weight_bytes           | integer  | bytes of them in the dtype                                  |
 * models[].cache_bytes            | integer  | bytes of keys and values of all tokens                      |
 * models[].prompt_seconds         | number[] | one for each run, in turns with the other model             |
 * models[].generation_seconds     | number[] | seconds for the new tokens after the first; none: empty     |
 * </pre>
 *
 * @param dtype what was computed in
 * @param others the share of the machine's processor time that other programs took meanwhile
 * @param idle the share that nobody took
 */
public record LatencyFile(String tool, String dtype, String device, int batch, int promptTokens, int newTokens,
        double bytesReadInASecond, OptionalLong peakBytes, OptionalDouble others, OptionalDouble idle,
        List<Timed> models) {
    static final String FORMAT = "come-latency";

    public LatencyFile {
        models = List.copyOf(models);
    }

    /**
     * A model with its times.
     *
     * @param prompt seconds of each run
     * @param generation seconds of each run; none where no tokens were generated
     */
    public record Timed(String name, int layers, long parameters, long weightBytes, long cacheBytes,
            List<Double> prompt, List<Double> generation) {
        public Timed {
            prompt = List.copyOf(prompt);
            generation = List.copyOf(generation);
        }
    }

    /** The middle of some numbers, the least and the largest. */
    public record Range(double median, double least, double most) {
        static Range of(List<Double> values) {
            List<Double> sorted = values.stream().sorted().toList();
            return new Range((sorted.get((sorted.size() - 1) / 2) + sorted.get(sorted.size() / 2)) / 2,
                    sorted.getFirst(), sorted.getLast());
        }

        /** How many times as long the first took, run by run. */
        static Range ofRatios(List<Double> first, List<Double> second) {
            return of(IntStream.range(0, Math.min(first.size(), second.size()))
                    .mapToObj(i -> first.get(i) / second.get(i)).toList());
        }
    }

    /** What must be said about the times, if others kept the machine busy. */
    public Optional<String> caution() {
        return RunRecord.Host.caution(others, idle);
    }

    /** As JSON. */
    public String toJson() {
        ObjectNode root = RecordJson.file(FORMAT, 1).put("tool", tool).put("dtype", dtype).put("device", device)
                .put("batch", batch).put("prompt_tokens", promptTokens).put("new_tokens", newTokens)
                .put("bytes_read_in_a_second", bytesReadInASecond);
        peakBytes.ifPresent(bytes -> root.put("peak_bytes", bytes));
        ObjectNode machine = root.putObject("machine");
        others.ifPresent(share -> machine.put("others", share));
        idle.ifPresent(share -> machine.put("idle", share));
        ArrayNode list = root.putArray("models");
        for (Timed timed : models) {
            ObjectNode entry = list.addObject().put("name", timed.name).put("layers", timed.layers)
                    .put("parameters", timed.parameters).put("weight_bytes", timed.weightBytes)
                    .put("cache_bytes", timed.cacheBytes);
            timed.prompt.forEach(entry.putArray("prompt_seconds")::add);
            timed.generation.forEach(entry.putArray("generation_seconds")::add);
        }
        return RecordJson.text(root);
    }

    /** Reads what {@link #toJson} wrote. */
    static LatencyFile of(JsonNode root) {
        return new LatencyFile(root.path("tool").asString(""), root.path("dtype").asString(""),
                root.path("device").asString(""), root.path("batch").asInt(0), root.path("prompt_tokens").asInt(0),
                root.path("new_tokens").asInt(0), root.path("bytes_read_in_a_second").asDouble(0),
                RunRecord.count(root.path("peak_bytes")), RunRecord.number(root.path("machine").path("others")),
                RunRecord.number(root.path("machine").path("idle")),
                root.path("models").valueStream()
                        .map(entry -> new Timed(entry.path("name").asString(""), entry.path("layers").asInt(0),
                                entry.path("parameters").asLong(0), entry.path("weight_bytes").asLong(0),
                                entry.path("cache_bytes").asLong(0), numbers(entry.path("prompt_seconds")),
                                numbers(entry.path("generation_seconds"))))
                        .toList());
    }

    private static List<Double> numbers(JsonNode array) {
        return array.valueStream().map(JsonNode::asDouble).toList();
    }
}
