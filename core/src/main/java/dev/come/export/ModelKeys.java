package dev.come.export;

import dev.come.InvalidInputException;
import dev.come.gguf.GgufOutput;
import dev.come.model.AttentionKind;
import dev.come.model.ModelConfig;
import dev.come.model.Multipliers;
import dev.come.model.Part;
import dev.come.model.RotaryEmbedding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/** The sizes and switches of a model as keys of a GGUF file. What the keys cannot say, llama.cpp must have in its code. */
final class ModelKeys {
    private static final double SAME = 1e-5;

    private final Path folder;
    private final ModelConfig config;
    private final Architecture architecture;
    private final GgufOutput output;
    private final List<String> notes = new ArrayList<>();

    ModelKeys(Path folder, ModelConfig config, Architecture architecture, GgufOutput output) {
        this.folder = folder;
        this.config = config;
        this.architecture = architecture;
        this.output = output;
    }

    /**
     * Adds the keys.
     *
     * @return what a user should know
     * @throws InvalidInputException if llama.cpp would compute another model
     */
    List<String> add() {
        requireParts();
        count("block_count", config.layers());
        count("context_length", config.maxPositions());
        count("embedding_length", config.hiddenSize());
        count("feed_forward_length", config.intermediateSize());
        count("attention.head_count", config.heads());
        count("attention.head_count_kv", config.keyValueHeads());
        count("attention.key_length", config.headDim());
        count("attention.value_length", config.headDim());
        count("rope.dimension_count", config.attentionKinds().stream().flatMap(kind -> kind.rotary().stream())
                .mapToInt(RotaryEmbedding::headDim).findFirst().orElse(config.headDim()));
        count("vocab_size", config.vocabularySize());
        number(config.norm().kind().isCentred()
                ? "attention.layer_norm_epsilon"
                : "attention.layer_norm_rms_epsilon", config.norm().epsilon());
        multipliers();
        windows();
        rotation();
        return notes;
    }

    private void requireParts() {
        for (Part part : config.parts()) {
            if (part.isBias() && !part.isOfNorm() && !architecture.biases().contains(part)) {
                throw other("has %s, for which there is no place".formatted(
                        config.tensorName(0, part).replaceFirst("^.*\\.0\\.", "")));
            }
        }
        if (!architecture.activations().contains(config.activation())) {
            throw other("has the activation '%s', where %s is expected".formatted(config.activation(),
                    architecture.activations().getFirst()));
        }
    }

    private void multipliers() {
        Multipliers factors = config.multipliers();
        if (architecture == Architecture.GRANITE) {
            number("attention.scale", factors.attention());
            number("embedding_scale", factors.embedding());
            number("residual_scale", factors.residual());
            number("logit_scale", 1 / factors.logits());
            return;
        }
        double scale = architecture.attentionScale(config);
        if (Math.abs(factors.attention() / scale - 1) > SAME) {
            throw other(
                    ("multiplies products of queries and keys by %s, where a model of %s layers is taken to do so by %s"
                            + " (query_pre_attn_scalar)")
                            .formatted((float) factors.attention(), config.layers(), (float) scale));
        }
        if (architecture == Architecture.GEMMA2) {
            number("attn_logit_softcapping", factors.attentionCap());
        } else if (factors.attentionCap() != Double.POSITIVE_INFINITY) {
            throw other("caps the scores of attention, for which there is no key");
        }
        if (factors.capsLogits()) {
            number("final_logit_softcapping", factors.logitCap());
        }
    }

    private void windows() {
        List<Integer> windows = config.attentionKinds().stream().map(AttentionKind::window)
                .filter(window -> window != AttentionKind.EVERYTHING).distinct().toList();
        if (windows.size() > 1) {
            throw other("has layers with windows of %s tokens, where one size is expected".formatted(windows));
        }
        int window = windows.isEmpty() ? 0 : windows.getFirst();
        if (architecture.hasWindows()) {
            // Without a layer that slides, a window as long as any text says the same.
            count("attention.sliding_window", window == 0 ? config.maxPositions() : window);
            List<Boolean> sliding = config.attentionKinds().stream()
                    .map(kind -> kind.window() != AttentionKind.EVERYTHING).toList();
            if (!IntStream.range(0, config.layers())
                    .allMatch(layer -> sliding.get(layer) == architecture.slides(layer))) {
                output.truths(key("attention.sliding_window_pattern"), sliding);
                notes.add("Which layers see a window of tokens follows no period any more and is written as a list:"
                        + " llama.cpp reads it since 2026, older ones compute another model");
            }
        } else if (window > 0 && window < config.maxPositions()) {
            notes.add("llama.cpp has no window for this family: with more than " + window
                    + " tokens it computes another model");
        }
        if (architecture == Architecture.PHI3) {
            count("attention.sliding_window", window);
        }
    }

    private void rotation() {
        for (int layer = 0; layer < config.layers(); layer++) {
            if (config.attention(layer).rotary().isPresent() != architecture.rotates(layer)) {
                throw other("%s positions in layer %s, which is otherwise in its code; remove whole periods of layers"
                        .formatted(architecture.rotates(layer) ? "has no" : "has", layer));
            }
        }
        Optional<AttentionKind> local = config.attentionKinds().stream()
                .filter(kind -> kind.window() != AttentionKind.EVERYTHING).findFirst();
        Optional<AttentionKind> full = config.attentionKinds().stream()
                .filter(kind -> kind.window() == AttentionKind.EVERYTHING).findFirst();
        if (architecture == Architecture.GEMMA3 && local.isPresent()) {
            number("rope.freq_base_swa", local.get().rotary().orElseThrow().theta());
        }
        full.or(() -> local).flatMap(AttentionKind::rotary)
                .ifPresent(rotary -> new RotaryKeys(folder, config, architecture, output).add(rotary));
    }

    private void count(String name, int value) {
        output.count(key(name), value);
    }

    private void number(String name, double value) {
        output.number(key(name), value);
    }

    private String key(String name) {
        return architecture.id() + "." + name;
    }

    private InvalidInputException other(String why) {
        return refused(folder, architecture, why);
    }

    static InvalidInputException refused(Path folder, Architecture architecture, String why) {
        return new InvalidInputException(
                "%s cannot become a GGUF file: as %s in llama.cpp it would be another model; it %s"
                        .formatted(folder, architecture.id(), why));
    }
}
