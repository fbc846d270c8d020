package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.SequencedMap;

/**
 * LaCo (Yang et al. 2024): layer collapse. From the back on, a layer and those after it become one as long as what the model
 * makes of some sentences stays similar to what the whole model makes of them.
 *
 * <p>LaCo has a threshold and no number of layers. With a target ours caps merges so that it is not passed; if the pointer
 * comes to the lowest layer first, the threshold is lowered by a step and the search begins again.
 *
 * @param toTarget whether there is a number of layers to get to; otherwise the threshold decides
 */
public record Laco(Options options, boolean toTarget) implements PruningMethod {
    @Override
    public List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration) {
        Similarities similarities = new Similarities(stack, calibration);
        List<Double> thresholds = new ArrayList<>();
        for (int pass = 0;; pass++) {
            double threshold = options.threshold - pass * options.thresholdStep;
            thresholds.add(threshold);
            List<PruningStep> steps = pass(stack, targetLayers, thresholds, similarities,
                    calibration.pattern());
            boolean reached = !steps.isEmpty() && steps.getLast().stack().size() == targetLayers;
            if (reached || (!toTarget && !steps.isEmpty())) {
                return steps;
            }
            if (!toTarget) {
                throw new NothingToDoException("laco: no merge keeps a similarity above --threshold "
                        + options.threshold + " (the best has " + similarities.best() + "); lower it");
            }
            if (threshold < -1) {
                throw new NothingToDoException("laco: --target-layers " + targetLayers
                        + " is not reached however low the threshold, with --merge-layers " + options.mergeLayers
                        + ", --interval " + options.interval + ", --lowest " + options.lowest + " and --highest "
                        + highest(stack.size()) + "; change these, or ask for more layers");
            }
        }
    }

    /** One search from the back to the lowest layer with the last of the thresholds. */
    private List<PruningStep> pass(LayerStack dense, int targetLayers, List<Double> thresholds,
            Similarities similarities, LayerPattern pattern) {
        List<PruningStep> steps = new ArrayList<>();
        LayerStack stack = dense;
        Map<Integer, Double> tried = new HashMap<>();
        int layer = highest(dense.size()) - options.mergeLayers;
        while (layer >= options.lowest && stack.size() > targetLayers) {
            int following = Math.min(options.mergeLayers - 1, stack.size() - layer - 1);
            following = Math.min(following, stack.size() - targetLayers);
            while (!pattern.allowsMerge(stack, layer, following + 1)) {
                following--; // none is always allowed
            }
            LayerStack candidate = following == 0
                    ? stack
                    : stack.replace(layer, following + 1, merged(stack.window(layer, following + 1)));
            double similarity = similarities.of(candidate, stack);
            tried.put(layer, similarity);
            if (similarity > thresholds.getLast()) {
                if (following > 0) {
                    steps.add(PruningStep.merge(stack, layer, following + 1, candidate.get(layer), List.of(),
                            scores(tried, stack.size(), thresholds)));
                    tried.clear();
                    stack = candidate;
                }
                layer -= options.interval;
                if (layer >= stack.size()) {
                    layer = stack.size() - 1 - options.mergeLayers;
                }
            } else {
                layer--;
            }
        }
        return steps;
    }

    private LayerNode merged(List<LayerNode> layers) {
        int following = layers.size() - 1;
        List<Term> terms = new ArrayList<>();
        for (int i = 0; i <= following; i++) {
            double factor = switch (options.lacoVariant) {
                case RDSC -> i == 0 ? 1.0 - following : 1; // base + sum of (other - base)
                case TELESCOPE -> i == following ? 1 : 0;
            };
            terms.add(new Term(layers.get(i), factor));
        }
        return new WeightedSum(terms, Scope.MATRICES);
    }

    /** The similarities that were tried since the last merge, and all thresholds so far. */
    private static SequencedMap<String, List<Double>> scores(Map<Integer, Double> tried, int layers,
            List<Double> thresholds) {
        List<Double> byLayer = new ArrayList<>(Collections.nCopies(layers, Double.POSITIVE_INFINITY));
        tried.forEach(byLayer::set);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        scores.put("similarity", byLayer);
        scores.put("thresholds_of_all_passes", List.copyOf(thresholds));
        return scores;
    }

    private int highest(int layers) {
        return options.highest < 0 ? layers - 1 : options.highest;
    }

    /** Similarities to the dense model; each stack is measured once, however often the search begins again. */
    private static final class Similarities {
        private final LayerStack dense;
        private final Calibration calibration;
        private final Map<LayerStack, Double> known = new HashMap<>();

        Similarities(LayerStack dense, Calibration calibration) {
            this.dense = dense;
            this.calibration = calibration;
        }

        /** @param from the stack that the candidate was made from, with which it has its first layers in common */
        double of(LayerStack candidate, LayerStack from) {
            Double similarity = known.get(candidate);
            if (similarity == null) {
                calibration.focus(from);
                similarity = calibration.similarity(candidate, dense);
                known.put(candidate, similarity);
            }
            return similarity;
        }

        double best() {
            return known.values().stream().mapToDouble(Double::doubleValue).max().orElse(Double.NaN);
        }
    }

    /** With a number of layers to get to. */
    public Laco(Options options) {
        this(options, true);
    }

    /** What becomes of merged layers. */
    public enum Variant {
        /** The base layer and the differences of the others to it: the paper's formula. */
        RDSC,
        /** Differences to the running sum, so that the last layer remains: what the official code computes. */
        TELESCOPE
    }

    /**
     * The options.
     *
     * @param lacoVariant {@code --laco-variant}
     * @param mergeLayers {@code --merge-layers}: C, how many layers one merge makes into one at most
     * @param interval {@code --interval}: I, how far the pointer goes back after a merge
     * @param lowest {@code --lowest}: L, the lowest layer to merge into
     * @param highest {@code --highest}: H, the pointer begins C below it; less than 0 stands for the last layer
     * @param threshold {@code --threshold}: T, a merge is taken if the similarity is greater
     * @param thresholdStep {@code --threshold-step}: what T is lowered by to get to a target
     */
    public record Options(Variant lacoVariant, int mergeLayers, int interval, int lowest, int highest, double threshold,
            double thresholdStep) {
        /** Stands for the last layer. */
        public static final int LAST = -1;

        /** The paper's, for Llama 2 7B. */
        public static final Options DEFAULTS = new Options(Variant.RDSC, 4, 2, 1, LAST, 0.65, 0.05);

        public Options {
            if (mergeLayers < 2) {
                throw new UsageException("--merge-layers is " + mergeLayers + ", but a merge takes at least 2 layers");
            }
            if (interval < 1) {
                throw new UsageException("--interval is " + interval + ", but must be at least 1");
            }
            if (lowest < 0) {
                throw new UsageException("--lowest is " + lowest + ", but layers are counted from 0");
            }
            if (!(threshold >= -1 && threshold <= 1)) {
                throw new UsageException("--threshold is " + threshold + ", but a cosine lies between -1 and 1");
            }
            if (!(thresholdStep > 0)) {
                throw new UsageException("--threshold-step is " + thresholdStep + ", but must be greater than 0");
            }
        }
    }

    @Override
    public String name() {
        return "laco";
    }

    @Override
    public Needs needs() {
        return Needs.TOKENS;
    }

    @Override
    public OptionalInt ownTarget(int layers) {
        return toTarget ? OptionalInt.empty() : OptionalInt.of(1); // as far as the threshold lets it
    }

    @Override
    public Cost cost(int layers, int targetLayers) {
        int highest = highest(layers);
        if (highest >= layers || highest - options.mergeLayers < options.lowest) {
            throw new UsageException("--highest " + highest + ", --merge-layers " + options.mergeLayers
                    + ": the search begins at layer " + (highest - options.mergeLayers) + ", which must not be below"
                    + " --lowest " + options.lowest + ", and --highest not above the last layer, " + (layers - 1));
        }
        return Cost.once(layers * (1 + layers / 2.0), 0);
    }
}
