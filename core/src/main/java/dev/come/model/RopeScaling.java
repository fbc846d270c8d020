package dev.come.model;

import java.util.List;

/**
 * How a model reaches beyond the length that it was trained at. There is one record for each RoPE type of transformers,
 * which changes the plain inverse frequencies {@code theta^(-2i / headDim)} and may scale cosines and sines.
 *
 * <p>The arithmetic is that of transformers 5 (modeling_rope_utils.py), in float32 where it uses float32. Values are
 * checked by {@link RopeReader}.
 */
public sealed interface RopeScaling {
    /**
     * The angles, in radians, by which the pairs of a head's dimensions turn from one position to the next.
     *
     * @param length tokens of the sequence, those in a key-value cache included
     * @return inverse frequencies (headDim / 2)
     */
    float[] inverseFrequencies(int headDim, double theta, int length);

    /** Whether the frequencies are others for other lengths. */
    default boolean dependsOnLength() {
        return false;
    }

    /**
     * Tells lengths with different frequencies apart: those with the same frequencies give the same number.
     *
     * @param length tokens of the sequence
     */
    default int lengthsLike(int length) {
        return 0;
    }

    /**
     * The number of tokens a text may have, as vLLM reads the settings. Types that stretch the positions multiply
     * maxPositions by the factor; types that must know the length in training multiply that length.
     *
     * @param maxPositions max_position_embeddings, which may be that length or the product
     */
    int reach(int maxPositions);

    /** The factor on cosines and sines, which scales attention logits by its square. */
    default double attentionFactor() {
        return 1;
    }

    /** Type {@code default}: the frequencies as they were trained. */
    record None() implements RopeScaling {
        @Override
        public int reach(int maxPositions) {
            return maxPositions;
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            float[] frequencies = new float[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = 1 / power(theta, i, headDim);
            }
            return frequencies;
        }
    }

    /** Type {@code linear}: every frequency is divided by the factor (position interpolation, arXiv 2306.15595). */
    record Linear(double factor) implements RopeScaling {
        @Override
        public int reach(int maxPositions) {
            return stretched(maxPositions, factor);
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            float[] frequencies = new None().inverseFrequencies(headDim, theta, length);
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] /= (float) factor;
            }
            return frequencies;
        }
    }

    /**
     * Type {@code dynamic} ("dynamic NTK"): theta grows with the sequence once that is longer than
     * max_position_embeddings. transformers keeps the theta of the longest sequence since it last saw a short one; here
     * only this sequence counts.
     */
    record Dynamic(double factor, int maxPositions) implements RopeScaling {
        @Override
        public boolean dependsOnLength() {
            return true;
        }

        @Override
        public int reach(int maxPositions) {
            return stretched(maxPositions, factor);
        }

        @Override
        public int lengthsLike(int length) {
            return Math.max(length, maxPositions);
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            double stretch = factor * Math.max(length, maxPositions) / maxPositions - (factor - 1);
            double stretchedTheta = theta * Math.pow(stretch, headDim / (headDim - 2.0));
            return new None().inverseFrequencies(headDim, stretchedTheta, length);
        }
    }

    /**
     * Type {@code yarn} (arXiv 2309.00071): fast pairs keep their frequency and slow ones are stretched. Pairs that
     * turn more than betaFast times within the trained length keep their frequency, those that turn less than betaSlow
     * times are divided by the factor, a linear ramp lies between.
     *
     * @param truncate whether the ends of the ramp are rounded outwards to whole pairs
     */
    record Yarn(double factor, int trainedPositions, double betaFast, double betaSlow, boolean truncate,
            double attentionFactor) implements RopeScaling {

        /** The paper's attention factor for a stretch by {@code factor}; {@code mscale} is 1 there. */
        static double usualAttentionFactor(double factor, double mscale) {
            return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
        }

        @Override
        public int reach(int maxPositions) {
            return stretched(trainedPositions, factor);
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            double low = pairThatTurns(betaFast, headDim, theta);
            double high = pairThatTurns(betaSlow, headDim, theta);
            if (truncate) {
                low = Math.floor(low);
                high = Math.ceil(high);
            }
            low = Math.max(low, 0);
            high = Math.min(high, headDim - 1);
            if (low == high) {
                high += 0.001; // a step; the width of the ramp divides below
            }
            float[] frequencies = new float[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                float power = power(theta, i, headDim);
                float kept = 1 - Math.clamp((i - (float) low) / (float) (high - low), 0f, 1f);
                frequencies[i] = 1 / ((float) factor * power) * (1 - kept) + 1 / power * kept;
            }
            return frequencies;
        }

        /** The (fractional) index of the pair that makes the given number of turns within the trained length. */
        private double pairThatTurns(double turns, int headDim, double theta) {
            return headDim * Math.log(trainedPositions / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
        }
    }

    /**
     * Type {@code longrope} (arXiv 2402.13753): every frequency has a divisor of its own. One list of divisors is for
     * sequences up to the trained length and one for longer sequences.
     */
    record LongRope(List<Double> shortFactors, List<Double> longFactors, int trainedPositions,
            double attentionFactor) implements RopeScaling {
        @Override
        public boolean dependsOnLength() {
            return !shortFactors.equals(longFactors);
        }

        /** The paper's attention factor for a stretch by {@code factor}. */
        static double usualAttentionFactor(double factor, int trainedPositions) {
            return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(trainedPositions));
        }

        @Override
        public int reach(int maxPositions) {
            return maxPositions;
        }

        @Override
        public int lengthsLike(int length) {
            return length > trainedPositions && dependsOnLength() ? 1 : 0;
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            List<Double> factors = length > trainedPositions ? longFactors : shortFactors;
            float[] frequencies = new float[headDim / 2];
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = 1 / (factors.get(i).floatValue() * power(theta, i, headDim));
            }
            return frequencies;
        }
    }

    /**
     * Type {@code llama3} (Llama 3.1): long wavelengths are stretched and short ones kept. Pairs whose wavelength is
     * below trained / highFrequencyFactor keep their frequency, those above trained / lowFrequencyFactor are divided by
     * the factor, between them the two are blended.
     */
    record Llama3(double factor, double lowFrequencyFactor, double highFrequencyFactor,
            int trainedPositions) implements RopeScaling {
        @Override
        public int reach(int maxPositions) {
            return stretched(trainedPositions, factor);
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            float[] frequencies = new None().inverseFrequencies(headDim, theta, length);
            for (int i = 0; i < frequencies.length; i++) {
                frequencies[i] = scaled(frequencies[i]);
            }
            return frequencies;
        }

        private float scaled(float frequency) {
            float wavelength = (float) (2 * Math.PI) / frequency;
            float divided = frequency / (float) factor;
            if (wavelength > (float) (trainedPositions / lowFrequencyFactor)) {
                return divided;
            }
            if (wavelength < (float) (trainedPositions / highFrequencyFactor)) {
                return frequency;
            }
            float kept = (trainedPositions / wavelength - (float) lowFrequencyFactor)
                    / (float) (highFrequencyFactor - lowFrequencyFactor);
            return (1 - kept) * divided + kept * frequency;
        }
    }

    /** Type {@code proportional} (arXiv 2410.06205): only the fastest share of the pairs turns, divided by the factor. */
    record Proportional(double factor, double rotaryShare) implements RopeScaling {
        @Override
        public int reach(int maxPositions) {
            return stretched(maxPositions, factor);
        }

        @Override
        public float[] inverseFrequencies(int headDim, double theta, int length) {
            float[] frequencies = new Linear(factor).inverseFrequencies(headDim, theta, length);
            for (int i = (int) (rotaryShare * headDim / 2); i < frequencies.length; i++) {
                frequencies[i] = 0;
            }
            return frequencies;
        }
    }

    private static int stretched(int positions, double factor) {
        return (int) Math.min(Integer.MAX_VALUE, positions * factor);
    }

    /** {@code theta^(2 pair / headDim)} in float32. */
    private static float power(double theta, int pair, int headDim) {
        return (float) Math.pow((float) theta, 2f * pair / headDim);
    }
}
