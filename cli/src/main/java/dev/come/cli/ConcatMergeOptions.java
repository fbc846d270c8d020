package dev.come.cli;

import dev.come.calibration.Reading;
import dev.come.prune.ConcatMerge;
import java.util.List;
import picocli.CommandLine.Option;

/** The options of concat_merge, named as the paper's authors name them. */
final class ConcatMergeOptions {
    private static final Choice SKIP_METHODS = new Choice("--skip-method", List.of("bi"), List.of("mka", "sleb"));
    private static final Choice COMPATIBILITIES = new Choice("--compat", List.of("none", "reference"), List.of());

    @Option(names = "--skip-method", paramLabel = "NAME", description = {
        "How the layers to merge are chosen (default: ${DEFAULT-VALUE}).",
        "bi: the adjacent layers that turn the hidden states least."})
    private String skipMethod = "bi";

    @Option(names = "--merge-item", paramLabel = "N",
            description = "Layers merged into one at each step, 2 or more (default: ${DEFAULT-VALUE}).")
    private int mergeItem = 2;

    @Option(names = "--wo-repeat", description = "Never merge a merged layer again.")
    private boolean withoutRepeat;

    @Option(names = "--psu", paramLabel = "POWER",
            description = "A layer's share of the merged layer grows with this power of its block influence "
                    + "(default: ${DEFAULT-VALUE}).")
    private int power = 1;

    @Option(names = "--min-max", paramLabel = "SHARE",
            description = "The largest share is at least this, 0 to 1 (default: ${DEFAULT-VALUE}).")
    private double minimumOfLargestShare;

    @Option(names = "--compat", paramLabel = "NAME", description = {"none or reference (default: ${DEFAULT-VALUE}).",
        "reference: repeat what the authors' published code does, where it differs from the paper."})
    private String compatibility = "none";

    ConcatMerge method() {
        SKIP_METHODS.check(skipMethod);
        return new ConcatMerge(new ConcatMerge.Options(mergeItem, withoutRepeat, power, minimumOfLargestShare,
                reading() == Reading.REFERENCE));
    }

    Reading reading() {
        return COMPATIBILITIES.check(compatibility).equals("reference") ? Reading.REFERENCE : Reading.DEFINITION;
    }
}
