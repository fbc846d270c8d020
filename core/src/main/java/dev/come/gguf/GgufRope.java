package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Shown;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * How positions turn in the model of a GGUF file, as llama.cpp reads it, written as config.json says it.
 *
 * @param factors the tensor that has a factor for each pair of channels
 */
record GgufRope(GgufFile file, Architecture architecture, Optional<GgufTensor> factors, int headDim,
        int maxPositions) {
    private static final String TYPE = "rope.scaling.type";

    /** Writes rope_theta, and rope_scaling where positions are scaled. */
    void write(ObjectNode root) {
        root.put("rope_theta", metadata().number(key("rope.freq_base")).orElse(10_000.0));
        // llama.cpp takes a file that names no type for linear; older ones have a factor alone.
        String type = metadata().text(key(TYPE)).orElse("linear");
        if (factors.isPresent()) {
            if (!type.equals("none") && factor().orElse(1.0) != 1) {
                throw wrong("positions are scaled by '%s' and by the tensor '%s', where one of them is expected"
                        .formatted(factorKey(), factors.get().name()));
            }
            RopeFactors.of(file, factors.get(), headDim, root.get("rope_theta").doubleValue()).write(root,
                    maxPositions);
            return;
        }
        switch (type) {
            case "none" -> {
            }
            case "linear" -> factor().filter(value -> value != 1)
                    .ifPresent(value -> root.putObject("rope_scaling").put("rope_type", "linear").put("factor", value));
            case "yarn" -> yarn(root.putObject("rope_scaling"),
                    factor().orElseThrow(() -> wrong("'%s' is missing, which positions of type yarn need"
                            .formatted(factorKey()))));
            default -> throw wrong(
                    "'%s' is '%s', where none, linear or yarn is expected".formatted(key(TYPE), Shown.of(type)));
        }
    }

    /** By what positions are stretched. llama.cpp takes 0 for a factor that is not given, which is 1. */
    private Optional<Double> factor() {
        Optional<Double> factor = metadata().number(factorKey()).map(value -> value == 0 ? 1 : value);
        if (factor.isPresent() && factor.get() < 0) {
            throw wrong("'%s' is %s, where a positive number is expected".formatted(factorKey(), factor.get()));
        }
        return factor;
    }

    /** The key of the factor; older files have another. */
    private String factorKey() {
        String old = key("rope.scale_linear");
        String current = key("rope.scaling.factor");
        return metadata().has(current) || !metadata().has(old) ? current : old;
    }

    private void yarn(ObjectNode settings, double factor) {
        settings.put("rope_type", "yarn").put("factor", factor).put("original_max_position_embeddings",
                metadata().count(key("rope.scaling.original_context_length")).orElse(maxPositions));
        Stream.of("beta_fast", "beta_slow").forEach(name -> metadata().number(key("rope.scaling.yarn_" + name))
                .ifPresent(value -> settings.put(name, value)));
        // llama.cpp multiplies its factor with the one that transformers has for such a scaling.
        metadata().number(key("rope.scaling.yarn_attn_factor"))
                .or(() -> metadata().number(key("rope.scaling.attn_factor"))).filter(value -> value != 1)
                .ifPresent(
                        value -> settings.put("attention_factor", value * (1 + 0.1 * Math.log(Math.max(factor, 1)))));
    }

    private GgufMetadata metadata() {
        return file.metadata();
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private CheckpointException wrong(String problem) {
        return new CheckpointException("%s: %s".formatted(file.file(), problem));
    }
}
