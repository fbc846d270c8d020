package dev.come.text;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import dev.come.failure.NativeFolder;
import java.nio.file.Path;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * A tokenizer of the {@code tokenizers} library. What the library does not expect ends the process, so nothing comes here that
 * was not checked.
 */
final class NativeTokenizer implements AutoCloseable {
    static {
        // Left to itself the loader looks for a build for the machine's GPU on a server; offline it takes the jar's own.
        System.setProperty("ai.djl.offline", "true");
    }

    private final long handle;
    private boolean closed;

    /**
     * Makes one.
     *
     * @param file what messages call it
     * @param json the text of its tokenizer.json
     * @throws InvalidInputException if the library refuses it
     * @throws FailedException if the library cannot be loaded
     */
    NativeTokenizer(Path file, String json) {
        loadLibrary();
        try {
            handle = TokenizersLibrary.LIB.createTokenizerFromString(json);
            TokenizersLibrary.LIB.disableTruncation(handle);
            TokenizersLibrary.LIB.disablePadding(handle);
        } catch (RuntimeException e) {
            throw new InvalidInputException(file + " is not a tokenizer that can be read: "
                    + Shown.of(String.valueOf(e.getMessage())), e);
        }
    }

    private static void loadLibrary() {
        try {
            LibUtils.checkStatus();
        } catch (RuntimeException | LinkageError e) {
            throw new FailedException(NativeFolder.TOKENIZERS.trouble().orElseGet(
                    () -> "The tokenizers library cannot be loaded on " + System.getProperty("os.name") + " "
                            + System.getProperty("os.arch") + " (" + e.getMessage()
                            + "): it needs Linux, macOS on arm or Windows, and a folder that can be written, which the"
                            + " environment variable DJL_CACHE_DIR can name."),
                    e);
        }
    }

    /** The ids of a text. */
    int[] encode(String text, boolean specialTokens) {
        // HuggingFaceTokenizer.encode would make several objects for every token of the text.
        long encoding = TokenizersLibrary.LIB.encode(handle, text, specialTokens);
        try {
            return LongStream.of(TokenizersLibrary.LIB.getTokenIds(encoding)).mapToInt(Math::toIntExact).toArray();
        } finally {
            TokenizersLibrary.LIB.deleteEncoding(encoding);
        }
    }

    /** The text of the ids, special tokens included. */
    String decode(int[] ids) {
        return TokenizersLibrary.LIB.decode(handle, IntStream.of(ids).asLongStream().toArray(), false);
    }

    /** Frees the native memory. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            TokenizersLibrary.LIB.deleteTokenizer(handle);
        }
    }
}
