package dev.come.vocabulary;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A vocabulary of Gemma 4's kind: pieces as SentencePiece has them, blanks included, put together from characters pair by pair in
 * the order of the merges. Line ends and what lies between them are words by themselves. What no piece covers is bytes.
 *
 * @param file what messages call it
 * @param ids id by piece, bytes as {@code <0x0A>}
 * @param merges what is put together, the most important first: two pieces with a blank between them
 * @param unknown the piece that stands for what no piece covers
 */
public record CharacterPairs(Path file, Map<String, Integer> ids, List<String> merges, String unknown) {
    private static final String BLANK = "\u2581";

    /** Checks the merges. */
    public CharacterPairs {
        ids = new LinkedHashMap<>(ids);
        merges = List.copyOf(merges);
        Merges.check(file, ids, merges);
    }

    /** The text of the tokenizer.json that means the same. */
    public String tokenizerJson(SurroundingTokens specials) {
        return TokenizerJson.of(specials, root -> {
            TokenizerJson.replace(root.putObject("normalizer"), " ", BLANK);
            ObjectNode words = root.putObject("pre_tokenizer").put("type", "Split");
            words.putObject("pattern").put("Regex", "\\n+");
            words.put("behavior", "Isolated").put("invert", false);
            ArrayNode steps = TokenizerJson.steps(root, "decoder", "decoders");
            TokenizerJson.replace(steps.addObject(), BLANK, " ");
            steps.addObject().put("type", "ByteFallback");
            steps.addObject().put("type", "Fuse");
            ObjectNode model = root.putObject("model").put("type", "BPE").putNull("dropout").put("unk_token", unknown)
                    .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", true)
                    .put("byte_fallback", true).put("ignore_merges", false);
            Merges.write(model, ids, merges);
        });
    }
}
