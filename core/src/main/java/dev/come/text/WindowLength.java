package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.model.Positions;
import java.util.OptionalInt;

/**
 * How many tokens a model sees at once: the length of windows that running text is cut into, and of a row at most.
 *
 * @param asked the tokens that were asked for ({@code --seqlen}); absent: {@value #USUAL}, or the model's positions if they
 *        are fewer
 * @param beyondPositions whether more are allowed than the model has positions ({@code --beyond-positions})
 */
public record WindowLength(OptionalInt asked, boolean beyondPositions) {
    /** The authors' length, used where nothing is asked for and the model does not have fewer positions. */
    public static final int USUAL = 2048;

    /** Nothing is asked for. */
    public static final WindowLength DEFAULT = new WindowLength(OptionalInt.empty(), false);

    /** Nothing predicts the first token of a window, so a window of one has no token that could be scored. */
    public static final int LEAST = 2;

    /**
     * What a length becomes for a model.
     *
     * @param tokens in a window, or in a row at most
     * @param passed the model's positions if they are fewer; absent otherwise
     */
    public record Settled(int tokens, OptionalInt passed) {
        /** The length with its unit, and a mark where it goes beyond the model's positions. */
        String inWords() {
            return tokens + " tokens"
                    + (passed.isPresent() ? " (beyond the model's " + passed.getAsInt() + " positions)" : "");
        }
    }

    /** @throws UsageException if no token of such a window could be scored, or nothing goes beyond the positions */
    public WindowLength {
        if (asked.isPresent() && asked.getAsInt() < LEAST) {
            throw new UsageException("--seqlen is " + asked.getAsInt() + ", but must be at least " + LEAST
                    + ": nothing predicts the first token of a window, so a shorter one has no token to score");
        }
        if (beyondPositions && asked.isEmpty()) {
            throw new UsageException("--beyond-positions lets --seqlen be greater than the model's positions, but"
                    + " --seqlen is missing; give it too, or leave --beyond-positions out");
        }
    }

    /** So many tokens, and not more than the model has positions. */
    public static WindowLength of(int tokens) {
        return new WindowLength(OptionalInt.of(tokens), false);
    }

    /**
     * The length for a model.
     *
     * @throws UsageException if more is asked for than the model has positions and that is not allowed, or cannot be computed
     * @throws InvalidInputException if the model has too few positions for any token to be scored
     */
    public Settled within(Positions positions) {
        if (positions.count() < LEAST) {
            throw new InvalidInputException("The model has positions for " + positions.count()
                    + " token only, and so predicts none; check max_position_embeddings in its config.json");
        }
        int tokens = asked.orElse(Math.min(USUAL, positions.count()));
        if (tokens <= positions.count()) {
            return new Settled(tokens, OptionalInt.empty());
        }
        if (positions.learned() || !beyondPositions) {
            throw new UsageException("--seqlen is " + tokens + ", but the model has positions for " + positions.count()
                    + " tokens only; lower it or leave it out"
                    + (positions.learned() ? "" : ", or add --beyond-positions to see what it does beyond them"));
        }
        return new Settled(tokens, OptionalInt.of(positions.count()));
    }
}
