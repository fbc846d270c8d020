package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import dev.come.vocabulary.AddedToken;
import dev.come.vocabulary.ByteLevelVocabulary;
import dev.come.vocabulary.CharacterPairs;
import dev.come.vocabulary.Piece;
import dev.come.vocabulary.PreTokenizer;
import dev.come.vocabulary.SentencePieces;
import dev.come.vocabulary.SurroundingTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer in the metadata of a GGUF file (the keys {@code tokenizer.*}), as the files that Hugging Face's libraries
 * read. It is the tokenizer that llama.cpp uses for the file.
 *
 * @param tokens all tokens; a token's place is its id
 * @param kinds what they are for
 */
record GgufTokenizer(GgufMetadata metadata, List<String> tokens, List<Piece.Kind> kinds) {
    private static final String PREFIX = "tokenizer.ggml.";
    private static final String TOKENS = PREFIX + "tokens";
    private static final String PRE = PREFIX + "pre";
    private static final String CHAT_TEMPLATE = "tokenizer.chat_template";
    /** The name that converters give to the tokenizer of Qwen 2 itself; others that cut words alike compose nothing. */
    private static final String QWEN = "qwen2";

    /**
     * Reads the tokens.
     *
     * @throws CheckpointException if there are none, or the lists about them contradict each other
     */
    static GgufTokenizer of(GgufMetadata metadata) {
        List<String> tokens = metadata.texts(TOKENS, Limits.VOCABULARY).orElse(List.of());
        if (tokens.isEmpty()) {
            throw new CheckpointException(
                    "%s: the key '%s' is missing or empty, so the file has no tokenizer; get a complete one"
                            .formatted(metadata.file(), TOKENS));
        }
        List<Piece.Kind> kinds = new ArrayList<>();
        Optional<int[]> numbers = metadata.counts(PREFIX + "token_type");
        numbers.ifPresent(list -> requireSize(metadata, PREFIX + "token_type", list.length, tokens.size()));
        for (int id = 0; id < tokens.size(); id++) {
            int number = numbers.isEmpty() ? 1 : numbers.get()[id];
            kinds.add(Piece.Kind.numbered(number).orElseThrow(() -> new CheckpointException(
                    "%s: the key '%s' has the number %s, where 1 to 6 are expected; the file is damaged, fetch it again"
                            .formatted(metadata.file(), PREFIX + "token_type", number))));
        }
        return new GgufTokenizer(metadata, tokens, kinds);
    }

    /** The text of tokenizer.json. */
    String tokenizerJson() {
        String model = metadata.requiredText(PREFIX + "model");
        return switch (model) {
            case "llama" -> sentencePiece();
            case "gpt2" -> byteLevel();
            case "gemma4" -> characterPairs();
            default -> throw new CheckpointException(
                    "%s: the tokenizer is of kind '%s', and only 'llama', 'gpt2' and 'gemma4' are read; use the model's own folder"
                            .formatted(metadata.file(), Shown.of(model)));
        };
    }

    /** The text of tokenizer_config.json. */
    String tokenizerConfig(int maxPositions) {
        return ConfigTree.create(Path.of("tokenizer_config.json"), root -> {
            root.put("tokenizer_class", "PreTrainedTokenizerFast");
            name(root, "bos_token", "bos");
            name(root, "eos_token", "eos");
            name(root, "unk_token", "unknown");
            name(root, "pad_token", "padding");
            root.put("clean_up_tokenization_spaces", false).put("model_max_length", maxPositions);
            metadata.text(CHAT_TEMPLATE).ifPresent(template -> root.put("chat_template", template));
        }).toJson();
    }

    /** The text of generation_config.json. */
    String generationConfig() {
        return ConfigTree.create(Path.of("generation_config.json"), root -> {
            id("bos").ifPresent(id -> root.put("bos_token_id", id));
            // A chat ends its turns with a token of its own, which ends a text as well.
            Set<Integer> ends = new LinkedHashSet<>();
            Stream.of("eos", "eot", "eom").forEach(name -> id(name).ifPresent(ends::add));
            if (ends.size() == 1) {
                root.put("eos_token_id", ends.iterator().next());
            } else if (!ends.isEmpty()) {
                ArrayNode list = root.putArray("eos_token_id");
                ends.forEach(list::add);
            }
            id("padding").ifPresent(id -> root.put("pad_token_id", id));
        }).toJson();
    }

    /** The id of a token with a role: bos, eos, eot, eom, unknown or padding. */
    Optional<Integer> id(String role) {
        String key = PREFIX + role + "_token_id";
        // llama.cpp takes -1 for none, which an unsigned 32-bit number shows as its largest value.
        if (metadata.values().get(key) instanceof GgufValue.Whole(long id) && (id == -1 || id == 0xffff_ffffL)) {
            return Optional.empty();
        }
        Optional<Integer> id = metadata.count(key);
        if (id.isPresent() && id.get() >= tokens.size()) {
            throw new CheckpointException(
                    "%s: the key '%s' is %s, but there are only %s tokens; the file is damaged, fetch it again"
                            .formatted(metadata.file(), key, id.get(), tokens.size()));
        }
        return id;
    }

    private void name(ObjectNode root, String key, String role) {
        id(role).ifPresent(id -> root.put(key, tokens.get(id)));
    }

    private String sentencePiece() {
        String key = PREFIX + "scores";
        double[] scores = metadata.numbers(key).orElseThrow(
                () -> new CheckpointException("%s: the key '%s' is missing, which a tokenizer of kind 'llama' needs"
                        .formatted(metadata.file(), key)));
        requireSize(metadata, key, scores.length, tokens.size());
        List<Piece> pieces = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            pieces.add(new Piece(tokens.get(id), (float) scores[id], kinds.get(id)));
        }
        boolean prefix = metadata.truth(PREFIX + "add_space_prefix").orElse(true);
        SentencePieces vocabulary = new SentencePieces(metadata.file(), SentencePieces.Algorithm.BPE, pieces,
                id("unknown").orElse(0),
                Optional.empty(), false, prefix ? SentencePieces.Prefix.ALWAYS : SentencePieces.Prefix.NEVER,
                SentencePieces.Preference.SCORE);
        return vocabulary.tokenizerJson(specials(vocabulary.addedTokens(), true));
    }

    private String byteLevel() {
        String name = metadata.text(PRE).orElse("default");
        PreTokenizer preTokenizer = PreTokenizer.named(name)
                .orElseThrow(() -> new CheckpointException(
                        "%s: the key '%s' is '%s', and how that cuts words is not known here (known are %s); use the model's own folder"
                                .formatted(metadata.file(), PRE, Shown.of(name), PreTokenizer.known())));
        // Where llama.cpp takes words whole, it puts the beginning of a text in front unless it is told otherwise.
        return new ByteLevelVocabulary(metadata.file(), ids(), merges(), preTokenizer, name.equals(QWEN), false)
                .tokenizerJson(specials(added(), preTokenizer.wholeWords()));
    }

    private String characterPairs() {
        int unknown = id("unknown").orElse(0);
        return new CharacterPairs(metadata.file(), ids(), merges(), tokens.get(unknown))
                .tokenizerJson(specials(added(), true));
    }

    private Map<String, Integer> ids() {
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < tokens.size(); id++) {
            if (kinds.get(id) != Piece.Kind.UNUSED) {
                ids.putIfAbsent(tokens.get(id), id);
            }
        }
        return ids;
    }

    private List<String> merges() {
        String key = PREFIX + "merges";
        return metadata.texts(key, Limits.MERGES).orElseThrow(() -> new CheckpointException(
                "%s: the key '%s' is missing, which a tokenizer of kind '%s' needs".formatted(metadata.file(), key,
                        metadata.requiredText(PREFIX + "model"))));
    }

    private List<AddedToken> added() {
        Set<Integer> special = new LinkedHashSet<>();
        if (!metadata.has(PREFIX + "token_type")) {
            Stream.of("bos", "eos", "eot", "eom", "unknown", "padding")
                    .forEach(role -> id(role).ifPresent(special::add));
        }
        List<AddedToken> added = new ArrayList<>();
        for (int id = 0; id < tokens.size(); id++) {
            switch (kinds.get(id)) {
                case UNKNOWN, CONTROL -> added.add(AddedToken.special(id, tokens.get(id)));
                case USER_DEFINED -> added.add(AddedToken.text(id, tokens.get(id)));
                case NORMAL, BYTE -> {
                    if (special.contains(id)) {
                        added.add(AddedToken.special(id, tokens.get(id)));
                    }
                }
                case UNUSED -> {
                }
            }
        }
        return added;
    }

    private SurroundingTokens specials(List<AddedToken> added, boolean begins) {
        return new SurroundingTokens(added, mark("add_bos_token", begins, "bos"), mark("add_eos_token", false, "eos"));
    }

    private Optional<AddedToken> mark(String flag, boolean fallback, String role) {
        return metadata.truth(PREFIX + flag).orElse(fallback)
                ? id(role).map(id -> AddedToken.special(id, tokens.get(id)))
                : Optional.empty();
    }

    private static void requireSize(GgufMetadata metadata, String key, int size, int tokens) {
        if (size != tokens) {
            throw new CheckpointException(
                    "%s: the key '%s' has %s entries where there are %s tokens; the file is damaged, fetch it again"
                            .formatted(metadata.file(), key, size, tokens));
        }
    }
}
