package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Shown;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The factors by which each pair of a head's channels turns slower than it would without. A GGUF file keeps Llama 3.1's
 * scaling of positions in this form.
 *
 * @param factors one for each pair
 */
record RopeFactors(List<Double> factors, double theta) {
    private static final double LOW = 1;
    private static final double HIGH = 4;
    private static final double TOLERANCE = 1e-5;

    static RopeFactors of(GgufFile file, GgufTensor tensor, int headDim, double theta) {
        if (!tensor.shape().equals(List.of(headDim / 2L)) || tensor.type() != GgufType.F32) {
            throw new CheckpointException("%s: tensor '%s' is %s of shape %s, where F32 of shape [%s] is expected"
                    .formatted(file.file(), Shown.of(tensor.name()), tensor.type(), tensor.shape(), headDim / 2));
        }
        byte[] raw = new byte[Math.toIntExact(tensor.byteLength())];
        file.read(tensor, 0, raw);
        float[] values = new float[headDim / 2];
        Dequantiser.dequantise(GgufType.F32, raw, values, values.length);
        List<Double> factors = IntStream.range(0, values.length)
                .mapToObj(i -> Double.parseDouble(Float.toString(values[i]))).toList();
        if (!factors.stream().allMatch(factor -> factor > 0 && Double.isFinite(factor))) {
            throw new CheckpointException("%s: tensor '%s' holds %s, where positive numbers are expected"
                    .formatted(file.file(), Shown.of(tensor.name()), Shown.of(factors)));
        }
        return new RopeFactors(factors, theta);
    }

    /** Writes the setting of config.json: Llama 3's if the factors are of that kind, otherwise one that lists them. */
    void write(ObjectNode root, int maxPositions) {
        if (factors.stream().allMatch(factor -> factor == 1)) {
            return;
        }
        ObjectNode settings = root.putObject("rope_scaling");
        Optional<Integer> trained = llama3Positions();
        if (trained.isPresent()) {
            settings.put("rope_type", "llama3").put("factor", largest()).put("low_freq_factor", LOW)
                    .put("high_freq_factor", HIGH).put("original_max_position_embeddings", trained.get());
            return;
        }
        settings.put("rope_type", "longrope").put("factor", 1.0).put("attention_factor", 1.0)
                .put("original_max_position_embeddings", maxPositions);
        list(settings.putArray("short_factor"));
        list(settings.putArray("long_factor"));
    }

    /** Adds them to a list. */
    void list(ArrayNode list) {
        factors.forEach(list::add);
    }

    private double largest() {
        return factors.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    }

    /** The length of sequences in training, a power of two, with which Llama 3's rule gives these factors. */
    private Optional<Integer> llama3Positions() {
        return IntStream.rangeClosed(4, 24).map(i -> 1 << (28 - i)).boxed()
                .filter(positions -> IntStream.range(0, factors.size())
                        .allMatch(i -> Math.abs(llama3(i, positions) - factors.get(i)) <= TOLERANCE * factors.get(i)))
                .findFirst();
    }

    /** Source: transformers' {@code _compute_llama3_parameters}. */
    private double llama3(int pair, int positions) {
        double length = 2 * Math.PI * Math.pow(theta, (double) pair / factors.size());
        double turns = positions / length;
        if (turns > HIGH) {
            return 1;
        }
        if (turns < LOW) {
            return largest();
        }
        double smooth = (turns - LOW) / (HIGH - LOW);
        return 1 / ((1 - smooth) / largest() + smooth);
    }
}
