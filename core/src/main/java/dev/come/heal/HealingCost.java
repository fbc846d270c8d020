package dev.come.heal;

import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.model.ModelConfig;
import java.util.function.ToDoubleFunction;

/** What healing takes, known before it. */
public final class HealingCost {
    /** In 1,536 channels eigenvectors, penalties and checks of a fit took 1.3 s where a layer ran at 90 GFLOP/s: so many n³. */
    private static final double OPERATIONS_OF_A_FIT = 33;
    /** What the fits of what both halves read take, in runs of a layer. */
    private static final double READS = 2;
    /**
     * In 11,008 channels, trying up to two penalties, two threads took 0.3 to 0.45 of 92 s, in which a layer ran at 98 GFLOP/s a
     * thread.
     */
    private static final double OPERATIONS_OF_MANY_CHANNELS = 6;

    private HealingCost() {
    }

    /**
     * How many layers are refitted, at the most.
     *
     * @param layers of the dense model
     * @param left layers of the stack
     */
    public static int fits(Healing.Options options, int layers, int left) {
        return switch (options.scope()) {
            case ALL -> left;
            case CUT -> Math.min(left, 2 * (layers - left)); // each layer that goes has two beside it
        };
    }

    /** How many pairs of layers around gaps are fitted together, at the most. */
    private static int pairs(Healing.Options options, int layers, int left) {
        return options.seam() == Seam.PAIR ? Math.min(left / SeamPair.LAYERS, layers - left) : 0;
    }

    /**
     * The cost of healing, in runs of a layer over all tokens. It counts the dense model, every layer of the stack, and
     * for each fit its products and what is run again behind it. Each fit was found to take three quarters of a run.
     *
     * @param layers of the dense model
     * @param left layers of the stack
     */
    public static double layerRuns(Healing.Options options, int layers, int left) {
        int again = SeamPair.LAYERS * (SeamPair.PASSES - 1) * pairs(options, layers, left);
        double fits = ofFits(options, layers, left, HealingCost::layerRuns);
        return (layers + left + again + fits) * options.passes() + (options.weights() == Weights.LOSS ? layers : 0);
    }

    /** The same of the fits of one layer. */
    private static double layerRuns(Targets targets) {
        // The fit of what reads has a run of the whole layer, and products with the dense model's and with its own weights.
        return 0.75 * targets.parts().size() + (targets.reads() ? READS : 0);
    }

    /** What the fits of all layers cost, if it is known for one. */
    private static double ofFits(Healing.Options options, int layers, int left, ToDoubleFunction<Targets> one) {
        int inPairs = SeamPair.LAYERS * pairs(options, layers, left);
        int alone = Math.max(0, fits(options, layers, left) - inPairs);
        return alone * one.applyAsDouble(options.targets())
                + inPairs * SeamPair.PASSES * one.applyAsDouble(SeamPair.TARGETS);
    }

    /**
     * The cost of solving for all fits, which does not depend on how much text there is, by its time: as many operations of a
     * layer as one thread would do meanwhile. Eigenvectors are one thread's work, the factors of many channels that of all.
     */
    public static double solving(ModelConfig config, Healing.Options options, int layers, int left, int threads) {
        return options.passes()
                * ofFits(options, layers, left, targets -> solving(config.intermediateSize(), threads)
                        + (targets.parts().size() > 1 ? solving((long) config.heads() * config.headDim(), threads) : 0)
                        + (targets.reads() ? 2 * solving(config.hiddenSize(), threads) : 0));
    }

    private static double solving(long channels, int threads) {
        double operations = channels > Ridge.MOST_EIGENVECTORS
                ? OPERATIONS_OF_MANY_CHANNELS / threads
                : OPERATIONS_OF_A_FIT;
        return operations * Math.pow((double) channels, 3);
    }

    /** Bytes of the sums that a fit is made of and of its solution, at the most. */
    public static long bytes(ModelConfig config, int threads) {
        long channels = Math.max(config.intermediateSize(), (long) config.heads() * config.headDim());
        long sums = channels * (channels + config.hiddenSize());
        // Factors of many channels lie in the sums, and the solution beside them; eigenvectors need more room.
        long solving = channels > Ridge.MOST_EIGENVECTORS ? channels * config.hiddenSize() : 4 * sums;
        // Those of fitted and of other tokens; beside them those of each thread's chunk, or what solving takes.
        return 2 * sums * Double.BYTES + Math.max(threads * sums * Float.BYTES, solving * Double.BYTES);
    }
}
