package dev.come.text;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import dev.come.failure.Shortage;
import dev.come.memory.NativeMemory;
import dev.come.vocabulary.AddedToken;
import dev.come.vocabulary.SentencePieceText;
import dev.come.vocabulary.TokenizerCheck;
import dev.come.vocabulary.TokenizerCompat;
import dev.come.vocabulary.TokenizerFiles;
import dev.come.vocabulary.TokenizerSource;
import dev.come.vocabulary.TokenizerText;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

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
    private final Path file;
    /** Gives the text of tokenizer.json again, which is rarely needed and takes megabytes. */
    private final Supplier<String> json;
    private final Optional<SentencePieceText> text;
    private final List<AddedToken> added;
    private final BitSet special = new BitSet();
    private final int further;
    private final NativeTokenizer tokenizer;
    private final int embeddings;
    private @Nullable SafeCuts cuts;

    private Tokenizer(TokenizerSource source, Supplier<String> json, int embeddings) {
        this.file = source.file();
        this.json = json;
        this.text = source.text();
        this.added = source.added();
        added.stream().filter(token -> token.special() && token.id() >= 0).forEach(token -> special.set(token.id()));
        this.further = source.further();
        this.embeddings = embeddings;
        this.tokenizer = new NativeTokenizer(file, source.json());
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
     * Opens the tokenizer of a model folder, of whose model nothing is known: ids are not checked.
     *
     * @param compat whose ids are wanted
     * @throws InvalidInputException if there is no tokenizer or it cannot be understood
     * @throws FailedException if the native library cannot be loaded
     */
    public static Tokenizer open(Path modelFolder, TokenizerCompat compat) {
        return open(modelFolder, Integer.MAX_VALUE, compat);
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
        return open(modelFolder, embeddings, TokenizerCompat.FILE);
    }

    /**
     * Opens the tokenizer of a model folder for its model, as above.
     *
     * @param compat whose ids are wanted
     */
    public static Tokenizer open(Path modelFolder, int embeddings, TokenizerCompat compat) {
        return Shortage.reading(modelFolder.resolve("tokenizer.json"), () -> {
            TokenizerSource source = source(modelFolder, compat);
            requireEmbeddings(source, embeddings);
            TrialRun.of(source, TokenizerCheck::check);
            return new Tokenizer(source, () -> source(modelFolder, compat).json(), embeddings);
        });
    }

    private static TokenizerSource source(Path modelFolder, TokenizerCompat compat) {
        return TokenizerFiles.read(modelFolder, compat).orElseThrow(() -> new InvalidInputException(modelFolder
                + " has no tokenizer.json, tokenizer.model or vocab.json: copy it from the model that the weights come from."));
    }

    private static void requireEmbeddings(TokenizerSource source, int embeddings) {
        for (AddedToken token : source.ends()) {
            if (token.id() >= embeddings) {
                throw new InvalidInputException(
                        source.file().resolveSibling("tokenizer_config.json") + " names the token '"
                                + Shown.of(token.content()) + "', whose id would be " + token.id()
                                + ", but the model's vocab_size is " + embeddings
                                + ": the tokenizer belongs to another model.");
            }
        }
    }

    /**
     * Opens a tokenizer that was made here and lies in no folder.
     *
     * @param file what messages call it
     * @param json the text of its tokenizer.json
     * @throws InvalidInputException if it cannot be understood
     * @throws FailedException if the native library cannot be loaded
     */
    public static Tokenizer of(Path file, String json) {
        TokenizerSource source = new TokenizerSource(file, json);
        TrialRun.of(source, TokenizerCheck::checkMade);
        return new Tokenizer(source, () -> json, Integer.MAX_VALUE);
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
        return Shortage.named(() -> "A text of " + text.length() + " characters, cut into tokens,", () -> {
            int[] ids = this.text.isPresent()
                    ? encodeMadeReady(this.text.get(), text, specialTokens)
                    : tokenizer.encode(text, specialTokens);
            requireEmbeddings(ids);
            if (text.length() > TextEncoder.PIECE) { // hundreds of bytes a token were needed on the way
                NativeMemory.giveBackFreed();
            }
            return ids;
        });
    }

    private int[] encodeMadeReady(SentencePieceText reader, String text, boolean specialTokens) {
        IntStream.Builder ids = IntStream.builder();
        if (specialTokens) {
            reader.inFront().ifPresent(ids);
        }
        reader.read(text, pieces -> IntStream.of(tokenizer.encode(pieces, false)).forEach(ids), ids);
        if (specialTokens) {
            reader.behind().ifPresent(ids);
        }
        return ids.build().toArray();
    }

    /** The text of the ids, special tokens included. */
    public String decode(int[] ids) {
        return ids.length == 0 ? "" : tokenizer.decode(ids);
    }

    /** The text of the ids without those of special tokens, such as the one that ends a text. */
    public String decodeWithoutSpecialTokens(int[] ids) {
        return decode(IntStream.of(ids).filter(id -> !special.get(id)).toArray());
    }

    /** The id of an added token. */
    OptionalInt idOf(String token) {
        return added.stream().filter(known -> known.content().equals(token)).mapToInt(AddedToken::id).findFirst();
    }

    /** How many tokens only the files beside the vocabulary know. */
    public int furtherTokens() {
        return further;
    }

    /** Where long texts may be cut. */
    synchronized SafeCuts cuts() {
        if (cuts == null) {
            cuts = SafeCuts.of(TokenizerShape.of(file, json.get(), text), this);
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
        AtomicInteger highest = new AtomicInteger(-1);
        TokenizerText.read(file, json.get(), new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                highest.accumulateAndGet(id, Math::max);
            }

            @Override
            public void added(AddedToken token) {
                token(token.content(), token.id());
            }
        });
        return highest.get() + 1;
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
        tokenizer.close();
    }
}
