package dev.come.heal;

import dev.come.model.ModelConfig;

/** What healing takes, known before it. */
public final class HealingCost {
    /** In 1,536 channels eigenvectors, penalties and checks of a fit took 1.3 s where a layer ran at 90 GFLOP/s: so many n³. */
    private static final double OPERATIONS_OF_A_FIT = 33;

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

    /**
     * The cost of healing, in runs of a layer over all tokens. It counts the dense model, every layer of the stack, and
     * for each fit its products and what is run again behind it. Each fit was found to take three quarters of a run.
     *
     * @param layers of the dense model
     * @param left layers of the stack
     */
    public static double layerRuns(Healing.Options options, int layers, int left) {
        return layers + left + fits(options, layers, left) * 0.75 * options.targets().parts().size();
    }

    /**
     * The cost of solving for all fits, which is one thread's work and does not depend on how much text there is, by its time: as
     * many operations of a layer as would take as long.
     */
    public static double solving(ModelConfig config, Healing.Options options, int layers, int left) {
        double down = Math.pow(config.intermediateSize(), 3);
        double output = options.targets().parts().size() > 1
                ? Math.pow((double) config.heads() * config.headDim(), 3)
                : 0;
        return fits(options, layers, left) * OPERATIONS_OF_A_FIT * (down + output);
    }

    /** Bytes of the sums that a fit is made of and of its solution, at the most. */
    public static long bytes(ModelConfig config, int threads) {
        long channels = Math.max(config.intermediateSize(), (long) config.heads() * config.headDim());
        long sums = channels * (channels + config.hiddenSize());
        long factors = channels > Ridge.MOST_EIGENVECTORS ? 2 : 4;
        // Those of fitted and of other tokens; beside them those of each thread's chunk, or the factors and what makes them.
        return sums * (2 * Double.BYTES + Math.max((long) threads * Float.BYTES, factors * Double.BYTES));
    }
}
