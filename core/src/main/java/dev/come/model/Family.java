package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * What one family of models is like: data, not code. {@link Families} holds the descriptions. The tensors of layer
 * {@code i} are called {@code layerPrefix + i + "." + parts.get(part)}; parts of one name lie in one tensor, row after row in
 * the order of {@link Part}.
 *
 * @param modelType {@code model_type} in config.json
 * @param architecture the class that transformers has for it
 * @param models the models that people know it by
 * @param names the tensors outside the layers
 * @param layerPrefix what the names of all layer tensors begin with, up to the layer's number
 * @param parts the tensors of a layer
 * @param switches the parts that a model has only if a key of its config.json is true
 * @param norm the formula of all norms
 * @param keys where config.json calls something by another name than most: the usual name to the family's
 * @param defaults every key of config.json that the family's models depend on, by the family's name, and what is meant where
 *        it is left out; empty where that is "none". As in the configuration class in transformers. Other keys are not read
 * @param slidingLayers which layers see only a window of tokens where {@code layer_types} does not say it
 * @param traits what the family computes otherwise than Llama
 * @param refused keys that ask for what is not known here, if they are true or a number
 * @param ignored endings of tensor names that old exports carry and that can be computed from the configuration
 * @param olderScaling what transformers 4 takes beside the type in {@code rope_scaling}, in families where it takes nothing else
 * @param checkedBy the fixtures in the test resources that the family is checked with, on random weights against transformers
 */
public record Family(String modelType, String architecture, String models, Names names, String layerPrefix,
        Map<Part, String> parts,
        Map<String, Set<Part>> switches, Norm.Kind norm, Map<String, String> keys,
        Map<String, Optional<Object>> defaults,
        SlidingLayers slidingLayers, Set<Trait> traits, Set<String> refused, List<String> ignored,
        List<String> olderScaling, List<String> checkedBy) {

    static final String END_OF_TEXT = "eos_token_id";
    static final String ROTATION = "rope_parameters";
    /** The keys on which the names and shapes of tensors depend, besides the switches. */
    private static final List<String> SHAPING = List.of("vocab_size", "hidden_size", "embedding_size",
            "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim",
            "max_position_embeddings", "use_parallel_residual", "tie_word_embeddings", "do_layer_norm_before",
            "_remove_final_layer_norm");

    /**
     * Tensors outside the layers.
     *
     * @param embedding the token embedding, {@code (vocabulary, width)}
     * @param positions the embedding of positions, {@code (offset + positions, hidden)}, in families that learn them
     * @param projectIn {@code (hidden, width)}, where the embedding may be narrower than the residual stream
     * @param finalNorm the norm after the last layer
     * @param projectOut {@code (width, hidden)}, the way back
     * @param head the output projection, {@code (vocabulary, width)}; absent from files whose embeddings are tied
     * @param headBias its bias, {@code (vocabulary)}, in families that have one
     */
    public record Names(String embedding, Optional<String> positions, Optional<String> projectIn, String finalNorm,
            Optional<String> projectOut, String head, Optional<String> headBias) {
        /** The names where nothing is added to the embedding, and nothing but a norm and a matrix comes after the layers. */
        static Names plain(String embedding, String finalNorm, String head) {
            return new Names(embedding, Optional.empty(), Optional.empty(), finalNorm, Optional.empty(), head,
                    Optional.empty());
        }

        /** How the names of all tensors begin but those of the output projection; base_model_prefix in transformers. */
        String base() {
            return embedding.substring(0, embedding.indexOf('.') + 1);
        }

        /** The bias of the final norm, in families whose norms have one. */
        String finalNormBias() {
            return finalNorm.replaceFirst("weight$", "bias");
        }
    }

    /** Which layers see only {@code sliding_window} tokens where {@code layer_types} does not say it. */
    public enum SlidingLayers {
        /** None. */
        NONE,
        /** All, if there is a window. */
        ALL,
        /** Those from {@code max_window_layers} on, if {@code use_sliding_window}; without that no layer may slide. */
        UPPER,
        /** Every other one, beginning with the first. */
        ALTERNATING,
        /** All but every {@code sliding_window_pattern}-th. */
        ALL_BUT_SOME,
        /** All but every fourth, beginning with the fourth. */
        ALL_BUT_FOURTH,
        /** All but every fourth, beginning with the first. */
        ALL_BUT_FIRST_OF_FOUR,
        /** Those that know no positions, if there is a window and {@code use_sliding_window}. */
        WITHOUT_POSITIONS
    }

    public Family {
        parts = Collections.unmodifiableMap(new EnumMap<>(parts));
        switches = Map.copyOf(switches);
        keys = Map.copyOf(keys);
        defaults = Map.copyOf(defaults);
        traits = Set.copyOf(traits);
        refused = Set.copyOf(refused);
        ignored = List.copyOf(ignored);
        olderScaling = List.copyOf(olderScaling);
        checkedBy = List.copyOf(checkedBy);
    }

    /** The family of a configuration's {@code model_type}. */
    static Family of(ConfigTree config) {
        return find(config).orElseThrow(() -> unknown(config));
    }

    private static InvalidInputException unknown(ConfigTree config) {
        return UnknownFamilies.missing(config.string("model_type")).map(missing -> new InvalidInputException(
                "%s: model_type is \"%s\", and models of that type have %s, which cannot be computed here"
                        .formatted(config.file(), Shown.of(config.string("model_type")), missing)))
                .orElseGet(() -> new InvalidInputException(config.file() + ": model_type is \""
                        + Shown.of(config.string("model_type"))
                        + "\", which is none of the " + Families.ALL.size()
                        + " families that 'come list families' names; one whose blocks are attention and feed-forward can be described in a file "
                        + FamilyFile.NAME + " beside it (docs/models-and-data.md, \"A family of your own\")"));
    }

    /** The same, if the family is known. */
    static Optional<Family> find(ConfigTree config) {
        return config.optionalString("model_type")
                .flatMap(type -> Families.ALL.stream().filter(family -> family.modelType.equals(type)).findFirst()
                        .or(() -> FamilyFile.beside(config.file(), type)));
    }

    /** The tensors of a layer, each with the parts that lie in it. */
    List<List<Part>> tensors(Set<Part> present) {
        Map<String, List<Part>> byName = EnumSet.copyOf(present).stream()
                .collect(Collectors.groupingBy(parts::get, LinkedHashMap::new, Collectors.toList()));
        return List.copyOf(byName.values());
    }

    /** Whether the family is like that. */
    public boolean has(Trait trait) {
        return traits.contains(trait);
    }

    /** The name of a key in configurations of this family. */
    String key(String usual) {
        return keys.getOrDefault(usual, usual);
    }

    /** The rotary settings of a configuration that says nothing of them, if the family has some that are more than a base. */
    Optional<ConfigTree> usualRotation(ConfigTree config) {
        return config.has(ROTATION) || config.has("rope_scaling")
                ? Optional.empty()
                : fallback(ROTATION, Object.class).map(settings -> ConfigTree.create(config.file(),
                        root -> ((Map<?, ?>) settings).forEach((key, value) -> put(root, key.toString(), value))));
    }

    private static void put(ObjectNode root, String key, Object value) {
        switch (value) {
            case Integer number -> root.put(key, number);
            case Double number -> root.put(key, number);
            default -> root.put(key, value.toString());
        }
    }

    /** Whether models of this family depend on a key. */
    boolean knows(String usual) {
        return defaults.containsKey(key(usual));
    }

    /** Whether models of this family depend on a key, by the family's name for it. */
    boolean reads(String key) {
        return defaults.containsKey(key);
    }

    /** A number without a fraction, which is the default where the configuration has none. */
    int integer(ConfigTree config, String usual) {
        String key = key(usual);
        return config.optionalInteger(key).or(() -> fallback(key, Integer.class)).orElseGet(() -> config.integer(key));
    }

    /** A number without a fraction that may be none, as {@link #number}. */
    Optional<Integer> optionalInteger(ConfigTree config, String usual) {
        return number(config, usual).map(_ -> integer(config, usual));
    }

    /** A number, which is the default where the configuration has none. */
    double required(ConfigTree config, String usual) {
        String key = key(usual);
        return config.optionalNumber(key).or(() -> fallback(key, Number.class).map(Number::doubleValue))
                .orElseGet(() -> config.number(key));
    }

    /** A number that may be none: where the configuration says {@code null}, or the family does not know the key. */
    Optional<Double> number(ConfigTree config, String usual) {
        String key = key(usual);
        if (!knows(usual)) {
            return Optional.empty();
        }
        return config.mentions(key)
                ? config.optionalNumber(key)
                : fallback(key, Number.class).map(Number::doubleValue);
    }

    /** Whether something is so; {@code unknown} in families that do not know the key. */
    boolean bool(ConfigTree config, String usual, boolean unknown) {
        String key = key(usual);
        return knows(usual) ? config.bool(key, fallback(key, Boolean.class).orElse(unknown)) : unknown;
    }

    String text(ConfigTree config, String usual) {
        String key = key(usual);
        return config.optionalString(key).or(() -> fallback(key, String.class)).orElseGet(() -> config.string(key));
    }

    private <T> Optional<T> fallback(String key, Class<T> type) {
        return defaults.getOrDefault(key, Optional.empty()).map(type::cast);
    }

    /** The tokens that end a text where generation_config.json is not there to say it: one, several or none. */
    public Set<Integer> endTokens(ConfigTree config) {
        return config.mentions(END_OF_TEXT)
                ? Set.copyOf(config.oneOrMoreIntegers(END_OF_TEXT))
                : fallback(END_OF_TEXT, Integer.class).map(Set::of).orElse(Set.of());
    }

    /** Whether attention and feed-forward read the same residual stream. */
    boolean sideBySide(ConfigTree config) {
        return has(Trait.SIDE_BY_SIDE) && bool(config, "use_parallel_residual", true);
    }

    /** The parts that a model with this configuration has. */
    Set<Part> parts(ConfigTree config) {
        Set<Part> present = EnumSet.copyOf(parts.keySet());
        switches.forEach((key, switched) -> {
            if (!bool(config, key, true)) {
                present.removeAll(switched);
            }
        });
        if (has(Trait.ONE_NORM_FOR_BOTH) && sideBySide(config)) {
            present.removeAll(Set.of(Part.FEED_FORWARD_NORM, Part.FEED_FORWARD_NORM_BIAS));
        }
        return Collections.unmodifiableSet(present);
    }

    /** The keys that decide about tensors and that a configuration leaves out, each with what is meant then. */
    List<String> leftOut(ConfigTree config) {
        return Stream.concat(SHAPING.stream().map(this::key), switches.keySet().stream().sorted())
                .filter(key -> defaults.containsKey(key) && !config.has(key))
                .map(key -> key + fallback(key, Object.class).map(value -> " (taken as " + value + ")").orElse(""))
                .toList();
    }

    /** How the attention of each layer looks, from {@code layer_types} and its like, or from what their absence means. */
    List<AttentionKind> attention(ConfigTree config, int layers, int headDim) {
        return IntStream.range(0, layers).mapToObj(new LayerLists(config, this, layers, headDim)::attention).toList();
    }

    /** Begins a description with what most families have. */
    static FamilyBuilder describe(String modelType, String architecture) {
        return new FamilyBuilder(modelType, architecture);
    }
}
