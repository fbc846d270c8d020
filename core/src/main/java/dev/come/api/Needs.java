package dev.come.api;

import java.time.Duration;

/**
 * What a run would do and need.
 *
 * @param healingTokens tokens that the model would be healed on
 * @param trainingTokens tokens of all steps of training
 * @param steps steps of training
 * @param memoryBytes resident memory at the peak, roughly
 * @param savedBytes bytes of the model that would be written
 * @param temporaryBytes bytes that would lie beside it meanwhile, at the most
 * @param least time on an idle machine, at the least
 * @param most the same at the most
 */
public record Needs(long healingTokens, long trainingTokens, int steps, long memoryBytes, long savedBytes,
        long temporaryBytes, Duration least, Duration most) {}
