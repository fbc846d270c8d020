package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Shown;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The tokenizer of a model folder as lists, the way programs of the llama.cpp family keep it: a token's place is its id.
 *
 * @param tokens the text of each token
 * @param kinds what each is for
 * @param scores of each token, for a tokenizer of pieces; otherwise empty
 * @param merges two tokens with a blank between, the most important first, for a tokenizer of bytes; otherwise empty
 * @param preTokenizer how a text is cut into words, for a tokenizer of bytes
 * @param blankInFront whether a text gets a blank in front
 * @param named ids of the tokens that have a role: bos_token, eos_token, unk_token, pad_token ...
 * @param chatTemplate how a conversation becomes a text
 */
public record TokenLists(List<String> tokens, List<Piece.Kind> kinds, List<Float> scores, List<String> merges,
        Optional<PreTokenizer> preTokenizer, boolean blankInFront, Map<String, Integer> named,
        Optional<String> chatTemplate) {
    private static final List<String> ROLES = List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
            "cls_token", "mask_token");
    private static final float UNUSED_SCORE = -10_000;
    private static final float ADDED_SCORE = -1000;
    private static final String BLANK = "\u2581";

    public TokenLists {
        tokens = List.copyOf(tokens);
        kinds = List.copyOf(kinds);
        scores = List.copyOf(scores);
        merges = List.copyOf(merges);
        named = Map.copyOf(named);
    }

    /** Whether it is put together from the pieces of a SentencePiece vocabulary, and not from bytes. */
    public boolean isOfPieces() {
        return preTokenizer.isEmpty();
    }

    /**
     * Reads the tokenizer of a folder.
     *
     * @param rows how many tokens the model has; ids without a token are filled up
     * @param config config.json, which may name ids that the tokenizer does not
     * @throws CheckpointException if there is none, or one that these lists cannot tell
     */
    public static TokenLists read(Path folder, int rows, ConfigTree config) {
        TokenizerSource source = TokenizerFiles.read(folder).orElseThrow(
                () -> new CheckpointException(folder + " has no tokenizer; put its tokenizer.json beside the weights"));
        TokenizerSettings settings = new TokenizerSettings(folder);
        Path pieces = folder.resolve("tokenizer.model");
        return new Reader(source, settings, rows, config)
                .read(Files.exists(pieces) ? Optional.of(pieces) : Optional.empty());
    }

    private static final class Reader {
        private final TokenizerSource source;
        private final TokenizerSettings settings;
        private final int rows;
        private final ConfigTree config;
        private final Map<Integer, String> texts = new TreeMap<>();
        private final Map<Integer, Piece.Kind> kinds = new TreeMap<>();
        private final Map<Integer, Float> scores = new TreeMap<>();
        private final List<String> merges = new ArrayList<>();

        Reader(TokenizerSource source, TokenizerSettings settings, int rows, ConfigTree config) {
            this.source = source;
            this.settings = settings;
            this.rows = rows;
            this.config = config;
        }

        TokenLists read(Optional<Path> pieces) {
            ObjectNode json = TokenizerText.read(source.file(), source.json(), new TokenizerText.Visitor() {
                @Override
                public void token(String token, int id) {
                    put(id, token, Piece.Kind.NORMAL);
                }

                @Override
                public void merge(String left, String right) {
                    merges.add(left + " " + right);
                }
            });
            JsonNode model = json.path("model");
            if (!model.path("type").asString("BPE").equals("BPE")) {
                throw cannot("its model is of the type '%s', where BPE is expected"
                        .formatted(Shown.of(model.path("type").asString(""))));
            }
            if (model.path("byte_fallback").asBoolean(false)) {
                return ofPieces(pieces.orElseThrow(() -> cannot(
                        "it is of SentencePiece's kind, and its scores are in tokenizer.model; put that file beside it")));
            }
            return ofBytes(json);
        }

        private TokenLists ofBytes(ObjectNode json) {
            JsonNode normalizer = json.path("normalizer");
            boolean composed = normalizer.path("type").asString("").equals("NFC");
            if (normalizer.isObject() && !composed) {
                throw cannot("it changes texts by a normalizer of the type '%s'"
                        .formatted(Shown.of(normalizer.path("type").asString(""))));
            }
            PreTokenizer words = PreTokenizer.of(json.path("pre_tokenizer"),
                    json.path("model").path("ignore_merges").asBoolean(false))
                    .orElseThrow(() -> cannot("the way in which it cuts texts into words has no name in llama.cpp"));
            source.added().forEach(this::add);
            if (source.added().isEmpty()) {
                AddedTokens.find(source.file(), source.json()).tokens().forEach(this::add);
            }
            return lists(Optional.of(words), false);
        }

        private TokenLists ofPieces(Path file) {
            SentencePieces vocabulary = SentencePieceFile.read(file);
            if (vocabulary.algorithm() != SentencePieces.Algorithm.BPE || vocabulary.charactersMap().isPresent()) {
                throw cannot("tokenizer.model %s, which llama.cpp's kind 'llama' does not".formatted(
                        vocabulary.charactersMap().isPresent() ? "has a map of characters" : "is of the kind Unigram"));
            }
            texts.clear();
            kinds.clear();
            merges.clear();
            for (int id = 0; id < Math.min(rows, vocabulary.pieces().size()); id++) {
                Piece piece = vocabulary.pieces().get(id);
                put(id, piece.text(), piece.kind());
                scores.put(id, piece.score());
            }
            for (AddedToken token : source.added()) {
                if (!scores.containsKey(token.id()) || !token.content().equals(texts.get(token.id()))) {
                    add(token);
                    scores.put(token.id(), ADDED_SCORE);
                }
            }
            boolean gemma = settings.tokenizerClass().equals(Optional.of("GemmaTokenizer"));
            return lists(Optional.empty(),
                    settings.config().bool("add_prefix_space",
                            !gemma && vocabulary.prefix() != SentencePieces.Prefix.NEVER));
        }

        private void add(AddedToken token) {
            if (token.special()) {
                put(token.id(), token.content(), Piece.Kind.CONTROL);
            } else {
                put(token.id(), token.content().replace(BLANK, " "), Piece.Kind.USER_DEFINED);
            }
        }

        private void put(int id, String text, Piece.Kind kind) {
            if (id < rows) {
                texts.put(id, text);
                kinds.put(id, kind);
            }
        }

        private TokenLists lists(Optional<PreTokenizer> words, boolean blankInFront) {
            List<String> tokens = new ArrayList<>();
            List<Piece.Kind> uses = new ArrayList<>();
            List<Float> weights = new ArrayList<>();
            for (int id = 0; id < rows; id++) {
                tokens.add(texts.getOrDefault(id, "[PAD" + id + "]"));
                uses.add(kinds.getOrDefault(id, Piece.Kind.UNUSED));
                weights.add(scores.getOrDefault(id, UNUSED_SCORE));
            }
            Map<String, Integer> named = new TreeMap<>();
            for (String role : ROLES) {
                settings.named(role).map(AddedToken::content).map(tokens::indexOf).filter(id -> id >= 0)
                        .or(() -> config.mentions(role + "_id")
                                ? config.oneOrMoreIntegers(role + "_id").stream().findFirst()
                                : Optional.empty())
                        .filter(id -> id >= 0 && id < rows).ifPresent(id -> named.put(role, id));
            }
            return new TokenLists(tokens, uses, words.isPresent() ? List.of() : weights, merges, words,
                    blankInFront, named, settings.chatTemplate());
        }

        private CheckpointException cannot(String why) {
            return new CheckpointException("%s cannot be told to llama.cpp: %s".formatted(source.file(), why));
        }
    }
}
