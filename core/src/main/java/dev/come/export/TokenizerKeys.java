package dev.come.export;

import dev.come.gguf.GgufOutput;
import dev.come.vocabulary.Piece;
import dev.come.vocabulary.PreTokenizer;
import dev.come.vocabulary.TokenLists;
import java.util.List;
import java.util.Map;

/** A tokenizer as keys of a GGUF file. */
final class TokenizerKeys {
    private static final String PREFIX = "tokenizer.ggml.";
    /** What GGUF files call the roles of tokens, where it is not the name without its ending. */
    private static final Map<String, String> ROLES = Map.of("unk_token", "unknown", "sep_token", "seperator",
            "pad_token",
            "padding");

    private TokenizerKeys() {
    }

    /** Adds the keys; {@code begins} and {@code ends}: whether the tokenizer puts a token in front of a text and behind it. */
    static void add(GgufOutput output, TokenLists lists, boolean begins, boolean ends) {
        if (lists.isOfPieces()) {
            output.text(PREFIX + "model", "llama").text(PREFIX + "pre", "default");
        } else {
            PreTokenizer words = lists.preTokenizer().orElseThrow();
            output.text(PREFIX + "model", "gpt2").text(PREFIX + "pre", words.id());
        }
        output.texts(PREFIX + "tokens", lists.tokens());
        if (lists.isOfPieces()) {
            float[] scores = new float[lists.scores().size()];
            for (int i = 0; i < scores.length; i++) {
                scores[i] = lists.scores().get(i);
            }
            output.numbers(PREFIX + "scores", scores);
        }
        output.integers(PREFIX + "token_type", lists.kinds().stream().mapToInt(Piece.Kind::number).toArray());
        if (!lists.isOfPieces()) {
            output.texts(PREFIX + "merges", lists.merges());
        }
        for (String role : List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token",
                "mask_token")) {
            Integer id = lists.named().get(role);
            if (id != null) {
                output.count(PREFIX + ROLES.getOrDefault(role, role.replaceFirst("_token$", "")) + "_token_id", id);
            }
        }
        output.truth(PREFIX + "add_bos_token", begins).truth(PREFIX + "add_eos_token", ends);
        if (lists.isOfPieces()) {
            output.truth(PREFIX + "add_space_prefix", lists.blankInFront());
        }
        lists.chatTemplate().ifPresent(template -> output.text("tokenizer.chat_template", template));
    }
}
