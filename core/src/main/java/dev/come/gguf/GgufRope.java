package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Shown;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** How positions turn in the model of a GGUF file, as llama.cpp reads it, written as config.json says it. */
record GgufRope(GgufFile file, Architecture architecture, GgufSizes sizes) {
    private static final String TYPE = "rope.scaling.type";
    private static final String FACTORS = "rope_freqs.weight";
    private static final String LONG = "rope_factors_long.weight";
    private static final String SHORT = "rope_factors_short.weight";
    /** A float32 more or less is the same factor. */
    private static final double SAME = 1e-6;

    /** The names of tensors that say how positions turn, and are none of the model folder. */
    static Set<String> tensors(Architecture architecture) {
        return switch (architecture) {
            case PHI3 -> Set.of(LONG, SHORT);
            case GPT2 -> Set.of();
            default -> Set.of(FACTORS);
        };
    }

    /** Writes rope_theta, and rope_scaling where positions are scaled. */
    void write(ObjectNode root) {
        root.put("rope_theta", metadata().number(key("rope.freq_base")).orElse(10_000.0));
        if (architecture == Architecture.PHI3) {
            writeParts(root);
            return;
        }
        Optional<GgufTensor> factors = tensor(FACTORS);
        // llama.cpp takes a file that names no type for linear; older ones have a factor alone.
        String type = metadata().text(key(TYPE)).orElse("linear");
        if (factors.isPresent()) {
            if (!type.equals("none") && factor().orElse(1.0) != 1) {
                throw wrong("positions are scaled by '%s' and by the tensor '%s', where one of them is expected"
                        .formatted(factorKey(), factors.get().name()));
            }
            RopeFactors.of(file, factors.get(), sizes.headDim(), root.get("rope_theta").doubleValue()).write(root,
                    sizes.maxPositions());
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

    /** Phi-3: a part of a head may turn, and two lists of factors stretch short and long texts. */
    private void writeParts(ObjectNode root) {
        int trained = metadata().count(key("rope.scaling.original_context_length")).orElse(sizes.maxPositions());
        root.put("original_max_position_embeddings", trained);
        if (sizes.turned() != sizes.headDim()) {
            root.put("partial_rotary_factor", (double) sizes.turned() / sizes.headDim());
        }
        String type = metadata().text(key(TYPE)).orElse("none");
        if (!type.equals("none") && !type.equals("longrope")) {
            throw wrong("'%s' is '%s', where none or longrope is expected".formatted(key(TYPE), Shown.of(type)));
        }
        Optional<GgufTensor> longer = tensor(LONG);
        Optional<GgufTensor> shorter = tensor(SHORT);
        if (longer.isEmpty() || shorter.isEmpty()) {
            if (longer.isPresent() || shorter.isPresent()) {
                throw wrong("of the tensors '%s' and '%s' only one is there".formatted(LONG, SHORT));
            }
            return;
        }
        ObjectNode settings = root.putObject("rope_scaling").put("rope_type", "longrope");
        RopeFactors.of(file, longer.get(), sizes.turned(), 1).list(settings.putArray("long_factor"));
        RopeFactors.of(file, shorter.get(), sizes.turned(), 1).list(settings.putArray("short_factor"));
        double stretched = (double) sizes.maxPositions() / trained;
        double usual = stretched <= 1 ? 1 : Math.sqrt(1 + Math.log(stretched) / Math.log(trained));
        double said = metadata().number(key("rope.scaling.attn_factor")).orElse(1.0);
        if (Math.abs(said / usual - 1) > SAME) {
            settings.put("attention_factor", said);
        }
    }

    private Optional<GgufTensor> tensor(String name) {
        return file.header().tensors().stream().filter(tensor -> tensor.name().equals(name)).findFirst();
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
                metadata().count(key("rope.scaling.original_context_length")).orElse(sizes.maxPositions()));
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
