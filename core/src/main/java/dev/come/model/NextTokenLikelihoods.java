package dev.come.model;

/**
 * How likely a model holds given tokens to come next.
 *
 * @param logLikelihoods for each token the natural logarithm of its probability
 * @param greedy for each token whether no other is likelier
 */
@SuppressWarnings("ArrayRecordComponent") // one number for each token asked for; never compared
public record NextTokenLikelihoods(double[] logLikelihoods, boolean[] greedy) {}
