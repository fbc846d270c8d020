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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The tokenizer files of a model folder that has no {@code tokenizer.json}, as the tokenizer.json that means the same. What
 * the files themselves say decides: the vocabulary, {@code tokenizer_class} and the flags in tokenizer_config.json; the name of
 * the model never does.
 */
public final class TokenizerFiles {
    private static final String SENTENCE_PIECE = "tokenizer.model";
    private static final String VOCABULARY = "vocab.json";
    private static final String MERGES = "merges.txt";
    /** What transformers takes for the special token of a GPT-2 tokenizer that names none. */
    private static final String GPT2_SPECIAL = "<|endoftext|>";

    private TokenizerFiles() {
    }

    /** The file that holds the vocabulary of such a folder. */
    public static Optional<Path> vocabulary(Path folder) {
        return Stream.of(SENTENCE_PIECE, VOCABULARY).map(folder::resolve).filter(Files::exists).findFirst();
    }

    /**
     * The text of the tokenizer.json that means the same as the folder's other files.
     *
     * @return nothing if there is neither a tokenizer.model nor a vocab.json
     * @throws CheckpointException if a file is broken, or its class does something that is not known here
     */
    public static Optional<String> tokenizerJson(Path folder) {
        return vocabulary(folder).map(file -> file.endsWith(SENTENCE_PIECE)
                ? sentencePiece(file, new TokenizerSettings(folder))
                : byteLevel(file, new TokenizerSettings(folder)));
    }

    private static String sentencePiece(Path file, TokenizerSettings settings) {
        SentencePieces pieces = SentencePieceFile.read(file);
        String name = settings.tokenizerClass().orElse("PreTrainedTokenizer");
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
        Map<String, Integer> ids = new LinkedHashMap<>();
        for (int id = 0; id < pieces.pieces().size(); id++) {
            ids.putIfAbsent(pieces.pieces().get(id).text(), id);
        }
        return pieces.tokenizerJson(settings.specials(pieces.addedTokens(),
                content -> Optional.ofNullable(ids.get(content)), begins));
    }

    private static String byteLevel(Path file, TokenizerSettings settings) {
        Map<String, Integer> ids = ids(file);
        boolean qwen = switch (settings.tokenizerClass().orElse("GPT2Tokenizer")) {
            case "GPT2Tokenizer", "PreTrainedTokenizer", "TokenizersBackend" -> false;
            case "Qwen2Tokenizer" -> true;
            default -> throw unknownClass(file, settings, "GPT2Tokenizer, Qwen2Tokenizer");
        };
        List<AddedToken> fallback = settings.namesTokens() || !ids.containsKey(GPT2_SPECIAL)
                ? List.of()
                : List.of(AddedToken.special(ids.get(GPT2_SPECIAL), GPT2_SPECIAL));
        return new ByteLevelVocabulary(file, ids, merges(file.resolveSibling(MERGES)),
                qwen ? PreTokenizer.QWEN2 : PreTokenizer.GPT2, qwen,
                settings.config().bool("add_prefix_space", false))
                .tokenizerJson(settings.specials(fallback, content -> Optional.ofNullable(ids.get(content)), false));
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
        try {
            String text = StandardCharsets.UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Limits.read(file, Limits.VOCABULARY_BYTES))).toString();
            Limits.check(file, "the number of lines", text.chars().filter(character -> character == '\n').count(),
                    Limits.MERGES);
            return text.lines().filter(line -> !line.isBlank() && !line.startsWith("#version")).toList();
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file + " is not UTF-8 text; the file is damaged, fetch it again", e);
        } catch (IOException e) {
            throw new CheckpointException(
                    "%s cannot be read (%s), which belongs to %s; fetch it too".formatted(file, IoReason.of(e),
                            VOCABULARY),
                    e);
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
