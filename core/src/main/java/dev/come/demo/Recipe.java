package dev.come.demo;

import dev.come.model.Family;
import dev.come.model.ModelConfig;
import dev.come.model.RopeScaling;
import dev.come.model.RotaryEmbedding;

/**
 * What is trained, and how long.
 *
 * @param config the sizes of the model; its sequences have {@code maxPositions} tokens
 * @param sequences sequences in a batch, an even number
 * @param steps batches that are trained on
 */
record Recipe(ModelConfig config, int sequences, int steps) {
    /** How the embedded model was made. */
    static final Recipe EMBEDDED = new Recipe(llama(10, 128, 256), 8, 1500);

    private static final double PEAK_LEARNING_RATE = 3e-3;
    private static final double LEAST_LEARNING_RATE = 1e-4;

    /** A model with 8 query heads and 4 key-value heads. */
    static ModelConfig llama(int layers, int hiddenSize, int intermediateSize) {
        int heads = 8;
        int headDim = hiddenSize / heads;
        return new ModelConfig(Family.LLAMA, StoryTokenizer.vocabularySize(), hiddenSize, intermediateSize, layers,
                heads,
                heads / 2, headDim, 128, 1e-5, "silu", false, false, true,
                new RotaryEmbedding(headDim, 10_000, new RopeScaling.None()));
    }

    /** The learning rate of a step: it rises during the first twentieth, and then falls along half a cosine. */
    double learningRate(int step) {
        int rise = Math.max(1, steps / 20);
        if (step < rise) {
            return PEAK_LEARNING_RATE * (step + 1) / rise;
        }
        double done = (step - rise) / (double) (steps - rise);
        return LEAST_LEARNING_RATE
                + (PEAK_LEARNING_RATE - LEAST_LEARNING_RATE) * (1 + StrictMath.cos(Math.PI * done)) / 2;
    }
}
