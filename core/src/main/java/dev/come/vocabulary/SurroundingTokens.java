package dev.come.vocabulary;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * The tokens beside those that a text is cut into.
 *
 * @param added tokens that are recognised in a text where they are spelt out
 * @param inFront what is put before every text
 * @param behind what is put after every text
 */
public record SurroundingTokens(List<AddedToken> added, Optional<AddedToken> inFront, Optional<AddedToken> behind) {
    public SurroundingTokens {
        added = added.stream().sorted(Comparator.comparingInt(AddedToken::id)).toList();
    }
}
