package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The keys under which transformers 4 and other programs look for rotary settings: {@code rope_theta}, {@code rope_scaling} and, in
 * Gemma 3, {@code rope_local_base_freq}. Where there is only {@code rope_parameters}, which they do not know, they compute another
 * model without a word. transformers 5 reads both, the older keys first, so these must say everything.
 *
 * @param model whose configuration it is
 * @param layers how many layers are left of it
 */
record OlderRopeKeys(ModelConfig model, int layers) {
    private static final String PARAMETERS = "rope_parameters";
    private static final String SCALING = "rope_scaling";
    private static final String TYPE = "rope_type";
    /** Which channels turn by time, height and width, in models that see images. */
    private static final String SECTIONS = "mrope_section";

    /** The configuration with these keys, if it has {@code rope_parameters}; those that it has already stay. */
    ConfigTree addedTo(ConfigTree tree) {
        if (!tree.has(PARAMETERS) || !family().knows(RopeReader.THETA)) {
            return tree;
        }
        if (family().knows(RopeReader.LOCAL_THETA)) {
            return withScaling(tree.edited(root -> {
                put(root, RopeReader.THETA, theta(tree, LayerLists.FULL), LayerLists.FULL);
                if (!family().has(Trait.LOCAL_BASE_IS_FIXED)) {
                    put(root, RopeReader.LOCAL_THETA, theta(tree, LayerLists.SLIDING), LayerLists.SLIDING);
                }
            }));
        }
        Set<Double> thetas = model.attentionKinds().stream().flatMap(kind -> kind.rotary().stream())
                .map(RotaryEmbedding::theta).collect(Collectors.toSet());
        boolean perKind = tree.optionalObject(PARAMETERS).stream().flatMap(settings -> settings.keys().stream())
                .anyMatch(LayerLists.KNOWN_TYPES::contains);
        return perKind || thetas.size() != 1 // no older key says that
                ? tree
                : withScaling(tree.edited(root -> {
                    put(root, family().key(RopeReader.THETA), thetas.iterator().next(), "");
                    putShare(root);
                }));
    }

    /** How much of each head turns, if the settings say it. */
    private void putShare(ObjectNode root) {
        String key = family().key(RopeReader.SHARE);
        JsonNode said = settings(root, "").path(RopeReader.SHARE);
        if (family().knows(RopeReader.SHARE) && said.isNumber() && !root.hasNonNull(key)) {
            root.set(key, said);
        }
    }

    private Family family() {
        return model.family();
    }

    private double theta(ConfigTree tree, String kind) {
        return RotaryEmbedding.of(tree, family(), model.headDim(), kind).theta();
    }

    private static void put(ObjectNode root, String key, double theta, String kind) {
        if (!root.hasNonNull(key)) {
            JsonNode said = settings(root, kind).path(RopeReader.THETA); // with the digits that it has there
            root.set(key, said.isNumber() ? said : root.numberNode(theta));
        }
    }

    /** The settings of one kind of layers, or of all where there is no kind. */
    private static JsonNode settings(ObjectNode root, String kind) {
        return kind.isEmpty() ? root.path(PARAMETERS) : root.path(PARAMETERS).path(kind);
    }

    private ConfigTree withScaling(ConfigTree tree) {
        String kind = family().knows(RopeReader.LOCAL_THETA) ? LayerLists.FULL : "";
        return tree.has(SCALING)
                ? tree
                : Stream.<UnaryOperator<ObjectNode>>of(this::asTheFamilyHadIt, OlderRopeKeys::whole)
                        .flatMap(form -> with(tree, kind, form).stream()).findFirst().orElse(tree);
    }

    /** A configuration that says the scaling in the older way too, if there is one and it means the same then. */
    private Optional<ConfigTree> with(ConfigTree tree, String kind, UnaryOperator<ObjectNode> form) {
        ConfigTree with = tree.edited(root -> {
            if (settings(root, kind) instanceof ObjectNode settings && !isPlain(settings)) {
                root.set(SCALING, form.apply(settings.deepCopy()));
            }
        });
        return with.has(SCALING) && means(with, tree) ? Optional.of(with) : Optional.empty();
    }

    private static boolean isPlain(ObjectNode settings) {
        return settings.path(TYPE).asString("default").equals("default") && !settings.has(SECTIONS);
    }

    private static ObjectNode whole(ObjectNode settings) {
        settings.remove(RopeReader.THETA);
        return settings;
    }

    /** In some families transformers 4 takes exactly these settings, and the type by another name. */
    private ObjectNode asTheFamilyHadIt(ObjectNode settings) {
        List<String> names = family().olderScaling();
        if (names.isEmpty() || !names.stream().allMatch(settings::has)) {
            return whole(settings);
        }
        JsonNode type = settings.path(TYPE);
        settings.retain(names);
        settings.set("type", type);
        return settings;
    }

    private boolean means(ConfigTree one, ConfigTree other) {
        try {
            return family().attention(one, layers, model.headDim())
                    .equals(family().attention(other, layers, model.headDim()));
        } catch (InvalidInputException _) {
            return false;
        }
    }
}
