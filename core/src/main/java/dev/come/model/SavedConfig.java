package dev.come.model;

import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.LayerConfigEdit;
import dev.come.checkpoint.Quantisation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;

/**
 * What config.json of a model says that has only some of the layers of another. What that model's says is kept, except what does
 * not hold any more. What some readers know only by an older key is said under that key too.
 */
public final class SavedConfig {
    private static final String TIED = "tie_word_embeddings";
    /** Every so many layers one attends to everything, and the others only to a window. */
    private static final List<String> WINDOW_PERIODS = List.of("sliding_window_pattern", "_sliding_window_pattern");

    private final ModelConfig model;
    private final ConfigTree whole;
    private final List<Integer> originals;
    private final LayerLists lists;
    private final List<String> warnings = new ArrayList<>();
    private final ConfigTree config;

    /**
     * Makes the configuration.
     *
     * @param model the model that the layers are of
     * @param whole its config.json
     * @param originals for each layer that is left, the layer of this model that it attends like
     */
    public SavedConfig(ModelConfig model, ConfigTree whole, List<Integer> originals) {
        this.model = model;
        this.whole = whole;
        this.originals = List.copyOf(originals);
        this.lists = new LayerLists(whole, model.family(), model.layers(), model.headDim());
        LayerConfigEdit cut = LayerConfigEdit.keeping(withCount(tieAsTheWeightsAre(whole)), originals);
        warnings.addAll(cut.warnings());
        this.config = new OlderRopeKeys(model, originals.size())
                .addedTo(withPeriods(withLayerLists(withoutQuantisation(cut.config()))));
    }

    /** What the new config.json says. */
    public ConfigTree config() {
        return config;
    }

    /** What the user should know: what is said otherwise than before, one sentence each. */
    public List<String> warnings() {
        return List.copyOf(warnings);
    }

    private void warn(String what) {
        warnings.add(whole.file() + ": " + what);
    }

    /** Corrects the flag of a checkpoint that says its embeddings are tied and has another output projection all the same. */
    private ConfigTree tieAsTheWeightsAre(ConfigTree tree) {
        if (ModelConfig.of(tree).tiedEmbeddings() == model.tiedEmbeddings()) {
            return tree;
        }
        warn(TIED + " was true, but " + model.headTensor()
                + " is another tensor than the embedding; both are kept, and the flag is false in the new model");
        return tree.edited(root -> root.put(TIED, model.tiedEmbeddings()));
    }

    /** Says how many layers there are where that was left out. */
    private ConfigTree withCount(ConfigTree tree) {
        String layers = model.family().key("num_hidden_layers");
        return tree.has(layers) ? tree : tree.edited(root -> root.put(layers, model.layers()));
    }

    /** Weights that are written here are plain; what reads them would take them for packed ones, or pack them. */
    private ConfigTree withoutQuantisation(ConfigTree tree) {
        Optional<Quantisation> quantisation = Quantisation.of(tree);
        if (quantisation.isEmpty()) {
            return tree;
        }
        warn(quantisation.get().key() + " (" + quantisation.get().name()
                + ") is left out of the new model, because its weights are plain");
        return Quantisation.removedFrom(tree);
    }

    /** Adds the lists that say which layers attend in which way, where their numbers no longer tell it. */
    private ConfigTree withLayerLists(ConfigTree tree) {
        List<AttentionKind> wanted = originals.stream().map(model::attention).toList();
        if (model.family().attention(tree, originals.size(), model.headDim()).equals(wanted)) {
            return tree;
        }
        warn("which layers attend in which way does not follow from their numbers any more, so lists that say it were"
                + " added; releases of transformers that do not know them run the model differently");
        return tree.edited(root -> {
            ArrayNode types = root.putArray(LayerLists.TYPES);
            originals.forEach(layer -> types.add(lists.slides(layer) ? LayerLists.SLIDING : LayerLists.FULL));
            if (model.family().knows(LayerLists.WITH_ROTATION)) {
                ArrayNode turning = root.putArray(LayerLists.WITH_ROTATION);
                originals.forEach(layer -> turning.add(lists.turns(layer) ? 1 : 0));
            }
        });
    }

    /**
     * Corrects the keys that say after how many layers one is of another kind. transformers reads the lists in their place, and
     * other programs the keys alone.
     */
    private ConfigTree withPeriods(ConfigTree tree) {
        ConfigTree corrected = tree;
        if (model.family().knows(LayerLists.TYPES)) {
            List<Boolean> full = originals.stream().map(layer -> !lists.slides(layer)).toList();
            for (String key : WINDOW_PERIODS) {
                corrected = withPeriod(corrected, key, full, LayerLists.TYPES);
            }
        }
        if (model.family().knows(LayerLists.WITH_ROTATION)) {
            List<Boolean> still = originals.stream().map(layer -> !lists.turns(layer)).toList();
            corrected = withPeriod(corrected, LayerLists.ROTATION_PERIOD, still, LayerLists.WITH_ROTATION);
        }
        return corrected;
    }

    private ConfigTree withPeriod(ConfigTree tree, String key, List<Boolean> marked, String list) {
        if (!tree.has(key)) {
            return tree;
        }
        boolean spelt = tree.isText(key); // EXAONE 4: an L for each layer that slides, and a G for the last
        int before = spelt ? tree.string(key).length() : tree.integer(key);
        Optional<Integer> period = periods(marked, before).filter(number -> describes(number, marked))
                .findFirst();
        if (period.isEmpty()) {
            warn("The new model has no " + key + ", because its layers follow no such rule any more; " + list
                    + " tells the kind of each layer, and programs that ignore it compute another model");
        }
        return tree.edited(root -> period.ifPresentOrElse(number -> {
            if (spelt) {
                root.put(key, "L".repeat(number - 1) + "G");
            } else {
                root.put(key, number);
            }
        }, () -> root.remove(key)));
    }

    /** The numbers that may describe which layers are marked: what was said before, and the number of the first one. */
    private static Stream<Integer> periods(List<Boolean> marked, int before) {
        int first = marked.indexOf(true);
        return Stream.of(before, 1 + (first < 0 ? marked.size() : first));
    }

    /** Whether exactly the last of every so many layers are marked. */
    private static boolean describes(int period, List<Boolean> marked) {
        return period > 0 && IntStream.range(0, marked.size())
                .allMatch(layer -> marked.get(layer) == ((layer + 1) % period == 0));
    }
}
