package dev.come.cli;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options of single methods, named as the paper's authors name them; {@link Method} says which method has which. */
final class MethodOptions {
    @ArgGroup(validate = false, heading = "%nconcat_merge, concat_merge_P:%n", order = 1)
    Merging merging = new Merging();

    @ArgGroup(validate = false, heading = "%nsleb, shortgpt, reverse:%n", order = 2)
    Removing removing = new Removing();

    @ArgGroup(validate = false, heading = "%nmagnitude, taylor:%n", order = 3)
    Scoring scoring = new Scoring();

    @ArgGroup(validate = false, heading = "%nmka:%n", order = 4)
    Fusing fusing = new Fusing();

    @ArgGroup(validate = false, heading = "%nlaco:%n", order = 5)
    Collapsing collapsing = new Collapsing();

    @ArgGroup(validate = false, heading = "%ncome_auto:%n", order = 6)
    Guided guided = new Guided();

    @Option(names = "--compat", paramLabel = "NAME", description = {"none or reference (default: ${DEFAULT-VALUE}).",
        "reference: repeat what the authors' published code does, where it differs from the method's definition."})
    String compatibility = "none";

    /** concat_merge and concat_merge_P; come_auto has the granularity too. */
    static final class Merging {
        @Option(names = "--skip-method", paramLabel = "NAME", description = {
            "How the layers to merge are chosen (default: ${DEFAULT-VALUE}).",
            "bi: the adjacent layers that turn the hidden states least.",
            "sleb: those without which the loss is least.", "mka: always the last ones."})
        String skipMethod = "bi";

        @Option(names = "--merge-item", paramLabel = "N", description = {
            "Layers merged into one at each step, 2 or more (default: ${DEFAULT-VALUE}).", "concat_merge_P: 2 only."})
        int mergeItem = 2;

        @Option(names = "--wo-repeat", description = "Never merge a merged layer again.")
        boolean withoutRepeat;

        @Option(names = "--psu", paramLabel = "POWER",
                description = "A layer's share of the merged layer grows with this power of its block influence "
                        + "(default: ${DEFAULT-VALUE}).")
        int power = 1;

        @Option(names = "--min-max", paramLabel = "SHARE",
                description = "The largest share is at least this, 0 to 1 (default: ${DEFAULT-VALUE}).")
        double minimumOfLargestShare;

        @Option(names = "--granularity", paramLabel = "G",
                description = "concat_merge_P and come_auto try the ratios 0, 1/G, ... 1 (default: 20; come_auto: 4).")
        @Nullable
        Integer granularity;
    }

    /** sleb, shortgpt and reverse; come_auto has the barriers too. */
    static final class Removing {
        @Option(names = "--barriers", split = ",", paramLabel = "N",
                description = "sleb and come_auto never remove so many layers at the beginning and at the end "
                        + "(default: 1,1).")
        @Nullable
        List<Integer> barriers;

        @Option(names = "--angular",
                description = "shortgpt: remove the block of adjacent layers across which the last tokens turn least.")
        boolean angular;

        @Option(names = "--retain-layer", split = ",", arity = "1..*", paramLabel = "N",
                description = "reverse: layers, counted from 0, that go last.")
        List<Integer> retainLayers = List.of();
    }

    /** magnitude and taylor. */
    static final class Scoring {
        @Option(names = "--weight-reduction", paramLabel = "HOW",
                description = "A weight's rows to one number: sum, mean, max or prod (default: ${DEFAULT-VALUE}).")
        String weightReduction = "sum";

        @Option(names = "--block-reduction", paramLabel = "HOW",
                description = "A layer's weights to one number: sum, mean, max or prod (default: ${DEFAULT-VALUE}).")
        String blockReduction = "sum";

        @Option(names = "--heuristic",
                description = "Keep the first four and the last two layers; the same as a + behind the method.")
        boolean heuristic;

        @Option(names = "--taylor-order", paramLabel = "ORDER", description = {
            "sum-first or abs-first (default: ${DEFAULT-VALUE}).",
            "Whether products of weight and gradient are summed over sequences before or after their absolute value."})
        String order = "sum-first";
    }

    /** mka. */
    static final class Fusing {
        @Option(names = "--num-tasks", paramLabel = "N",
                description = "Subjects of the data set mmlu (default for mka: 50).")
        @Nullable
        Integer tasks;

        @Option(names = "--kernel-sigma", paramLabel = "S",
                description = "Scale of distances between samples (default: ${DEFAULT-VALUE}).")
        double kernelSigma = 8;

        @Option(names = "--fuse", paramLabel = "WHAT",
                description = "all, or matrices: norms and biases stay those of the earlier layer (default: "
                        + "${DEFAULT-VALUE}).")
        String fuse = "all";
    }

    /** laco. */
    static final class Collapsing {
        @Option(names = "--laco-variant", paramLabel = "NAME", description = {
            "rdsc or telescope (default: ${DEFAULT-VALUE}).",
            "rdsc: the base layer and the differences of those after it, the paper's formula.",
            "telescope: the last of them remains, what the published notebook computes."})
        String variant = "rdsc";

        @Option(names = "--merge-layers", paramLabel = "C",
                description = "Layers that one merge makes into one at most (default: ${DEFAULT-VALUE}).")
        int mergeLayers = 4;

        @Option(names = "--interval", paramLabel = "I",
                description = "How far the pointer goes back after a merge (default: ${DEFAULT-VALUE}).")
        int interval = 2;

        @Option(names = "--lowest", paramLabel = "L",
                description = "The lowest layer to merge into (default: ${DEFAULT-VALUE}).")
        int lowest = 1;

        @Option(names = "--highest", paramLabel = "H",
                description = "The pointer begins C layers below this one (default: the last).")
        @Nullable
        Integer highest;

        @Option(names = "--threshold", paramLabel = "T", description = {
            "Merges are taken that leave a greater similarity (default: ${DEFAULT-VALUE}).",
            "Lowered until --target-layers is reached; without that option the threshold decides."})
        double threshold = 0.65;

        @Option(names = "--threshold-step", paramLabel = "STEP",
                description = "What T is lowered by each time (default: ${DEFAULT-VALUE}).")
        double thresholdStep = 0.05;

        @Option(names = "--sentences", paramLabel = "FILE",
                description = "A sentence on each line; instead of --calibration-dataset.")
        @Nullable
        Path sentences;
    }
    /** come_auto, besides what it has in common with others. */
    static final class Guided {
        @Option(names = "--shortlist", paramLabel = "N", description = {
            "At each step the N layers with the least block influence and the N adjacent layers that turn the hidden "
                    + "states least are tried (default: ${DEFAULT-VALUE}).",
            "0: all of them."})
        int shortlist = 8;

        @Option(names = "--refit", arity = "0..1", fallbackValue = "4", paramLabel = "N", description = {
            "Each of the N edits with the least loss is also tried with one layer refitted in closed form to the dense "
                    + "model: the merged one, or the one before the gap (without N: 4).",
            "Losses are then measured on every fifth sequence, which no fit sees."})
        int refit;
    }
}
