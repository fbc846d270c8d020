package dev.come.vocabulary;

import dev.come.checkpoint.ConfigTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/**
 * The settings of a tokenizer in a model folder, beside the vocabulary. Each of {@code tokenizer_config.json},
 * {@code special_tokens_map.json} and {@code added_tokens.json} may be absent.
 */
final class TokenizerSettings {
    private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "pad_token",
            "sep_token", "cls_token", "mask_token");
    private static final String FURTHER = "additional_special_tokens";

    private final ConfigTree config;
    private final ConfigTree map;
    private final ConfigTree added;

    TokenizerSettings(Path folder) {
        config = read(folder.resolve("tokenizer_config.json"));
        map = read(folder.resolve("special_tokens_map.json"));
        added = read(folder.resolve("added_tokens.json"));
    }

    private static ConfigTree read(Path file) {
        return Files.exists(file) ? ConfigTree.read(file) : ConfigTree.create(file, root -> {
        });
    }

    /** tokenizer_config.json. */
    ConfigTree config() {
        return config;
    }

    /** The class of transformers that the tokenizer was made for; which of its two implementations makes no difference. */
    Optional<String> tokenizerClass() {
        return config.optionalString("tokenizer_class")
                .map(name -> name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name);
    }

    /** Whether any special token is named. */
    boolean namesTokens() {
        return SPECIAL.stream().anyMatch(key -> token(key).isPresent());
    }

    /**
     * The special tokens.
     *
     * @param vocabulary what the vocabulary itself says of them
     * @param idOf the id of a token in the vocabulary
     * @param first whether the beginning of a text goes in front if nothing is said
     */
    SurroundingTokens specials(List<AddedToken> vocabulary, Function<String, Optional<Integer>> idOf, boolean first) {
        Map<Integer, AddedToken> tokens = new TreeMap<>();
        vocabulary.forEach(token -> tokens.put(token.id(), token));
        for (String token : added.keys()) {
            tokens.put(added.integer(token), AddedToken.text(added.integer(token), token));
        }
        List<String> special = new ArrayList<>(SPECIAL.stream().flatMap(key -> token(key).stream()).toList());
        special.addAll(config.optionalContents(FURTHER).or(() -> map.optionalContents(FURTHER)).orElse(List.of()));
        for (String content : special) {
            id(content, idOf).ifPresent(id -> tokens.put(id, AddedToken.special(id, content)));
        }
        config.optionalObject("added_tokens_decoder").ifPresent(decoder -> {
            for (String key : decoder.keys()) {
                described(key, decoder).ifPresent(token -> tokens.put(token.id(), token));
            }
        });
        return new SurroundingTokens(List.copyOf(tokens.values()), mark("add_bos_token", first, "bos_token", idOf),
                mark("add_eos_token", false, "eos_token", idOf));
    }

    private Optional<AddedToken> mark(String key, boolean fallback, String name,
            Function<String, Optional<Integer>> idOf) {
        return config.bool(key, fallback)
                ? token(name).flatMap(content -> id(content, idOf).map(id -> AddedToken.special(id, content)))
                : Optional.empty();
    }

    private Optional<Integer> id(String content, Function<String, Optional<Integer>> idOf) {
        return added.optionalInteger(content).or(() -> idOf.apply(content));
    }

    private Optional<String> token(String key) {
        return config.optionalContent(key).or(() -> map.optionalContent(key));
    }

    private static Optional<AddedToken> described(String key, ConfigTree decoder) {
        return key.matches("\\d{1,9}")
                ? decoder.optionalObject(key)
                        .map(token -> new AddedToken(Integer.parseInt(key), token.string("content"),
                                token.bool("special", false), token.bool("normalized", false),
                                token.bool("single_word", false), token.bool("lstrip", false),
                                token.bool("rstrip", false)))
                : Optional.empty();
    }
}
