package dev.come.vocabulary;

import dev.come.checkpoint.ConfigTree;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The settings of a tokenizer in a model folder, beside the vocabulary. Each of {@code tokenizer_config.json},
 * {@code special_tokens_map.json} and {@code added_tokens.json} may be absent. They are read as transformers does: the last
 * two only where the first has no list of added tokens, and then special_tokens_map.json counts more.
 */
final class TokenizerSettings {
    private static final List<String> SPECIAL = List.of("bos_token", "eos_token", "unk_token", "sep_token",
            "pad_token", "cls_token", "mask_token");
    /** What keys with the text of a token end in, those of some models among them. */
    private static final String TOKEN = "_token";
    /** The list of further ones; the first that is not empty counts. */
    private static final List<String> FURTHER = List.of("extra_special_tokens", "additional_special_tokens");
    private static final String DECODER = "added_tokens_decoder";

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
        return config.optionalString("tokenizer_class")
                .map(name -> name.endsWith("Fast") ? name.substring(0, name.length() - "Fast".length()) : name);
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

    private static AddedToken withoutId(ConfigTree token) {
        return AddedToken.read(AddedToken.NEXT, token, true);
    }

    /**
     * The tokens that a tokenizer lacks or describes otherwise, in the order in which they are added to it.
     *
     * @param present those that it has
     */
    List<AddedToken> missing(List<AddedToken> present) {
        List<AddedToken> named = Stream.concat(SPECIAL.stream(), ownKeys()).map(this::named).flatMap(Optional::stream)
                .toList();
        List<AddedToken> further = further();
        Set<String> names = contents(named);
        Set<AddedToken> alike = present.stream().map(token -> token.withId(AddedToken.NEXT)).collect(Collectors.toSet());
        List<AddedToken> missing = new ArrayList<>(described(Stream.concat(named.stream(), further.stream()), present)
                .filter(token -> !alike.contains(token.withId(AddedToken.NEXT))).toList());
        Set<String> known = contents(present);
        known.addAll(contents(missing));
        Stream.concat(named.stream(), further.stream()).filter(token -> !known.contains(token.content()))
                .forEach(missing::add);
        return missing.stream().map(token -> names.contains(token.content()) ? token.asSpecial() : token).toList();
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

    private static Set<String> contents(List<AddedToken> tokens) {
        return tokens.stream().map(AddedToken::content).collect(Collectors.toCollection(HashSet::new));
    }

    /** The tokens that the settings give ids, the lowest first. */
    private Stream<AddedToken> described(Stream<AddedToken> special, List<AddedToken> present) {
        Map<Integer, AddedToken> tokens = new TreeMap<>();
        if (listed) {
            ConfigTree list = config.optionalObject(DECODER).orElseThrow();
            list.keys().stream().filter(key -> key.matches("\\d{1,9}")).forEach(
                    key -> list.optionalToken(key).map(token -> AddedToken.read(Integer.parseInt(key), token, false))
                            .ifPresent(token -> tokens.put(token.id(), token)));
        } else {
            Set<String> names = contents(special.toList());
            added.keys().forEach(content -> tokens.put(added.integer(content),
                    names.contains(content)
                            ? AddedToken.special(added.integer(content), content)
                            : AddedToken.normalized(added.integer(content), content)));
            present.forEach(token -> tokens.remove(token.id()));
        }
        return tokens.values().stream();
    }

    /** Keys that only some models have, such as image_token. */
    private Stream<String> ownKeys() {
        return Stream.concat(config.keys().stream(), map.keys().stream()).distinct()
                .filter(key -> key.endsWith(TOKEN) && !SPECIAL.contains(key))
                .filter(key -> map.isText(key) || config.isText(key));
    }

    private List<AddedToken> further() {
        return FURTHER.stream().flatMap(key -> Stream.of(map, config).map(file -> further(file, key)))
                .filter(list -> !list.isEmpty()).findFirst().orElse(List.of());
    }

    /** A list of tokens, or an object that gives each a name. */
    private static List<AddedToken> further(ConfigTree file, String key) {
        Stream<ConfigTree> tokens = file.isObject(key)
                ? file.optionalObject(key).stream().flatMap(
                        names -> names.keys().stream().map(names::optionalToken).flatMap(Optional::stream))
                : file.tokens(key).stream();
        return tokens.map(TokenizerSettings::withoutId).toList();
    }
}
