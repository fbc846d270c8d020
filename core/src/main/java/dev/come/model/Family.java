package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What one family of models is like: data, not code. {@link Families} holds the descriptions. The tensors of layer
 * {@code i} are called {@code layerPrefix + i + "." + parts.get(part)}; parts of one name lie in one tensor, row after row in
 * the order of {@link Part}.
 *
 * @param modelType {@code model_type} in config.json
 * @param architecture the class that transformers has for it
 * @param names the tensors outside the layers
 * @param layerPrefix what the names of all layer tensors begin with, up to the layer's number
 * @param parts the tensors of a layer
 * @param switches the parts that only some models of the family have
 * @param norm the formula of all norms
 * @param keys where config.json calls something by another name than most: the usual name to the family's
 * @param defaults what is meant where config.json does not have a key, by the family's name of the key; as in the
 *        configuration class in transformers
 * @param slidingLayers which layers see only a window of tokens where {@code layer_types} does not say it
 * @param reads which settings that other families know nothing of have a meaning
 * @param ignored endings of tensor names that old exports carry and that can be computed from the configuration
 * @param checkedBy the fixtures in the test resources that the family is checked with, on random weights against transformers
 */
public record Family(String modelType, String architecture, Names names, String layerPrefix, Map<Part, String> parts,
        List<Switch> switches, Norm.Kind norm, Map<String, String> keys, Map<String, Object> defaults,
        SlidingLayers slidingLayers, Set<Setting> reads, List<String> ignored, List<String> checkedBy) {

    /**
     * Tensors outside the layers.
     *
     * @param embedding the token embedding, {@code (vocabulary, width)}
     * @param positions the embedding of positions, {@code (offset + positions, hidden)}, in families that learn them
     * @param projectIn {@code (hidden, width)}, where the embedding may be narrower than the residual stream
     * @param finalNorm the norm after the last layer
     * @param projectOut {@code (width, hidden)}, the way back
     * @param head the output projection, {@code (vocabulary, width)}; absent from files whose embeddings are tied
     */
    public record Names(String embedding, Optional<String> positions, Optional<String> projectIn, String finalNorm,
            Optional<String> projectOut, String head) {
        /** The bias of the final norm, in families whose norms have one. */
        String finalNormBias() {
            return finalNorm.replaceFirst("weight$", "bias");
        }
    }

    /**
     * Parts that a model has only if a key of its config.json is true.
     *
     * @param fallback what the absence of the key means
     */
    public record Switch(String key, boolean fallback, Set<Part> parts) {
        public Switch {
            parts = Set.copyOf(parts);
        }
    }

    /** Settings of config.json that change the forward pass and that only some families have. */
    public enum Setting {
        /** {@code do_layer_norm_before}: false norms after each residual sum instead of before attention and feed-forward. */
        NORM_PLACE,
        /** Embeddings are scaled by the root of the hidden size. */
        SCALED_EMBEDDING,
        /** {@code embedding_multiplier, residual_multiplier, attention_multiplier, logits_scaling}. */
        MULTIPLIERS,
        /** {@code query_pre_attn_scalar}: scores are divided by its root rather than by that of the head dimension. */
        QUERY_SCALE,
        /** {@code attn_logit_softcapping, final_logit_softcapping}. */
        SOFT_CAPS,
        /** {@code no_rope_layers}, {@code no_rope_layer_interval}: some layers know no positions. */
        LAYERS_WITHOUT_POSITIONS,
        /** {@code rope_local_base_freq}: layers with a window turn by other frequencies. */
        LOCAL_ROTATION
    }

    /** Which layers see only {@code sliding_window} tokens where {@code layer_types} does not say it. */
    public enum SlidingLayers {
        /** None. */
        NONE,
        /** All. */
        ALL,
        /** Those from {@code max_window_layers} on. */
        UPPER,
        /** Every other one, beginning with the first. */
        ALTERNATING,
        /** All but every {@code sliding_window_pattern}-th. */
        ALL_BUT_SOME;

        boolean slides(int layer, ConfigTree config, Family family) {
            return switch (this) {
                case NONE -> false;
                case ALL -> true;
                case UPPER -> layer >= family.integer(config, "max_window_layers");
                case ALTERNATING -> layer % 2 == 0;
                case ALL_BUT_SOME -> (layer + 1) % family.period(config, "sliding_window_pattern") != 0;
            };
        }
    }

    public Family {
        parts = Collections.unmodifiableMap(new EnumMap<>(parts));
        switches = List.copyOf(switches);
        keys = Map.copyOf(keys);
        defaults = Map.copyOf(defaults);
        reads = Set.copyOf(reads);
        ignored = List.copyOf(ignored);
        checkedBy = List.copyOf(checkedBy);
    }

    /** The family of a configuration's {@code model_type}. */
    static Family of(ConfigTree config) {
        String modelType = config.string("model_type");
        return Families.ALL.stream().filter(family -> family.modelType.equals(modelType)).findFirst()
                .orElseThrow(() -> new InvalidInputException(config.file() + ": model_type is \"" + modelType
                        + "\", but the known families are "
                        + Families.ALL.stream().map(Family::modelType).collect(Collectors.joining(", "))
                        + "; a family whose blocks are attention and feed-forward can be added by describing its tensor names, "
                        + "norms, activation, biases, positions and windows (CONTRIBUTING.md, \"A new family\")"));
    }

    /** The tensors of a layer, each with the parts that lie in it. */
    List<List<Part>> tensors(Set<Part> present) {
        Map<String, List<Part>> byName = EnumSet.copyOf(present).stream()
                .collect(Collectors.groupingBy(parts::get, LinkedHashMap::new, Collectors.toList()));
        return List.copyOf(byName.values());
    }

    /** The name of a key in configurations of this family. */
    String key(String usual) {
        return keys.getOrDefault(usual, usual);
    }

    int integer(ConfigTree config, String usual) {
        String key = key(usual);
        return !config.has(key) && defaults.get(key) instanceof Integer value ? value : config.integer(key);
    }

    /** After how many layers a rule repeats itself. */
    int period(ConfigTree config, String usual) {
        int period = integer(config, usual);
        if (period < 1) {
            throw new InvalidInputException(config.file() + ": " + key(usual) + " is " + period
                    + ", but must be at least 1; the configuration is damaged or of another model");
        }
        return period;
    }

    /** A number, which is absent where the configuration says {@code null}. */
    Optional<Double> number(ConfigTree config, String usual) {
        String key = key(usual);
        return config.mentions(key) || !(defaults.get(key) instanceof Number value)
                ? config.optionalNumber(key)
                : Optional.of(value.doubleValue());
    }

    boolean bool(ConfigTree config, String usual, boolean fallback) {
        String key = key(usual);
        return config.bool(key, defaults.get(key) instanceof Boolean value ? value : fallback);
    }

    String text(ConfigTree config, String usual) {
        String key = key(usual);
        return !config.has(key) && defaults.get(key) instanceof String value ? value : config.string(key);
    }

    /** The parts of which a configuration says that its model has them. */
    Set<Part> parts(ConfigTree config) {
        Set<Part> present = EnumSet.copyOf(parts.keySet());
        switches.stream().filter(choice -> !config.bool(choice.key(), choice.fallback()))
                .forEach(choice -> present.removeAll(choice.parts()));
        return Collections.unmodifiableSet(present);
    }

    /** How the attention of each layer looks, from {@code layer_types} and its like, or from what their absence means. */
    List<AttentionKind> attention(ConfigTree config, int layers, int headDim) {
        return IntStream.range(0, layers).mapToObj(new LayerLists(config, this, layers, headDim)::attention).toList();
    }

    /** Begins a description with what most families have. */
    static Builder describe(String modelType, String architecture) {
        return new Builder(modelType, architecture);
    }

    /** Collects a description. */
    static final class Builder {
        private final String modelType;
        private final String architecture;
        private Names names = new Names("model.embed_tokens.weight", Optional.empty(), Optional.empty(),
                "model.norm.weight", Optional.empty(), "lm_head.weight");
        private String layerPrefix = "model.layers.";
        private final Map<Part, String> parts = new EnumMap<>(Part.class);
        private final List<Switch> switches = new ArrayList<>();
        private Norm.Kind norm = Norm.Kind.RMS;
        private final Map<String, String> keys = new HashMap<>();
        private final Map<String, Object> defaults = new HashMap<>();
        private SlidingLayers slidingLayers = SlidingLayers.NONE;
        private final Set<Setting> reads = EnumSet.noneOf(Setting.class);
        private List<String> ignored = List.of();

        private Builder(String modelType, String architecture) {
            this.modelType = modelType;
            this.architecture = architecture;
        }

        Builder outside(Names others, String prefix) {
            names = others;
            layerPrefix = prefix;
            return this;
        }

        Builder part(Part part, String name) {
            parts.put(part, name);
            return this;
        }

        /** A projection: the name without {@code .weight} or {@code .bias}. */
        Builder biased(Part matrix, Part bias, String name) {
            return part(matrix, name + ".weight").part(bias, name + ".bias");
        }

        /** Everything that another description has in its layers. */
        Builder partsOf(Builder other) {
            parts.putAll(other.parts);
            return this;
        }

        Builder without(Part... absent) {
            parts.keySet().removeAll(Set.of(absent));
            return this;
        }

        Builder onlyIf(String key, boolean fallback, Part... switched) {
            switches.add(new Switch(key, fallback, Set.of(switched)));
            return this;
        }

        Builder norm(Norm.Kind kind) {
            norm = kind;
            return this;
        }

        Builder key(String usual, String own) {
            keys.put(usual, own);
            return this;
        }

        Builder fallback(String key, Object value) {
            defaults.put(key, value);
            return this;
        }

        Builder sliding(SlidingLayers layers) {
            slidingLayers = layers;
            return this;
        }

        Builder reads(Setting... settings) {
            reads.addAll(Set.of(settings));
            return this;
        }

        Builder ignoring(String... endings) {
            ignored = List.of(endings);
            return this;
        }

        Family checkedBy(String... fixtures) {
            return new Family(modelType, architecture, names, layerPrefix, parts, switches, norm, keys, defaults,
                    slidingLayers, reads, ignored, List.of(fixtures));
        }
    }
}
