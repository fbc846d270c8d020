package dev.come.calibration;

/** How the published definitions are read where the authors' code differs from them. */
public enum Reading {
    /** Ours: the definitions. */
    DEFINITION {
        @Override
        double cosine(double cosine) {
            return cosine;
        }
    },
    /**
     * The values that the authors' code computes. Cosines are clamped at 0, undefined ones are counted as 0.5, and the
     * output of the last layer is taken after the final norm.
     */
    REFERENCE {
        @Override
        double cosine(double cosine) {
            return Double.isNaN(cosine) ? 0.5 : Math.clamp(cosine, 0, 1);
        }
    };

    /** The cosine that the statistics use. */
    abstract double cosine(double cosine);

    boolean lastStateAfterFinalNorm() {
        return this == REFERENCE;
    }
}
