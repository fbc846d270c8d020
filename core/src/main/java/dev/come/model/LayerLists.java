package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What config.json says layer by layer, in lists or by rules that go by the number of a layer. */
final class LayerLists {
    static final String TYPES = "layer_types";
    static final String WITH_ROTATION = "no_rope_layers";
    static final String SLIDING = "sliding_attention";
    static final String FULL = "full_attention";
    static final List<String> KNOWN_TYPES = List.of(FULL, SLIDING);

    private final ConfigTree config;
    private final Family family;
    private final int layers;
    private final int headDim;
    private final Optional<List<String>> types;
    private final List<Integer> turning;
    /** How positions turn in layers with and without a window. */
    private final Map<Boolean, RotaryEmbedding> rotations = new HashMap<>();

    /** @param layers decoder layers of the model */
    LayerLists(ConfigTree config, Family family, int layers, int headDim) {
        this.config = config;
        this.family = family;
        this.layers = layers;
        this.headDim = headDim;
        this.types = config.optionalStrings(TYPES);
        this.turning = family.reads().contains(Family.Setting.LAYERS_WITHOUT_POSITIONS)
                ? config.oneOrMoreIntegers(WITH_ROTATION)
                : List.of();
    }

    /** How a layer attends. */
    AttentionKind attention(int layer) {
        return new AttentionKind(window(layer), rotary(layer));
    }

    private int window(int layer) {
        if (!slides(layer) || !family.bool(config, "use_sliding_window", true)) {
            return AttentionKind.EVERYTHING;
        }
        Optional<Double> window = family.number(config, "sliding_window");
        if (window.isPresent() && (window.get() < 1 || window.get() % 1 != 0)) {
            throw wrong("sliding_window is " + window.get() + ", but must be a number of tokens, at least 1");
        }
        return window.map(Double::intValue).orElse(AttentionKind.EVERYTHING);
    }

    /** Whether a layer is of the kind that sees only a window, if there is one. */
    boolean slides(int layer) {
        if (types.isEmpty()) {
            return family.slidingLayers().slides(layer, config, family);
        }
        checkLength(TYPES, types.get());
        return switch (types.get().get(layer)) {
            case SLIDING -> true;
            case FULL -> false;
            default -> throw wrong("layer_types says \"" + types.get().get(layer) + "\" of layer " + layer
                    + ", but known are " + FULL + " and " + SLIDING + "; this model cannot be computed here");
        };
    }

    private Optional<RotaryEmbedding> rotary(int layer) {
        if (family.names().positions().isPresent() || !turns(layer)) {
            return Optional.empty();
        }
        return Optional.of(rotations.computeIfAbsent(slides(layer), this::rotary));
    }

    private RotaryEmbedding rotary(boolean slides) {
        if (family.reads().contains(Family.Setting.LOCAL_ROTATION) && slides && !config.has("rope_parameters")) {
            return new RotaryEmbedding(headDim,
                    family.number(config, "rope_local_base_freq").orElse(RopeReader.DEFAULT_THETA),
                    new RopeScaling.None());
        }
        return RotaryEmbedding.of(config, headDim, slides ? SLIDING : FULL);
    }

    /** Whether positions turn the queries and keys of a layer, in a family where they do. */
    boolean turns(int layer) {
        if (!family.reads().contains(Family.Setting.LAYERS_WITHOUT_POSITIONS)) {
            return true;
        }
        if (!config.has(WITH_ROTATION)) {
            return (layer + 1) % family.period(config, "no_rope_layer_interval") != 0;
        }
        checkLength(WITH_ROTATION, turning);
        return turning.get(layer) != 0;
    }

    private void checkLength(String key, List<?> list) {
        if (list.size() != layers) {
            throw wrong("'" + key + "' has " + list.size() + " entries where '" + family.key("num_hidden_layers")
                    + "' is " + layers + "; correct the file");
        }
    }

    private InvalidInputException wrong(String what) {
        return new InvalidInputException(config.file() + ": " + what);
    }
}
