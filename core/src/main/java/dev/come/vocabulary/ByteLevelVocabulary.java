package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ObjectNode;

/**
 * A vocabulary of GPT-2's kind: words are put together from bytes, pair by pair in the order of the merges. Each byte is
 * spelt as a printable character, a blank for example as U+0120.
 *
 * @param file what messages call it
 * @param ids id by token
 * @param merges what is put together, the most important first: two tokens with a blank between them
 * @param composed whether a text is brought to the composed form (NFC) first
 * @param blankInFront whether a text that does not begin with a blank is given one
 */
public record ByteLevelVocabulary(Path file, Map<String, Integer> ids, List<String> merges, PreTokenizer preTokenizer,
        boolean composed, boolean blankInFront) {
    /**
     * Checks the merges.
     *
     * @throws CheckpointException when a merge is not of two tokens whose joint text is a token
     */
    public ByteLevelVocabulary {
        ids = Collections.unmodifiableMap(new LinkedHashMap<>(ids));
        merges = List.copyOf(merges);
        Merges.check(file, ids, merges);
    }

    /** The text of the tokenizer.json that means the same. */
    public String tokenizerJson(SurroundingTokens specials) {
        return TokenizerJson.of(specials, root -> {
            if (composed) {
                root.putObject("normalizer").put("type", "NFC");
            }
            preTokenizer.write(root, blankInFront);
            root.putObject("decoder").put("type", "ByteLevel").put("add_prefix_space", true).put("trim_offsets", true)
                    .put("use_regex", true);
            ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").putNull("unk_token")
                    .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", false)
                    .put("byte_fallback", false).put("ignore_merges", preTokenizer.wholeWords());
            Merges.write(model, ids, merges);
        });
    }
}
