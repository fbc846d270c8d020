package dev.come.model;

/**
 * Queries that grow with their position, so that attention stays sharp in long texts:
 * {@code 1 + beta log(1 + floor(position / length))} (Llama 4, Ministral 3).
 *
 * @param beta how much
 * @param length tokens within which nothing grows; the length in training
 */
record QueryGrowth(double beta, int length) {
    /** What rotary settings call beta. */
    static final String KEY = "llama_4_scaling_beta";

    /** The factor of the queries of a position. */
    float factor(int position) {
        return (float) (1 + beta * Math.log1p(Math.floor((double) position / length)));
    }
}
