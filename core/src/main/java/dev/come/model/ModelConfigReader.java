package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.util.List;

/** Reads the sizes and settings of a model from its config.json, each with what its family says of its absence. */
final class ModelConfigReader {
    /** What single layers have otherwise than the model, by their numbers. */
    private static final String BY_LAYER = "per_layer_config";

    private final ConfigTree tree;
    private final Family family;

    /** @throws InvalidInputException if the architecture is unknown */
    ModelConfigReader(ConfigTree tree) {
        this.tree = tree;
        this.family = Family.of(tree);
    }

    /** @throws InvalidInputException if a value is missing or impossible */
    ModelConfig read() {
        int hidden = positive("hidden_size", Limits.CHANNELS);
        int heads = positive("num_attention_heads", Limits.HEADS);
        int keyValueHeads = positiveOr(heads, "num_key_value_heads", Limits.HEADS);
        int headDim = positiveOr(hidden / heads, "head_dim", Limits.CHANNELS);
        if (heads % keyValueHeads != 0) {
            throw ModelConfig.invalid(tree,
                    "num_attention_heads is " + heads + ", which is not a multiple of num_key_value_heads, "
                            + keyValueHeads);
        }
        int embeddingSize = positiveOr(hidden, "embedding_size", Limits.CHANNELS);
        if (embeddingSize != hidden && family.names().projectIn().isEmpty()) {
            throw ModelConfig.invalid(tree, "embedding_size is " + embeddingSize + " and hidden_size " + hidden
                    + ", but this family has no projection between them");
        }
        int intermediate = family.has(Trait.FOUR_TIMES_AS_WIDE)
                ? positiveOr(4 * hidden, "intermediate_size", Limits.CHANNELS)
                : positive("intermediate_size", Limits.CHANNELS);
        int layers = positive("num_hidden_layers", Limits.LAYERS);
        boolean normsAfter = !family.bool(tree, "do_layer_norm_before", true);
        boolean finalNorm = !normsAfter && !family.bool(tree, "_remove_final_layer_norm", false);
        if (!family.bool(tree, "layer_norm_elementwise_affine", true)) {
            throw ModelConfig.invalid(tree,
                    "layer_norm_elementwise_affine is false, but norms without weights are not known here");
        }
        if (tree.bool("use_bidirectional_attention", false)) {
            throw new InvalidInputException(
                    tree.file() + ": use_bidirectional_attention is true, but only models whose tokens see "
                            + "what comes before them can be computed here");
        }
        family.refused().stream().sorted().filter(this::isAsked).findFirst().ifPresent(key -> {
            throw new InvalidInputException("%s: %s is set, which is not known here for models of type %s"
                    .formatted(tree.file(), key, family.modelType()));
        });
        tree.optionalObject(BY_LAYER).ifPresent(this::requireNoneOfOurs);
        ModelConfig config = new ModelConfig(family, positive("vocab_size", Limits.VOCABULARY), hidden,
                embeddingSize,
                intermediate, layers, heads, keyValueHeads, headDim,
                positive("max_position_embeddings", Integer.MAX_VALUE),
                new Norm(family.norm(), epsilon()), normsAfter, family.sideBySide(tree), finalNorm,
                activation(), family.parts(tree), family.bool(tree, "tie_word_embeddings", false),
                Multipliers.of(tree, family, hidden, headDim), true, family.attention(tree, layers, headDim));
        requireActivation(config);
        return config;
    }

    private void requireActivation(ModelConfig config) {
        List<String> known = config.parts().contains(Part.ACTIVATION_POSITIVE)
                ? List.of(FeedForwardActivation.LEARNED)
                : Activation.known();
        if (!known.contains(config.activation())) {
            throw new InvalidInputException(tree.file() + ": " + family.key("hidden_act") + " is \""
                    + Shown.of(config.activation()) + "\", but of a " + family.modelType() + " model only "
                    + String.join(", ", known) + " can be computed here");
        }
    }

    private boolean isAsked(String key) {
        return tree.has(key) && !tree.isFalse(key);
    }

    private String activation() {
        String name = family.text(tree, "hidden_act");
        return family.has(Trait.GELU_IS_TANH) && name.equals("gelu") ? "gelu_pytorch_tanh" : name;
    }

    /** In transformers no model of these families can be made whose layers differ so. */
    private void requireNoneOfOurs(ConfigTree byLayer) {
        for (String layer : byLayer.keys()) {
            byLayer.optionalObject(layer).stream().flatMap(its -> its.keys().stream()).filter(family::reads).findFirst()
                    .ifPresent(key -> {
                        throw new InvalidInputException(tree.file() + ": " + BY_LAYER + " gives layer "
                                + Shown.of(layer) + " a " + key + " of its own, and models of the type "
                                + family.modelType() + " whose layers differ in it cannot be computed here");
                    });
        }
    }

    /** OPT's configuration says nothing of it: its norms have what torch gives them. */
    private double epsilon() {
        return family.knows("rms_norm_eps") ? family.required(tree, "rms_norm_eps") : 1e-5;
    }

    private int positiveOr(int otherwise, String usual, int limit) {
        return family.number(tree, usual).isPresent() ? positive(usual, limit) : otherwise;
    }

    private int positive(String usual, int limit) {
        int value = family.integer(tree, usual);
        Limits.check(tree.file(), family.key(usual), value, limit);
        if (value <= 0) {
            throw ModelConfig.invalid(tree, family.key(usual) + " is " + value + ", but must be positive");
        }
        return value;
    }
}
