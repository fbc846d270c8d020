package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import dev.come.model.Family.SlidingLayers;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What config.json says layer by layer, in lists or by rules that go by the number of a layer. */
final class LayerLists {
    static final String TYPES = "layer_types";
    static final String WITH_ROTATION = "no_rope_layers";
    /** The base of the frequencies of each layer, 0 where positions do not turn; it counts more than the one of all. */
    static final String BASES = "layer_rope_theta";
    static final String ROTATION_PERIOD = "no_rope_layer_interval";
    static final String SLIDING = "sliding_attention";
    static final String FULL = "full_attention";
    private static final String WINDOW = "sliding_window";
    private static final String USE_WINDOW = "use_sliding_window";
    static final List<String> KNOWN_TYPES = List.of(FULL, SLIDING);

    private final ConfigTree config;
    private final Family family;
    private final int layers;
    private final int headDim;
    private final Optional<List<String>> types;
    private final List<Integer> turning;
    private final Optional<List<Double>> bases;
    /** How positions turn in layers with and without a window. */
    private final Map<Boolean, RotaryEmbedding> rotations = new HashMap<>();

    /** @param layers decoder layers of the model */
    LayerLists(ConfigTree config, Family family, int layers, int headDim) {
        this.config = config;
        this.family = family;
        this.layers = layers;
        this.headDim = headDim;
        this.types = config.optionalStrings(TYPES);
        this.turning = family.knows(WITH_ROTATION) ? config.oneOrMoreIntegers(WITH_ROTATION) : List.of();
        this.bases = family.knows(BASES) ? config.optionalNumbers(BASES) : Optional.empty();
    }

    /** How a layer attends. */
    AttentionKind attention(int layer) {
        return new AttentionKind(window(layer), rotary(layer));
    }

    private int window(int layer) {
        return slides(layer) ? window().orElse(AttentionKind.EVERYTHING) : AttentionKind.EVERYTHING;
    }

    /** How many tokens the layers that slide see; none where the model has no such layers. */
    private Optional<Integer> window() {
        if (family.slidingLayers() == SlidingLayers.UPPER && !usesWindow()) {
            return Optional.empty();
        }
        Optional<Double> window = family.number(config, WINDOW);
        if (window.isPresent() && (window.get() < 1 || window.get() % 1 != 0)) {
            throw wrong("sliding_window is " + window.get() + ", but must be a number of tokens, at least 1");
        }
        return window.map(Double::intValue);
    }

    private boolean usesWindow() {
        return family.bool(config, USE_WINDOW, true);
    }

    /** Whether a layer is of the kind that sees only a window. */
    boolean slides(int layer) {
        types.ifPresent(list -> checkLength(TYPES, list)); // transformers refuses it even where it does not read it
        boolean listed = types.isPresent() && family.knows(TYPES);
        boolean slides = listed ? listedAsSliding(types.get(), layer) : slidesByRule(layer);
        if (slides && window().isEmpty()) {
            String kind = listed
                    ? TYPES + " says " + SLIDING + " of layer " + layer
                    : "layer " + layer + " sees only a window in a model of this family";
            throw wrong(kind + ", but " + (family.number(config, WINDOW).isPresent()
                    ? USE_WINDOW + " is not true"
                    : WINDOW + " is null") + "; correct the file");
        }
        return slides;
    }

    private boolean listedAsSliding(List<String> types, int layer) {
        return switch (types.get(layer)) {
            case SLIDING -> true;
            case FULL -> false;
            default -> throw wrong("layer_types says \"" + Shown.of(types.get(layer)) + "\" of layer " + layer
                    + ", but known are " + FULL + " and " + SLIDING + "; this model cannot be computed here");
        };
    }

    private boolean slidesByRule(int layer) {
        return switch (family.slidingLayers()) {
            case ALL_BUT_FOURTH -> window().isPresent() && layer % 4 != 3;
            case ALL_BUT_FIRST_OF_FOUR -> window().isPresent() && layer % 4 != 0;
            case NONE -> false;
            case ALL -> window().isPresent();
            case UPPER -> window().isPresent() && layer >= family.integer(config, "max_window_layers");
            case ALTERNATING -> layer % 2 == 0;
            case ALL_BUT_SOME -> !every("sliding_window_pattern", layer);
            case WITHOUT_POSITIONS -> usesWindow() && window().isPresent() && !turns(layer);
        };
    }

    /** Whether a layer is the last of its group, where the key gives the number of layers in a group. */
    private boolean every(String key, int layer) {
        int interval = family.integer(config, key);
        if (interval < 1) {
            throw wrong(key + " is " + interval + ", but must be a number of layers, at least 1");
        }
        return (layer + 1) % interval == 0;
    }

    private Optional<RotaryEmbedding> rotary(int layer) {
        return family.knows(RopeReader.THETA) && turns(layer)
                ? Optional.of(ofBase(layer, rotations.computeIfAbsent(slides(layer), this::rotary)))
                : Optional.empty();
    }

    private RotaryEmbedding ofBase(int layer, RotaryEmbedding usual) {
        return bases.map(list -> new RotaryEmbedding(usual.headDim(), list.get(layer), usual.scaling(), usual.growth()))
                .orElse(usual);
    }

    private RotaryEmbedding rotary(boolean slides) {
        return RotaryEmbedding.of(config, family, headDim, slides ? SLIDING : FULL);
    }

    /** Whether positions turn the queries and keys of a layer, in a family where they do. */
    boolean turns(int layer) {
        if (family.has(Trait.ONLY_SLIDING_TURNS)) {
            return slides(layer) || (family.has(Trait.ALL_TURN_WITHOUT_WINDOW) && window().isEmpty());
        }
        if (bases.isPresent()) {
            if (bases.get().size() < layers) { // more entries are of layers that transformers does not make
                checkLength(BASES, bases.get());
            }
            double base = bases.get().get(layer);
            if (base < 0) {
                throw wrong(BASES + " says " + base + " of layer " + layer
                        + ", but must be above 0, or 0 for a layer without"
                        + " positions; correct the file");
            }
            return base != 0;
        }
        if (!family.knows(WITH_ROTATION)) {
            return true;
        }
        if (!config.has(WITH_ROTATION)) {
            return !every(ROTATION_PERIOD, layer);
        }
        if (turning.size() < layers) { // more entries are of layers that transformers does not make
            checkLength(WITH_ROTATION, turning);
        }
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
