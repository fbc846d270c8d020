package dev.come.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.Shown;
import dev.come.failure.Shortage;
import dev.come.memory.NativeMemory;
import dev.come.vocabulary.TokenizerFiles;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokenizer of a model folder, as its {@code tokenizer.json} describes it (the format of Hugging Face's
 * {@code tokenizers}). In a folder without one {@link TokenizerFiles} makes it of the older files. Texts of any length
 * are encoded: truncation and padding are off whatever the file says.
 *
 * <p>The work is done by the {@code tokenizers} library in native code, which comes inside a jar and is unpacked at first
 * use to {@code ~/.djl.ai/tokenizers} (another place: the environment variable {@code DJL_CACHE_DIR}; if that cannot be
 * written, the folder for temporary files). Nothing is ever downloaded or sent.
 *
 * <p>Safe for use from several threads until it is closed.
 */
public final class Tokenizer implements AutoCloseable {
    static {
        // Left to itself the loader looks for a build for the machine's GPU on a server; offline it takes the jar's own.
        System.setProperty("ai.djl.offline", "true");
    }

    private final Path file;
    /** Gives the text of tokenizer.json again, which is rarely needed and takes megabytes. */
    private final Supplier<String> json;
    private final long handle;
    private final int embeddings;
    private @Nullable SafeCuts cuts;
    private boolean closed;

    private Tokenizer(Path file, Supplier<String> json, long handle, int embeddings) {
        this.file = file;
        this.json = json;
        this.handle = handle;
        this.embeddings = embeddings;
    }

    /**
     * Opens the tokenizer of a model folder, of whose model nothing is known: ids are not checked.
     *
     * @throws InvalidInputException if there is no tokenizer or it cannot be understood
     * @throws FailedException if the native library cannot be loaded
     */
    public static Tokenizer open(Path modelFolder) {
        return open(modelFolder, Integer.MAX_VALUE);
    }

    /**
     * Opens the tokenizer of a model folder for its model. Ids that a text gives are checked, not the whole vocabulary:
     * many models have tokens without an embedding that no text gives.
     *
     * @param embeddings the number of rows of the model's embedding
     * @throws InvalidInputException if there is no tokenizer or it cannot be understood
     * @throws FailedException if the native library cannot be loaded
     */
    public static Tokenizer open(Path modelFolder, int embeddings) {
        return Shortage.reading(modelFolder.resolve("tokenizer.json"), () -> {
            Description description = Description.of(modelFolder);
            return new Tokenizer(description.file(), () -> Description.of(modelFolder).json(), load(description),
                    embeddings);
        });
    }

    /**
     * Opens a tokenizer that lies in no folder.
     *
     * @param file what messages call it
     * @param json the text of its tokenizer.json
     * @throws InvalidInputException if it cannot be understood
     * @throws FailedException if the native library cannot be loaded
     */
    public static Tokenizer of(Path file, String json) {
        return new Tokenizer(file, () -> json, load(new Description(file, json)), Integer.MAX_VALUE);
    }

    private static long load(Description description) {
        loadLibrary();
        try {
            long handle = TokenizersLibrary.LIB.createTokenizerFromString(description.json());
            TokenizersLibrary.LIB.disableTruncation(handle);
            TokenizersLibrary.LIB.disablePadding(handle);
            return handle;
        } catch (RuntimeException e) {
            throw new InvalidInputException(
                    description.file() + " is not a tokenizer that can be read: "
                            + Shown.of(String.valueOf(e.getMessage())), e);
        }
    }

    private static void loadLibrary() {
        try {
            LibUtils.checkStatus();
        } catch (RuntimeException | LinkageError e) {
            throw new FailedException("The tokenizers library cannot be loaded on " + System.getProperty("os.name")
                    + " "
                    + System.getProperty("os.arch") + " (" + e.getMessage()
                    + "): it needs Linux, macOS on arm or Windows, and a folder that can be written, which the environment"
                    + " variable DJL_CACHE_DIR can name.", e);
        }
    }

    /**
     * The ids of a text, with the special tokens that the model expects around it, for example one at the beginning.
     *
     * @throws InvalidInputException if the model has no embedding for one of them
     */
    public int[] encode(String text) {
        return encode(text, true);
    }

    /**
     * The ids of a text alone. Special tokens that are spelt out in the text are still recognised.
     *
     * @throws InvalidInputException if the model has no embedding for one of them
     */
    public int[] encodeWithoutSpecialTokens(String text) {
        return encode(text, false);
    }

    private int[] encode(String text, boolean specialTokens) {
        if (text.length() <= TextEncoder.PIECE) {
            return encodeAtOnce(text, specialTokens);
        }
        TokenIds ids = new TokenIds("a prompt or document", Long.MAX_VALUE, false, "give less text");
        TextEncoder encoder = new TextEncoder(this, specialTokens, ids);
        encoder.append(text);
        encoder.finish();
        return ids.allIds();
    }

    /** The ids of a text that is encoded in one call, which takes about 140 bytes for each byte of text. */
    int[] encodeAtOnce(String text, boolean specialTokens) {
        // HuggingFaceTokenizer.encode would make several objects for every token of the text.
        return Shortage.named(() -> "A text of " + text.length() + " characters, cut into tokens,",
                () -> encodeAll(text, specialTokens));
    }

    private int[] encodeAll(String text, boolean specialTokens) {
        long encoding = TokenizersLibrary.LIB.encode(handle, text, specialTokens);
        try {
            int[] ids = LongStream.of(TokenizersLibrary.LIB.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
            requireEmbeddings(ids);
            return ids;
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
            if (text.length() > TextEncoder.PIECE) { // hundreds of bytes a token were needed on the way
                NativeMemory.giveBackFreed();
            }
        }
    }

    /** The text of the ids, special tokens included. */
    public String decode(int[] ids) {
        return TokenizersLibrary.LIB.decode(handle, IntStream.of(ids).asLongStream().toArray(), false);
    }

    /** Where long texts may be cut. */
    synchronized SafeCuts cuts() {
        if (cuts == null) {
            cuts = SafeCuts.of(TokenizerShape.of(file, json.get()), this);
        }
        return cuts;
    }

    /** Whether a special token, such as the beginning-of-sequence token, is put in front of every text. */
    public boolean beginsWithSpecialToken() {
        int[] plain = encodeWithoutSpecialTokens("a");
        int[] full = encode("a");
        return full.length > plain.length && full[0] != plain[0];
    }

    /** The number of ids: one more than the highest in the vocabulary and the added tokens. */
    public int vocabularySize() {
        return Shortage.reading(file, this::countIds);
    }

    private int countIds() {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(json.get());
        } catch (JacksonException e) {
            throw new InvalidInputException(file + " is not JSON: " + e.getOriginalMessage(), e);
        }
        JsonNode vocabulary = root.path("model").path("vocab");
        // Unigram models list their pieces, and a piece's place is its id; all others map pieces to ids.
        IntStream ids = vocabulary.isArray()
                ? IntStream.of(vocabulary.size() - 1)
                : vocabulary.valueStream().mapToInt(JsonNode::asInt);
        Stream<JsonNode> added = root.path("added_tokens").valueStream();
        return IntStream.concat(ids, added.mapToInt(token -> token.path("id").asInt())).max().orElse(-1) + 1;
    }

    /**
     * Checks that the model has an embedding for every token. Ids that this tokenizer gives are checked already.
     *
     * @throws InvalidInputException if it has not
     */
    public void requireEmbeddings(int... ids) {
        int highest = IntStream.of(ids).max().orElse(-1);
        if (highest >= embeddings) {
            throw new InvalidInputException(file + " gives the token id " + highest + ", but the model's vocab_size is "
                    + embeddings + ": the tokenizer belongs to another model.");
        }
    }

    /** Frees the native memory; nothing may be encoded afterwards. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            TokenizersLibrary.LIB.deleteTokenizer(handle);
        }
    }

    /**
     * A tokenizer.json, or what takes its place.
     *
     * @param file the file that it was read or made from
     * @param json its text
     */
    private record Description(Path file, String json) {
        static Description of(Path modelFolder) {
            Path file = modelFolder.resolve("tokenizer.json");
            if (Files.exists(file)) {
                try {
                    return new Description(file, StandardCharsets.UTF_8.newDecoder()
                            .decode(ByteBuffer.wrap(Limits.read(file, Limits.TOKENIZER_BYTES))).toString());
                } catch (IOException e) {
                    throw new InvalidInputException(file + " cannot be read (" + IoReason.of(e) + "); check that it may be read", e);
                }
            }
            return new Description(TokenizerFiles.vocabulary(modelFolder).orElse(file),
                    TokenizerFiles.tokenizerJson(modelFolder)
                            .orElseThrow(() -> new InvalidInputException(modelFolder
                                    + " has no tokenizer.json, tokenizer.model or vocab.json: copy it from the model that"
                                    + " the weights come from.")));
        }
    }
}
