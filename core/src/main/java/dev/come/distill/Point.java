package dev.come.distill;

/**
 * A point of a training curve.
 *
 * @param step steps that were taken
 * @param tokens tokens that were trained on, each time anew
 * @param learningRate of the last step
 * @param trainingLoss the mean over the tokens since the point before; NaN at the start
 * @param validation measured on text that is not trained on, with the weights as they would be stored
 */
public record Point(int step, long tokens, double learningRate, double trainingLoss, Measures validation) {}
