package dev.come.model;

/**
 * How far a model tells the tokens of a text apart.
 *
 * @param count tokens of the longest text that the model was made for, as far as the scaling of its rotary embedding reaches
 * @param learned whether each position has weights of its own, so that nothing can be computed beyond the last one
 */
public record Positions(int count, boolean learned) {
    /** Those that two models have both. */
    public Positions and(Positions other) {
        return new Positions(Math.min(count, other.count), learned || other.learned);
    }
}
