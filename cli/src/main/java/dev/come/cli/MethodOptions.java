package dev.come.cli;

import dev.come.UsageException;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.prune.Barriers;
import dev.come.prune.BlockScore.Reduction;
import dev.come.prune.ChannelScore;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.Compensate;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Laco;
import dev.come.prune.Magnitude;
import dev.come.prune.Manual;
import dev.come.prune.Mka;
import dev.come.prune.Reverse;
import dev.come.prune.SeamAuto;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Scope;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * The options of single methods, named as the paper's authors name them. Their defaults are those of the options in core; where
 * these differ from method to method, {@link Method} fills them in.
 */
final class MethodOptions {
    private static final ConcatMerge.Options COME = ConcatMerge.Options.DEFAULTS;
    private static final Laco.Options LACO = Laco.Options.DEFAULTS;

    @Section(heading = "%nconcat_merge, concat_merge_P:%n", order = 1)
    Merging merging = new Merging();

    @Section(heading = "%nsleb, shortgpt, reverse, manual:%n", order = 2)
    Removing removing = new Removing();

    @Section(heading = "%nmagnitude, taylor:%n", order = 3)
    Scoring scoring = new Scoring();

    @Section(heading = "%nmka:%n", order = 4)
    Fusing fusing = new Fusing();

    @Section(heading = "%nlaco:%n", order = 5)
    Collapsing collapsing = new Collapsing();

    @Section(heading = "%ncome_auto:%n", order = 6)
    Guided guided = new Guided();

    @Section(heading = "%nseam_auto:%n", order = 7)
    Repairing repairing = new Repairing();

    @Option(names = "--compat", paramLabel = "NAME", description = {"none or reference (default: ${DEFAULT-VALUE}).",
        "reference: repeat what the authors' published code does, where it differs from the method's definition."})
    private String compat = Choice.name(Compat.NONE);

    Compat compat() {
        return Choice.of("--compat", compat, Compat.values());
    }

    /** concat_merge and concat_merge_P; come_auto has the granularity and the norms too. */
    static final class Merging {
        @Option(names = "--skip-method", paramLabel = "NAME", description = {
            "How the layers to merge are chosen (default: ${DEFAULT-VALUE}).",
            "bi: the adjacent layers that turn the hidden states least.",
            "sleb: the layers whose removal leaves the least loss.", "mka: always the last ones."})
        private String skipMethod = Choice.name(COME.skipMethod());

        @Option(names = "--merge-item", paramLabel = "N", description = {
            "Layers merged into one at each step, 2 or more (default: ${DEFAULT-VALUE}).", "concat_merge_P: 2 only."})
        int mergeItem = COME.mergeItem();

        @Option(names = "--wo-repeat", description = "Never merge a merged layer again.")
        boolean withoutRepeat = COME.woRepeat();

        @Option(names = "--psu", paramLabel = "POWER",
                description = "A layer's share of the merged layer grows with this power of its block influence "
                        + "(default: ${DEFAULT-VALUE}).")
        double power = COME.psu();

        @Option(names = "--min-max", paramLabel = "SHARE",
                description = "Lower limit of the largest share, 0 to 1 (default: ${DEFAULT-VALUE}).")
        double minimumOfLargestShare = COME.minMax();

        @Option(names = "--granularity", paramLabel = "G",
                description = "concat_merge_P and come_auto try the ratios 0, 1/G, ... 1 (default: 20; come_auto: 4)."
                        + " seam_auto tries those between (default: 4), with 1 none.")
        private @Nullable Integer granularity;

        @Option(names = "--merge-norms", paramLabel = "HOW", description = {
            "mean or fold (default: mean; come_auto: fold; seam_auto: fold).",
            "mean: a merged layer has the mean of the norms before attention and feed-forward, as in the paper.",
            "fold: it has those of the layer with the largest share; rows of the others are scaled to make up for it."})
        private @Nullable String norms;

        @Option(names = "--channel-score", paramLabel = "SCORE", description = {
            "How heads and channels of a merged layer are chosen (default: ${DEFAULT-VALUE}).",
            "l1: by mean activation times the weights that it meets, as in the paper.",
            "leverage: by how much the others, of all sources side by side, do not tell of them."})
        private String channelScore = Choice.name(COME.channelScore());

        @Option(names = "--compensate", arity = "0..1", fallbackValue = "sequence", paramLabel = "WHAT", description = {
            "none, sequence or parallel (default: ${DEFAULT-VALUE}; without WHAT: sequence).",
            "Fold what a merged layer leaves out into what it keeps, in closed form, to give what its sources give.",
            "Every fifth sequence takes no part in that."})
        private String compensate = Choice.name(COME.compensate());

        SkipMethod skipMethod() {
            return Choice.of("--skip-method", skipMethod, SkipMethod.values());
        }

        int granularity(int ofTheMethod) {
            return granularity == null ? ofTheMethod : granularity;
        }

        Compensate compensate() {
            return Choice.of("--compensate", compensate, Compensate.values());
        }

        ChannelScore channelScore() {
            return Choice.of("--channel-score", channelScore, ChannelScore.values());
        }

        MergeNorms norms(MergeNorms ofTheMethod) {
            return norms == null ? ofTheMethod : Choice.of("--merge-norms", norms, MergeNorms.values());
        }
    }

    /** sleb, shortgpt, reverse and manual; come_auto has the barriers too. */
    static final class Removing {
        @Option(names = "--barriers", paramLabel = "N,N", preprocessor = Words.class, hideParamSyntax = true,
                description = "Numbers of layers at the beginning and at the end that sleb, come_auto and"
                        + " seam_auto never remove (default: 1,1).")
        private @Nullable String barriers;

        @Option(names = "--angular",
                description = "shortgpt: remove the block of adjacent layers that turns the last tokens least.")
        boolean angular = ShortGpt.Options.DEFAULTS.angular();

        @Option(names = "--layer-score", paramLabel = "SCORE",
                description = "shortgpt: remove the layers that turn the states least (bi), or move them least (rm)"
                        + " (default: ${DEFAULT-VALUE}).")
        private String layerScore = Choice.name(ShortGpt.Options.DEFAULTS.layerScore());

        @Option(names = "--retain-layer", split = ",", arity = "1..*", paramLabel = "N",
                description = "reverse: layers to remove last, counted from 0.")
        List<Integer> retainLayers = Reverse.Options.DEFAULTS.retainLayer();

        @Option(names = "--layers", paramLabel = "N,N-N", preprocessor = Words.class, hideParamSyntax = true,
                description = "manual: layers to remove, counted from 0, such as 5,9-11.")
        private @Nullable String layers;

        ShortGpt.LayerScore layerScore() {
            return Choice.of("--layer-score", layerScore, ShortGpt.LayerScore.values());
        }

        List<Integer> layers() {
            return layers == null ? Manual.Options.DEFAULTS.layers() : Words.numbers("--layers", layers);
        }

        Barriers barriers(Barriers ofTheMethod) {
            if (barriers == null) {
                return ofTheMethod;
            }
            try {
                List<Integer> layers = Words.of(barriers).stream().map(Integer::valueOf).toList();
                if (layers.size() == 2) {
                    return new Barriers(layers.get(0), layers.get(1));
                }
            } catch (NumberFormatException _) {
                // is none of the two that are asked for below
            }
            throw new UsageException("--barriers is " + barriers
                    + ", but two numbers are expected: layers kept at the beginning and at the end, such as 1,1");
        }
    }

    /** magnitude and taylor. */
    static final class Scoring {
        @Option(names = "--weight-reduction", paramLabel = "HOW",
                description = "How a weight's rows become one number: sum, mean, max or prod (default:"
                        + " ${DEFAULT-VALUE}).")
        private String weightReduction = Choice.name(Magnitude.Options.DEFAULTS.weightReduction());

        @Option(names = "--block-reduction", paramLabel = "HOW",
                description = "How a layer's weights become one number: sum, mean, max or prod (default:"
                        + " ${DEFAULT-VALUE}).")
        private String blockReduction = Choice.name(Magnitude.Options.DEFAULTS.blockReduction());

        @Option(names = "--heuristic",
                description = "Keep the first four and the last two layers; the same as a + behind the method.")
        boolean heuristic;

        @Option(names = "--taylor-order", paramLabel = "ORDER", description = {
            "sum-first or abs-first (default: sum-first; --compat reference has neither).",
            "Whether products of weight and gradient are summed over sequences before or after their absolute value."})
        private @Nullable String order;

        Reduction weightReduction() {
            return reduction("--weight-reduction", weightReduction);
        }

        Reduction blockReduction() {
            return reduction("--block-reduction", blockReduction);
        }

        GradientOrder order(GradientOrder usual) {
            return order == null
                    ? usual
                    : Choice.of("--taylor-order", order,
                            new GradientOrder[]{GradientOrder.SUM_FIRST, GradientOrder.ABS_FIRST});
        }

        /** The authors spell prod prob. */
        private static Reduction reduction(String option, String value) {
            return Choice.of(option, value.equals("prob") ? Choice.name(Reduction.PROD) : value, Reduction.values());
        }
    }

    /** mka. */
    static final class Fusing {
        @Option(names = "--num-tasks", paramLabel = "N",
                description = "Subjects of the data set mmlu (default for mka: 50).")
        @Nullable
        Integer tasks;

        @Option(names = "--kernel-sigma", paramLabel = "S",
                description = "Scale of distances between samples (default: ${DEFAULT-VALUE}).")
        double kernelSigma = Mka.Options.DEFAULTS.kernelSigma();

        @Option(names = "--fuse", paramLabel = "WHAT",
                description = "all, or matrices: norms and biases stay those of the earlier layer (default: "
                        + "${DEFAULT-VALUE}).")
        private String fuse = Choice.name(Mka.Options.DEFAULTS.fuse());

        Scope fuse() {
            return Choice.of("--fuse", fuse, Scope.values());
        }
    }

    /** laco. */
    static final class Collapsing {
        @Option(names = "--laco-variant", paramLabel = "NAME", description = {
            "rdsc or telescope (default: ${DEFAULT-VALUE}).",
            "rdsc: the base layer and the differences of those after it, the paper's formula.",
            "telescope: the last of them remains, as in the published notebook."})
        private String variant = Choice.name(LACO.lacoVariant());

        @Option(names = "--merge-layers", paramLabel = "C",
                description = "Most layers that one merge joins (default: ${DEFAULT-VALUE}).")
        int mergeLayers = LACO.mergeLayers();

        @Option(names = "--interval", paramLabel = "I",
                description = "How far the pointer goes back after a merge (default: ${DEFAULT-VALUE}).")
        int interval = LACO.interval();

        @Option(names = "--lowest", paramLabel = "L",
                description = "The lowest layer to merge into (default: ${DEFAULT-VALUE}).")
        int lowest = LACO.lowest();

        @Option(names = "--highest", paramLabel = "H",
                description = "The pointer begins C layers below this one (default: the last).")
        private @Nullable Integer highest;

        @Option(names = "--threshold", paramLabel = "T", description = {
            "Take merges that leave a greater similarity than this (default: ${DEFAULT-VALUE}).",
            "Lowered until --target-layers is reached; without that option the threshold decides."})
        double threshold = LACO.threshold();

        @Option(names = "--threshold-step", paramLabel = "STEP",
                description = "Amount by which T is lowered each time (default: ${DEFAULT-VALUE}).")
        double thresholdStep = LACO.thresholdStep();

        @Option(names = "--sentences", paramLabel = "FILE",
                description = "File with a sentence on each line, used instead of --calibration-dataset.")
        @Nullable
        Path sentences;

        Laco.Variant variant() {
            return Choice.of("--laco-variant", variant, Laco.Variant.values());
        }

        int highest() {
            return highest == null ? LACO.highest() : highest;
        }
    }

    /** come_auto, besides what it has in common with others. */
    static final class Guided {
        @Option(names = "--shortlist", paramLabel = "N", description = {
            "Try at each step the N layers with the least block influence and the N pairs of adjacent layers that"
                    + " turn the hidden states least (default: ${DEFAULT-VALUE}).",
            "0: try all of them."})
        int shortlist = ComeAuto.Options.DEFAULTS.shortlist();

        @Option(names = "--refit", arity = "0..1", fallbackValue = "4", paramLabel = "N", description = {
            "Try each of the N edits with the least loss also with one layer refitted to the dense model in closed"
                    + " form. That layer is the merged one, or the one before the gap (without N: 4).",
            "Losses are then measured on every fifth sequence, which no fit sees."})
        int refit = ComeAuto.Options.DEFAULTS.refit();
    }

    /** seam_auto, besides what it has in common with others. */
    static final class Repairing {
        @Option(names = "--repair", paramLabel = "N", description = {
            "Repair at each step the N edits that are predicted to leave the least error, in closed form, and judge them"
                    + " by their divergence from the dense model (default: ${DEFAULT-VALUE}).",
            "That is measured on every fifth sequence, which no fit sees."})
        int repair = SeamAuto.Options.DEFAULTS.repair();
    }
}
