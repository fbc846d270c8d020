package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The tokenizer files of a model folder: its {@code tokenizer.json}, or the one that means the same as the older files of a
 * folder without, with the tokens that only the files beside it know. What the files themselves say decides: the vocabulary,
 * {@code tokenizer_class} and the flags in tokenizer_config.json; the name of the model never does.
 */
public final class TokenizerFiles {
    private static final String TOKENIZER = "tokenizer.json";
    private static final String SENTENCE_PIECE = "tokenizer.model";
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    /** What transformers takes for the special token of a GPT-2 tokenizer that names none. */
    private static final String GPT2_SPECIAL = "<|endoftext|>";

    private TokenizerFiles() {
    }

    /**
     * Reads them, as they are.
     *
     * @return nothing if there is neither a tokenizer.json nor a tokenizer.model or vocab.json
     * @throws CheckpointException if a file is broken, or its class does something that is not known here
     */
    public static Optional<TokenizerSource> read(Path folder) {
        return read(folder, TokenizerCompat.FILE);
    }

    /**
     * Reads them.
     *
     * @param compat whose ids are wanted
     * @return nothing if there is neither a tokenizer.json nor a tokenizer.model or vocab.json
     * @throws CheckpointException if a file is broken, or its class does something that is not known here
     */
    public static Optional<TokenizerSource> read(Path folder, TokenizerCompat compat) {
        return Stream.of(TOKENIZER, SENTENCE_PIECE, VOCABULARY).map(folder::resolve).filter(Files::exists).findFirst()
                .map(file -> read(file, new TokenizerSettings(folder), compat));
    }

    /**
     * What transformers 5 makes of a tokenizer that lies in no folder.
     *
     * @param file what messages call it
     * @param json the text of its tokenizer.json
     * @param settings its tokenizer_config.json
     * @param model config.json
     * @return the text of the tokenizer.json that means the same; nothing if that is the given one
     * @throws CheckpointException if it is not known
     */
    public static Optional<String> rebuilt(Path file, String json, ConfigTree settings, ConfigTree model) {
        return RebuiltTokenizer.of(file, json, new TokenizerSettings(settings), model).map(RebuiltTokenizer::json);
    }

    /** The added tokens in the text of a tokenizer.json. */
    public static List<AddedToken> added(Path file, String json) {
        return AddedTokens.find(file, json).tokens();
    }

    private static TokenizerSource read(Path file, TokenizerSettings settings, TokenizerCompat compat) {
        return file.endsWith(TOKENIZER)
                ? tokenizerJson(file, settings, compat)
                : file.endsWith(SENTENCE_PIECE) ? sentencePiece(file, settings, compat) : byteLevel(file, settings);
    }

    private static TokenizerSource tokenizerJson(Path file, TokenizerSettings settings, TokenizerCompat compat) {
        byte[] bytes = bytes(file, Limits.TOKENIZER_BYTES);
        String json = text(file, bytes);
        Optional<RebuiltTokenizer> rebuilt = compat == TokenizerCompat.TRANSFORMERS5
                ? RebuiltTokenizer.of(file, json, settings)
                : Optional.empty();
        if (rebuilt.isPresent()) {
            // All tokens of it are in the text, so none is only beside it.
            return made(file, rebuilt.get().json(), settings, rebuilt.get().added(), rebuilt.get().added(),
                    Optional.empty());
        }
        AddedTokens own = AddedTokens.find(file, json);
        List<AddedToken> all = Completion.of(settings, own.tokens(), () -> Vocabulary.of(file, json));
        boolean whole = all.size() == own.tokens().size() && all.equals(own.tokens());
        return new TokenizerSource(file, whole ? json : own.replaced(json, all),
                TokenizerSource.hash(bytes, whole ? "" : all.toString()), Optional.empty(), all, ends(settings, all),
                all.size() - own.tokens().size());
    }

    private static TokenizerSource made(Path file, String json, TokenizerSettings settings, List<AddedToken> own,
            List<AddedToken> all, Optional<SentencePieceText> text) {
        return new TokenizerSource(file, json, TokenizerSource.hash(json.getBytes(StandardCharsets.UTF_8), ""), text,
                all,
                ends(settings, all), all.size() - own.size());
    }

    private static List<AddedToken> ends(TokenizerSettings settings, List<AddedToken> all) {
        List<AddedToken> ends = new ArrayList<>();
        for (String key : List.of("bos_token", "eos_token")) {
            Optional<AddedToken> named = settings.named(key);
            for (AddedToken token : all) {
                if (named.isPresent() && token.content().equals(named.get().content())) {
                    ends.add(token);
                }
            }
        }
        return ends;
    }

    private static TokenizerSource sentencePiece(Path file, TokenizerSettings settings, TokenizerCompat compat) {
        SentencePieces pieces = SentencePieceFile.read(file);
        String name = settings.tokenizerClass().orElse("PreTrainedTokenizer");
        if (compat == TokenizerCompat.TRANSFORMERS5 && settings.config().bool("legacy", false)) {
            throw new CheckpointException(
                    ("%s: what transformers 5 makes of %s is not known here where 'legacy' is true; leave"
                            + " out --tokenizer-compat transformers5, or save the tokenizer with transformers, which writes"
                            + " tokenizer.json").formatted(settings.config().file(), file.getFileName()));
        }
        boolean begins = switch (name) {
            // Everything is left to the file.
            case "PreTrainedTokenizer", "TokenizersBackend" -> false;
            case "GemmaTokenizer", "LlamaTokenizer" -> true;
            default -> throw unknownClass(file, settings, "LlamaTokenizer, GemmaTokenizer");
        };
        if (name.equals("LlamaTokenizer") && !settings.config().bool("legacy", false)) {
            // Only transformers 4 writes the flag, and it converts by scores.
            pieces = pieces.asLlamaTokenizer(settings.config().bool("add_prefix_space", true),
                    settings.config().has("legacy")
                            ? SentencePieces.Preference.SCORE
                            : SentencePieces.Preference.ID);
        }
        List<AddedToken> own = pieces.addedTokens();
        boolean spelt = pieces.prefix() == SentencePieces.Prefix.ALWAYS;
        // What stands in front of a text would otherwise be put in front of a token too before it is looked for.
        List<AddedToken> all = Completion.of(settings, own, pieces::vocabulary).stream()
                .map(token -> spelt ? token.asSpelt() : token).toList();
        SurroundingTokens specials = settings.surrounding(all, begins);
        return made(file, pieces.tokenizerJson(specials), settings, own, all, pieces.text(specials));
    }

    private static TokenizerSource byteLevel(Path file, TokenizerSettings settings) {
        Map<String, Integer> ids = ids(file);
        boolean qwen = switch (settings.tokenizerClass().orElse("GPT2Tokenizer")) {
            case "GPT2Tokenizer", "PreTrainedTokenizer", "TokenizersBackend" -> false;
            case "Qwen2Tokenizer" -> true;
            default -> throw unknownClass(file, settings, "GPT2Tokenizer, Qwen2Tokenizer");
        };
        List<AddedToken> fallback = settings.namesTokens() || !ids.containsKey(GPT2_SPECIAL)
                ? List.of()
                : List.of(AddedToken.special(ids.get(GPT2_SPECIAL), GPT2_SPECIAL));
        List<AddedToken> all = Completion.of(settings, fallback, () -> new Vocabulary(ids, ids.size()));
        String json = new ByteLevelVocabulary(file, ids, merges(file.resolveSibling(MERGES)),
                qwen ? PreTokenizer.QWEN2 : PreTokenizer.GPT2, qwen,
                settings.config().bool("add_prefix_space", false)).tokenizerJson(settings.surrounding(all, false));
        return made(file, json, settings, fallback, all, Optional.empty());
    }

    private static Map<String, Integer> ids(Path file) {
        ConfigTree tree = ConfigTree.read(file, Limits.VOCABULARY_BYTES);
        Limits.check(file, "the number of tokens", tree.keys().size(), Limits.VOCABULARY);
        Map<String, Integer> ids = new LinkedHashMap<>();
        Set<Integer> taken = new HashSet<>();
        for (String token : tree.keys()) {
            int id = tree.integer(token);
            if (id < 0 || !taken.add(id)) {
                throw new CheckpointException(
                        "%s: the id of '%s' is %s, which is %s; fetch the file again".formatted(file,
                                Shown.of(token), id, id < 0 ? "negative" : "that of another token too"));
            }
            ids.put(token, id);
        }
        return ids;
    }

    /** The merges, one on each line, after a line that may name the version. */
    private static List<String> merges(Path file) {
        if (!Files.exists(file)) {
            throw new CheckpointException(
                    "%s cannot be read (no such file), which belongs to %s; fetch it too".formatted(file, VOCABULARY));
        }
        String text = text(file, bytes(file, Limits.VOCABULARY_BYTES));
        Limits.check(file, "the number of lines", text.chars().filter(character -> character == '\n').count(),
                Limits.MERGES);
        return text.lines().filter(line -> !line.isBlank() && !line.startsWith("#version")).toList();
    }

    private static byte[] bytes(Path file, int limit) {
        try {
            return Limits.read(file, limit);
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it may be read".formatted(file,
                    IoReason.of(e)), e);
        }
    }

    private static String text(Path file, byte[] bytes) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + " is not UTF-8 text; the file is damaged, fetch it again", e);
        }
    }

    private static CheckpointException unknownClass(Path file, TokenizerSettings settings, String known) {
        return new CheckpointException(
                ("%s: '%s' is '%s', and what that class makes of %s is not known here (known are %s); save the tokenizer with "
                        + "transformers, which writes tokenizer.json").formatted(settings.config().file(),
                                "tokenizer_class",
                                Shown.of(settings.tokenizerClass().orElseThrow()), file.getFileName(), known));
    }
}
