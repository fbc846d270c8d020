package dev.come.vocabulary;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What the files of a tokenizer say of conversations.
 *
 * @param file where the template stands
 * @param template how messages become a text, in Jinja
 * @param tokens the texts of special tokens by the names that templates know them by, such as {@code bos_token}
 */
public record ChatFormat(Path file, String template, Map<String, String> tokens) {
    public ChatFormat {
        tokens = Map.copyOf(tokens);
    }

    /** That of a model folder, if it has one. */
    public static Optional<ChatFormat> of(Path folder) {
        TokenizerSettings settings = new TokenizerSettings(folder);
        return settings.chatTemplate().map(template -> {
            Map<String, String> tokens = new TreeMap<>();
            for (String name : TokenizerSettings.SPECIAL) {
                settings.named(name).ifPresent(token -> tokens.put(name, token.content()));
            }
            Path own = folder.resolve("chat_template.jinja");
            return new ChatFormat(Files.exists(own) ? own : folder.resolve("tokenizer_config.json"), template, tokens);
        });
    }
}
