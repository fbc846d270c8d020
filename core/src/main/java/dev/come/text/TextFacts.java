package dev.come.text;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.come.text.WindowLength.Settled;
import java.util.List;
import java.util.Locale;
import java.util.OptionalInt;

/**
 * Where tokens come from: what is printed, and kept in the record of a run.
 *
 * @param dataset the name of the corpus, or the path as it was given
 * @param split train, validation or test; "all" where the files do not say
 * @param sources the files, relative to the data directory or to the folder of the path
 * @param rowsAvailable rows in these files
 * @param rowsTaken rows whose text was encoded
 * @param assembly how rows became sequences, in words
 * @param characters Unicode characters in the text that was encoded
 * @param tokens tokens in that text, before anything was cut off
 * @param tokensUsed tokens in the sequences
 * @param sequences the number of sequences
 * @param sequenceLength tokens in a window, or at most in a row ({@code --seqlen})
 * @param passedPositions the positions that the model has, where sequences may have more tokens ({@code --beyond-positions});
 *     absent, and not in the record, where they have not
 * @param specialTokenInFront whether the tokenizer puts one, such as BOS, in front of each text that it encodes: once in a
 *     joined text, however many windows it gives
 * @param fingerprint {@link Sequences#fingerprint()}
 * @param notes what the user should know, a sentence each
 */
public record TextFacts(String dataset, String split, List<String> sources, int rowsAvailable, int rowsTaken,
        String assembly, long characters, int tokens, int tokensUsed, int sequences, int sequenceLength,
        @JsonInclude(JsonInclude.Include.NON_ABSENT) OptionalInt passedPositions, boolean specialTokenInFront,
        String fingerprint, List<String> notes) {
    /** The same of some of the sequences. */
    TextFacts with(Sequences used) {
        return new TextFacts(dataset, split, sources, rowsAvailable, rowsTaken, assembly, characters, tokens,
                used.tokenCount(), used.count(), sequenceLength, passedPositions, specialTokenInFront,
                used.fingerprint(), notes);
    }

    /** The same of shorter pieces of some of the sequences. */
    TextFacts searched(Sequences used, String how, OptionalInt length) {
        return new TextFacts(dataset, split, sources, rowsAvailable, rowsTaken, how, characters, tokens,
                used.tokenCount(), used.count(), length.orElse(sequenceLength),
                length.isPresent() ? OptionalInt.empty() : passedPositions, specialTokenInFront, used.fingerprint(),
                notes);
    }

    /** The length of a window, or of a row at most. */
    Settled length() {
        return new Settled(sequenceLength, passedPositions);
    }

    /** One line with the numbers that a user checks. */
    public String summary() {
        return String.format(Locale.ROOT,
                "%s (%s): %,d of %,d rows, %,d characters, %,d tokens; %s: %,d sequences, %,d tokens", dataset, split,
                rowsTaken, rowsAvailable, characters, tokens, assembly, sequences, tokensUsed);
    }
}
