package dev.come.model;

import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Collects the description of a {@link Family}, beginning with what most families have.
 */
final class FamilyBuilder {
    private final String modelType;
    private final String architecture;
    private Family.Names names = Family.Names.plain("model.embed_tokens.weight", "model.norm.weight", "lm_head.weight");
    private String models = "";
    private String layerPrefix = "model.layers.";
    private final Map<Part, String> parts = new EnumMap<>(Part.class);
    private final Map<String, Set<Part>> switches = new HashMap<>();
    private Norm.Kind norm = Norm.Kind.RMS;
    private final Map<String, String> keys = new HashMap<>();
    private final Map<String, Optional<Object>> defaults = new HashMap<>();
    private Family.SlidingLayers slidingLayers = Family.SlidingLayers.NONE;
    private final Set<Trait> traits = EnumSet.noneOf(Trait.class);
    private final Set<String> refused = new HashSet<>();
    private List<String> ignored = List.of();
    private List<String> olderScaling = List.of();

    FamilyBuilder(String modelType, String architecture) {
        this.modelType = modelType;
        this.architecture = architecture;
    }

    /** The models that people know. */
    FamilyBuilder models(String known) {
        models = known;
        return this;
    }

    FamilyBuilder outside(Family.Names others, String prefix) {
        names = others;
        layerPrefix = prefix;
        return this;
    }

    FamilyBuilder part(Part part, String name) {
        parts.put(part, name);
        return this;
    }

    /** A projection: the name without {@code .weight} or {@code .bias}. */
    FamilyBuilder biased(Part matrix, Part bias, String name) {
        return part(matrix, name + ".weight").part(bias, name + ".bias");
    }

    /** Everything that another description has in its layers. */
    FamilyBuilder partsOf(FamilyBuilder other) {
        parts.putAll(other.parts);
        return this;
    }

    FamilyBuilder without(Part... absent) {
        parts.keySet().removeAll(Set.of(absent));
        return this;
    }

    /** Keys that this family does not have, though the one that it was begun with has. */
    FamilyBuilder without(String... absent) {
        defaults.keySet().removeAll(Set.of(absent));
        switches.keySet().removeAll(Set.of(absent));
        return this;
    }

    /** Parts that a model has only if a key is true. */
    FamilyBuilder onlyIf(String key, boolean otherwise, Part... switched) {
        switches.put(key, Set.of(switched));
        return fallback(key, otherwise);
    }

    FamilyBuilder norm(Norm.Kind kind) {
        norm = kind;
        return this;
    }

    /** A key that this family calls by a name of its own; under the usual name it is not read. */
    FamilyBuilder key(String usual, String own) {
        keys.put(usual, own);
        defaults.remove(usual);
        return this;
    }

    /** A key of the family's configurations, and what is meant where it is left out. */
    FamilyBuilder fallback(String key, Object value) {
        defaults.put(key, Optional.of(value));
        return this;
    }

    /** Keys of the family's configurations that mean "none" where they are left out. */
    FamilyBuilder optional(String... names) {
        List.of(names).forEach(key -> defaults.put(key, Optional.empty()));
        return this;
    }

    /** What is meant where a size is left out. */
    FamilyBuilder sizes(int vocabulary, int hidden, int intermediate, int layers, int heads, int positions) {
        return fallback("vocab_size", vocabulary).fallback("hidden_size", hidden)
                .fallback(keys.getOrDefault("intermediate_size", "intermediate_size"), intermediate)
                .fallback("num_hidden_layers", layers).fallback("num_attention_heads", heads)
                .fallback("max_position_embeddings", positions);
    }

    /** The token that ends a text where neither generation_config.json nor config.json says it. */
    FamilyBuilder endsWith(int token) {
        return fallback(Family.END_OF_TEXT, token);
    }

    FamilyBuilder sliding(Family.SlidingLayers layers) {
        slidingLayers = layers;
        return this;
    }

    FamilyBuilder has(Trait... some) {
        traits.addAll(List.of(some));
        return this;
    }

    /** A key that is false or none in the models that are known here. */
    FamilyBuilder refusing(String key) {
        refused.add(key);
        defaults.putIfAbsent(key, Optional.empty());
        return this;
    }

    FamilyBuilder ignoring(String... endings) {
        ignored = List.of(endings);
        return this;
    }

    /** What transformers 4 takes in {@code rope_scaling}, and nothing else beside the type. */
    FamilyBuilder olderScaling(String... settings) {
        olderScaling = List.of(settings);
        return this;
    }

    Family checkedBy(String... fixtures) {
        return new Family(modelType, architecture, models, names, layerPrefix, parts, switches, norm, keys, defaults,
                slidingLayers, traits, refused, ignored, olderScaling, List.of(fixtures));
    }
}
