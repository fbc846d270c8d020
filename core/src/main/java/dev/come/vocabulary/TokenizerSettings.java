package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The settings of a tokenizer in a model folder, beside the vocabulary. Each of {@code tokenizer_config.json},
 * {@code special_tokens_map.json} and {@code added_tokens.json} may be absent. They are read as transformers does: the last
 * two only where the first has no list of added tokens, and then special_tokens_map.json counts more.
 */
final class TokenizerSettings {
    static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "sep_token",
            "pad_token", "cls_token", "mask_token");
    /** What keys with the text of a token end in, those of some models among them. */
    private static final String TOKEN = "_token";
    /** The list of further ones; the first that is not empty counts. */
    private static final List<String> FURTHER = List.of("extra_special_tokens", "additional_special_tokens");
    private static final String DECODER = "added_tokens_decoder";
    private static final Pattern ID = Pattern.compile("\\d{1,9}");

    private final ConfigTree config;
    private final ConfigTree map;
    private final ConfigTree added;
    private final boolean listed;

    TokenizerSettings(Path folder) {
        config = read(folder.resolve("tokenizer_config.json"));
        listed = config.has(DECODER);
        map = listed ? nothing(folder) : read(folder.resolve("special_tokens_map.json"));
        added = listed ? nothing(folder) : read(folder.resolve("added_tokens.json"));
    }

    /** Those of a tokenizer_config.json that lies in no folder. */
    TokenizerSettings(ConfigTree config) {
        this.config = config;
        listed = config.has(DECODER);
        map = nothing(config.file());
        added = nothing(config.file());
    }

    private static ConfigTree read(Path file) {
        return Files.exists(file) ? ConfigTree.read(file) : nothing(file);
    }

    private static ConfigTree nothing(Path file) {
        return ConfigTree.create(file, root -> {
        });
    }

    /** tokenizer_config.json. */
    ConfigTree config() {
        return config;
    }

    /** The class of transformers that the tokenizer was made for; which of its two implementations makes no difference. */
    Optional<String> tokenizerClass() {
        return config.optionalString("tokenizer_class").map(TokenizerSettings::withoutFast);
    }

    static String withoutFast(String name) {
        return name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name;
    }

    /** How a conversation becomes a text: in a file of its own, or in tokenizer_config.json. */
    Optional<String> chatTemplate() {
        if (config.isText("chat_template")) {
            return config.optionalString("chat_template");
        }
        Path file = config.file().resolveSibling("chat_template.jinja");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new String(Limits.read(file, Limits.CONFIG_BYTES), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s)".formatted(file, IoReason.of(e)), e);
        }
    }

    /** Whether any special token is named. */
    boolean namesTokens() {
        return SPECIAL.stream().anyMatch(key -> named(key).isPresent());
    }

    /** The file that names tokens or gives them ids. */
    Path file() {
        return listed || added.keys().isEmpty() ? config.file() : added.file();
    }

    /** The token under a key such as bos_token. */
    Optional<AddedToken> named(String key) {
        return (map.has(key) ? map : config).optionalToken(key).map(TokenizerSettings::withoutId);
    }

    /** The token under a key, or that of a class where nothing is said of it. */
    Optional<AddedToken> defaulted(String key, Map<String, String> defaults) {
        return map.mentions(key) || config.mentions(key)
                ? named(key)
                : Optional.ofNullable(defaults.get(key)).map(text -> AddedToken.special(AddedToken.NEXT, text));
    }

    private static AddedToken withoutId(ConfigTree token) {
        return AddedToken.read(AddedToken.NEXT, token, true);
    }

    /** All added tokens, and those that go around a text; {@code first}: whether its beginning does if nothing is said. */
    SurroundingTokens surrounding(List<AddedToken> all, boolean first) {
        return new SurroundingTokens(all, mark("add_bos_token", first, "bos_token", all),
                mark("add_eos_token", false, "eos_token", all));
    }

    private Optional<AddedToken> mark(String key, boolean fallback, String name, List<AddedToken> all) {
        return config.bool(key, fallback)
                ? named(name).flatMap(
                        token -> all.stream().filter(known -> known.content().equals(token.content())).findFirst())
                : Optional.empty();
    }

    /**
     * The tokens of a tokenizer that has none yet, in the order in which they are added to it.
     *
     * @param defaults the special tokens of its class
     * @param own those of the tokenizer.json, which count where tokenizer_config.json has no list
     */
    List<AddedToken> ofClass(Map<String, String> defaults, List<AddedToken> own) {
        List<AddedToken> special = new ArrayList<>();
        keys(special, defaults);
        Set<String> named = contents(special);
        further(special);
        Map<Integer, AddedToken> byId = new TreeMap<>();
        described(contents(special), List.of()).forEach(token -> byId.put(token.id(), token));
        if (!listed) {
            own.forEach(token -> byId.put(token.id(), token));
        }
        List<AddedToken> all = new ArrayList<>();
        byId.values().forEach(token -> all.add(named.contains(token.content()) ? token.asSpecial() : token));
        Set<String> known = contents(all);
        for (AddedToken token : special) {
            if (known.add(token.content())) {
                all.add(token.asSpecial());
            }
        }
        return all;
    }

    /** The same tokens, those that have names as if only their names were known. */
    List<AddedToken> asNamed(Map<String, String> defaults, List<AddedToken> tokens) {
        List<AddedToken> special = new ArrayList<>();
        keys(special, defaults);
        further(special);
        Set<String> named = contents(special);
        return tokens.stream().map(token -> named.contains(token.content())
                ? AddedToken.special(token.id(), token.content())
                : token).toList();
    }

    /**
     * The tokens that a tokenizer lacks or describes otherwise, in the order in which they are added to it.
     *
     * @param present those that it has
     */
    List<AddedToken> missing(List<AddedToken> present) {
        List<AddedToken> special = new ArrayList<>();
        keys(special, Map.of());
        Set<String> named = contents(special);
        further(special);
        Map<String, AddedToken> byContent = new HashMap<>();
        for (AddedToken token : present) {
            byContent.put(token.content(), token);
        }
        List<AddedToken> missing = new ArrayList<>();
        for (AddedToken token : described(contents(special), present)) {
            AddedToken own = byContent.get(token.content());
            if (own == null || !token.isLike(own)) {
                missing.add(named.contains(token.content()) ? token.asSpecial() : token);
            }
        }
        Set<String> known = new HashSet<>(byContent.keySet());
        known.addAll(contents(missing));
        for (AddedToken token : special) {
            if (!known.contains(token.content())) {
                missing.add(named.contains(token.content()) ? token.asSpecial() : token);
            }
        }
        return missing;
    }

    private static Set<String> contents(List<AddedToken> tokens) {
        Set<String> contents = new HashSet<>();
        for (AddedToken token : tokens) {
            contents.add(token.content());
        }
        return contents;
    }

    /** Adds the tokens under keys that all tokenizers may have, and under those of some models, such as image_token. */
    private void keys(List<AddedToken> tokens, Map<String, String> defaults) {
        Set<String> keys = new LinkedHashSet<>(SPECIAL);
        keys.addAll(config.keys());
        keys.addAll(map.keys());
        for (String key : keys) {
            if (SPECIAL.contains(key) || (key.endsWith(TOKEN) && (map.isText(key) || config.isText(key)))) {
                defaulted(key, defaults).ifPresent(tokens::add);
            }
        }
    }

    /** Adds those of the first list that is not empty. */
    private void further(List<AddedToken> tokens) {
        for (String key : FURTHER) {
            List<ConfigTree> list = list(map.has(key) ? map : config, key);
            if (!list.isEmpty()) {
                list.forEach(token -> tokens.add(withoutId(token)));
                return;
            }
        }
    }

    /** A list of tokens, or an object that gives each a name. */
    private static List<ConfigTree> list(ConfigTree file, String key) {
        return file.isObject(key)
                ? file.optionalObject(key).stream().flatMap(names -> names.keys().stream().map(names::optionalToken))
                        .flatMap(Optional::stream).toList()
                : file.tokens(key);
    }

    /**
     * The tokens that the settings give ids, the lowest first.
     *
     * @param special the names of those that are no text, where no list says so
     */
    private Collection<AddedToken> described(Set<String> special, List<AddedToken> present) {
        Map<Integer, AddedToken> tokens = new TreeMap<>();
        for (String content : added.keys()) {
            int id = added.integer(content);
            tokens.put(id,
                    special.contains(content) ? AddedToken.special(id, content) : AddedToken.normalized(id, content));
        }
        for (AddedToken token : present) {
            tokens.remove(token.id());
        }
        if (listed) {
            ConfigTree list = config.optionalObject(DECODER).orElseThrow();
            for (String key : list.keys()) {
                if (ID.matcher(key).matches()) {
                    int id = Integer.parseInt(key);
                    list.optionalToken(key).ifPresent(token -> tokens.put(id, AddedToken.read(id, token, false)));
                }
            }
        }
        return tokens.values();
    }
}
