package dev.come.checkpoint;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * How large the things may be that a file speaks of. What a file claims is compared with these before memory is set aside or
 * a loop begins. Each limit is several times the largest real case known, and small enough for the heap of 1 GB that the
 * launcher gives.
 */
public final class Limits {
    /** Bytes of a configuration such as config.json. The largest known, Gemma 3's tokenizer_config.json, has 1.2 MB. */
    public static final int CONFIG_BYTES = 16 << 20;

    /** Values in a JSON tree. The largest known is an index of about 100,000 tensors (DeepSeek V3). */
    public static final int JSON_VALUES = 2_000_000;

    /** Bytes of a safetensors header: the limit of the format's own reader. Real ones seldom reach 1 MB. */
    public static final int HEADER_BYTES = 100_000_000;

    /** Bytes of model.safetensors.index.json, which names all that the headers hold. That of DeepSeek V3 has 9 MB. */
    public static final int INDEX_BYTES = HEADER_BYTES;

    /** Tensors of a model. DeepSeek V3, with 256 experts in each layer, has about 92,000. */
    public static final int TENSORS = 1_000_000;

    /** Dimensions of a tensor. Weights have 4 at most; the engine computes with 64. */
    public static final int DIMENSIONS = 64;

    /** Files that weights lie in. DeepSeek V3 has 163. */
    public static final int SHARDS = 10_000;

    /** Decoder layers. Llama 3.1 405B has 126, and papers have tried 1,000. */
    public static final int LAYERS = 4096;

    /** Channels of a hidden state, of feed-forward and of a head. The widest known have 53,248 (Llama 3.1 405B). */
    public static final int CHANNELS = 1 << 22;

    /** Heads of an attention. The most known are 128 (Llama 3.1 405B, DeepSeek V3). */
    public static final int HEADS = 1 << 14;

    /** Tokens of a vocabulary. The largest of a decoder that is known has 262,208 (Gemma 3). */
    public static final int VOCABULARY = 1 << 20;

    /** Merges of a tokenizer. Gemma 3 has 515,000. */
    public static final int MERGES = 1 << 21;

    /** Characters of a piece that is put together from others. SentencePiece makes 16 at most unless it is told otherwise. */
    public static final int PIECE_CHARACTERS = 512;

    /** Bytes of tokenizer.json. Gemma 3's has 33 MB. */
    public static final int TOKENIZER_BYTES = 128 << 20;

    /** Bytes of tokenizer.model, vocab.json or merges.txt. Gemma 3's tokenizer.model has 4.7 MB. */
    public static final int VOCABULARY_BYTES = 64 << 20;

    /** Bytes of a GGUF file before its tensors. Vocabularies of 262,144 tokens take 15 MB there. */
    public static final int GGUF_HEADER_BYTES = 128 << 20;

    /** Keys of a GGUF file. Files have about 40. */
    public static final int GGUF_KEYS = 10_000;

    /** Bytes of come.json. Merging the layers of Llama 3.1 405B down to one would give about 50 MB. */
    public static final int PLAN_BYTES = 64 << 20;

    /** Steps of a plan. Each but those of training leaves fewer layers. */
    public static final int PLAN_STEPS = 2 * LAYERS;

    /** How deep recipes of layers may lie in each other. Each step of a run makes one level, and a refit another. */
    public static final int RECIPE_DEPTH = 512;

    /** Bytes of a list that the hub answers with. Its largest repositories, of 100,000 files, take about 20 MB. */
    public static final int ANSWER_BYTES = 64 << 20;

    /** Bytes of the file that holds the token for the hub. Tokens have 37. */
    public static final int TOKEN_BYTES = 1 << 16;

    private Limits() {
    }

    /**
     * The content of a file, whatever its size is said to be.
     *
     * @throws CheckpointException when it has more bytes than the limit, or is no regular file
     */
    public static byte[] read(Path file, int limit) throws IOException {
        try (InputStream bytes = InputFile.stream(file)) {
            if (Files.size(file) <= limit) {
                // A growing file has more than its size says.
                byte[] content = bytes.readNBytes(limit);
                if (content.length < limit || bytes.read() < 0) {
                    return content;
                }
            }
        }
        throw new CheckpointException(
                "%s has more than %s bytes, which no known file of its kind comes near; fetch it again"
                        .formatted(file, limit));
    }

    /**
     * Checks a number that a file claims.
     *
     * @param what what is counted, for example {@code "num_hidden_layers"}
     * @throws CheckpointException when it is above the limit
     */
    public static void check(Path file, String what, long number, long limit) {
        if (number > limit) {
            throw new CheckpointException(
                    "%s: %s is %s, which is more than the %s that are possible here; the file is damaged, fetch it again"
                            .formatted(file, what, number, limit));
        }
    }
}
