package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.ConfigTree;
import dev.come.vocabulary.AddedToken;
import dev.come.vocabulary.TokenizerCompat;
import dev.come.vocabulary.TokenizerFiles;
import dev.come.vocabulary.TokenizerSource;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A text that AutoTokenizer of transformers 5 gives other ids than the tokenizer.json says.
 *
 * @param text the text, a short one
 * @param file its ids by the file
 * @param transformers5 its ids by transformers 5
 */
public record TokenizerDifference(String text, List<Integer> file, List<Integer> transformers5) {
    /** Blanks, digits, what follows an apostrophe, marks after letters, line ends: what the steps of tokenizers are about. */
    private static final List<String> TEXTS = List.of(" = Robert", "Hello  world", "In 1234 we", "don't DON'T",
            "we\n\n  go\r\n",
            "cafe\u0301 caf\u00e9", "\u65e5\u672c \u0421\u043b\u043e\u0432\u043e", "\ud83d\ude00 x_y(z);",
            "\u0915\u094d\u0937");

    public TokenizerDifference {
        file = List.copyOf(file);
        transformers5 = List.copyOf(transformers5);
    }

    /**
     * Looks for one.
     *
     * @return nothing if both are the same, or none of some texts shows a difference
     * @throws InvalidInputException if it is not known what transformers 5 makes of the tokenizer
     */
    public static Optional<TokenizerDifference> of(Path modelFolder) {
        Optional<TokenizerSource> own = TokenizerFiles.read(modelFolder);
        Optional<TokenizerSource> other = TokenizerFiles.read(modelFolder, TokenizerCompat.TRANSFORMERS5);
        if (own.isEmpty() || own.map(TokenizerSource::hash).equals(other.map(TokenizerSource::hash))) {
            return Optional.empty();
        }
        try (Tokenizer file = Tokenizer.open(modelFolder);
                Tokenizer transformers5 = Tokenizer.open(modelFolder, TokenizerCompat.TRANSFORMERS5)) {
            return between(file, transformers5, own.get().added());
        }
    }

    /**
     * Looks for one of a tokenizer that lies in no folder; parameters as in {@link TokenizerFiles#rebuilt}.
     */
    public static Optional<TokenizerDifference> of(Path file, String json, ConfigTree settings, ConfigTree model) {
        return TokenizerFiles.rebuilt(file, json, settings, model).flatMap(rebuilt -> {
            try (Tokenizer own = Tokenizer.of(file, json); Tokenizer other = Tokenizer.of(file, rebuilt)) {
                return between(own, other, TokenizerFiles.added(file, json));
            }
        });
    }

    private static Optional<TokenizerDifference> between(Tokenizer file, Tokenizer transformers5,
            List<AddedToken> added) {
        List<String> texts = new ArrayList<>(TEXTS);
        added.stream().map(AddedToken::content).limit(100).forEach(token -> texts.add(token + " He" + token));
        for (String text : texts) {
            int[] first = file.encode(text);
            int[] second = transformers5.encode(text);
            if (!Arrays.equals(first, second)) {
                return Optional.of(new TokenizerDifference(text, Arrays.stream(first).boxed().toList(),
                        Arrays.stream(second).boxed().toList()));
            }
        }
        return Optional.empty();
    }
}
