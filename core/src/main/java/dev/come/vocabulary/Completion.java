package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Adds the tokens to a tokenizer that only the settings beside it know. Ids are given as by the tokenizers library, which
 * everything in Python does it with: a token of the vocabulary keeps its id, every other gets the next one after all that are
 * known, whatever a file says. A file that says otherwise is therefore refused.
 */
final class Completion {
    private Completion() {
    }

    /**
     * All added tokens of a tokenizer.
     *
     * @param present those that it has
     * @param vocabulary is asked only if others are missing
     * @throws CheckpointException if one cannot have the id that a file gives it
     */
    static List<AddedToken> of(TokenizerSettings settings, List<AddedToken> present, Supplier<Vocabulary> vocabulary) {
        List<AddedToken> missing = settings.missing(present);
        if (missing.isEmpty()) {
            return present;
        }
        return added(settings, present, missing, vocabulary.get());
    }

    /** All added tokens of a tokenizer that has none yet. */
    static List<AddedToken> afresh(TokenizerSettings settings, List<AddedToken> tokens, Vocabulary vocabulary) {
        return added(settings, List.of(), tokens, vocabulary);
    }

    private static List<AddedToken> added(TokenizerSettings settings, List<AddedToken> present,
            List<AddedToken> missing, Vocabulary known) {
        Map<String, AddedToken> all = new LinkedHashMap<>();
        present.forEach(token -> all.put(token.content(), token));
        int next = next(present, known.size());
        for (AddedToken token : missing) {
            if (token.content().isEmpty()) {
                continue;
            }
            Limits.check(settings.file(), "the length of a token", token.content().length(), Limits.PIECE_CHARACTERS);
            AddedToken before = all.get(token.content());
            Optional<Integer> own = before != null
                    ? Optional.of(before.id())
                    : Optional.ofNullable(known.ids().get(token.content()));
            int id = own.isPresent() ? own.get() : next++;
            if (before == null && token.id() != AddedToken.NEXT && token.id() != id) {
                throw new CheckpointException(
                        "%s gives the token '%s' the id %s, but %s %s; take all files of the tokenizer from the same model"
                                .formatted(settings.file(), Shown.of(token.content()), token.id(),
                                        own.isPresent() ? "the vocabulary has it as" : "the next id that is free is",
                                        id));
            }
            all.put(token.content(), token.withId(id));
        }
        return new ArrayList<>(all.values());
    }

    /** The id that the library gives the next token. */
    static int next(List<AddedToken> tokens, int size) {
        return Math.max(tokens.stream().mapToInt(token -> token.id() + 1).max().orElse(0), size);
    }
}
