package dev.come.vocabulary;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What a tokenizer is made of.
 *
 * @param file the file that it was read or made from
 * @param json the text of a tokenizer.json
 * @param text how a text is made ready for it, where it cannot do so itself
 * @param added the tokens that are recognised where a text spells them out
 * @param ends of these, what begins and what ends a text for the model
 * @param further how many of them only the files beside the vocabulary know
 */
public record TokenizerSource(Path file, String json, Optional<SentencePieceText> text, List<AddedToken> added,
        List<AddedToken> ends, int further) {
    public TokenizerSource {
        added = List.copyOf(added);
        ends = List.copyOf(ends);
    }
}
