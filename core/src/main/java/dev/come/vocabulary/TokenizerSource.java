package dev.come.vocabulary;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.zip.Adler32;
import java.util.zip.CRC32;

/**
 * What a tokenizer is made of.
 *
 * @param file the file that it was read or made from
 * @param json the text of a tokenizer.json
 * @param hash tells the text from others
 * @param text how a text is made ready for it, where it cannot do so itself
 * @param added the tokens that are recognised where a text spells them out
 * @param ends of these, what begins and what ends a text for the model
 * @param further how many of them only the files beside the vocabulary know
 */
public record TokenizerSource(Path file, String json, String hash, Optional<SentencePieceText> text,
        List<AddedToken> added,
        List<AddedToken> ends, int further) {
    public TokenizerSource {
        added = List.copyOf(added);
        ends = List.copyOf(ends);
    }

    /** One that was made here. */
    public TokenizerSource(Path file, String json) {
        this(file, json, hash(json.getBytes(StandardCharsets.UTF_8), ""), Optional.empty(), List.of(), List.of(), 0);
    }

    /**
     * The hash of a text that was read, and of what was put into it. A digest such as SHA-256 runs slowly until Java has
     * translated it, and would take a twentieth of a second in every run. Two files that share these sums by chance would
     * only share a trial.
     */
    static String hash(byte[] text, String more) {
        CRC32 one = new CRC32();
        Adler32 other = new Adler32();
        for (byte[] part : List.of(text, more.getBytes(StandardCharsets.UTF_8))) {
            one.update(part);
            other.update(part);
        }
        return Integer.toHexString(text.length) + "-" + Long.toHexString(one.getValue()) + "-"
                + Long.toHexString(other.getValue());
    }
}
