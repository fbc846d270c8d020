package dev.come.calibration;

import dev.come.run.TokenChunks;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;

/**
 * Which tokens layers are refitted on, and by whom. Every fifth sequence is for losses alone; of the others every fifth takes no
 * part in the fits, but decides about their penalties. Everything else is measured on all.
 *
 * @param fitted of the chunks so many are seen by fits; they come first
 * @param checked as many after them decide about penalties
 * @param chunks all chunks; those that are left are for losses
 */
public record RefittedLayers(Refitting refitting, int fitted, int checked, TokenChunks chunks) {
    /**
     * Divides tokens.
     *
     * @param tokens at least three sequences
     */
    public static RefittedLayers of(Refitting refitting, Sequences tokens) {
        HeldOut forLosses = HeldOut.of(tokens);
        HeldOut forPenalties = HeldOut.of(forLosses.fitted());
        TokenChunks seen = TokenChunks.of(forPenalties.fitted());
        TokenChunks checking = TokenChunks.of(forPenalties.heldOut());
        return new RefittedLayers(refitting, seen.size(), checking.size(),
                seen.followedBy(checking).followedBy(TokenChunks.of(forLosses.heldOut())));
    }

    /** How many chunks fits have to do with. */
    int forFits() {
        return fitted + checked;
    }

    /** Those chunks. */
    TokenChunks chunksForFits() {
        return chunks.some(0, forFits());
    }

    /** What layers are fitted to on these tokens. */
    Side side(Side.Target target) {
        return new Side(target, fitted, forFits());
    }
}
