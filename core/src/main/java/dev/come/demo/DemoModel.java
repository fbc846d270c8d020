package dev.come.demo;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * The model that lies inside this project: a Llama of ten layers and 1.5 million parameters. It knows nothing but the
 * stories of a small grammar. It is small enough to be pruned within seconds.
 */
public final class DemoModel {
    /** The seed that the embedded model was trained with. */
    public static final long SEED = 11;
    /** Tokens of a training sequence, and so the longest that the model has seen: measure it on windows of this length. */
    public static final int SEQUENCE_LENGTH = Recipe.EMBEDDED.config().maxPositions();

    private static final List<String> FILES = List.of("README.md", "config.json", "generation_config.json",
            "model.safetensors", "tokenizer.json", "tokenizer_config.json");
    private static final int STORIES = 256;

    private DemoModel() {
    }

    /** Stories to measure layers on, one on each line. The model was not trained on them. */
    public static String calibrationText() {
        return new Stories(new SplittableRandom(1)).text(STORIES);
    }

    /** Stories to measure perplexity on, one on each line. The model was not trained on them. */
    public static String testText() {
        return new Stories(new SplittableRandom(2)).text(STORIES);
    }

    /**
     * Copies the model's files into a folder, which is made if need be.
     *
     * @throws UsageException when a file of one of their names is there with other content; then nothing is written
     * @throws FailedException when the folder cannot be written to
     */
    public static void unpack(Path folder) {
        OwnFiles files = files(folder);
        files.check();
        files.write();
    }

    /** The model's files in a folder. */
    static OwnFiles files(Path folder) {
        OwnFiles files = new OwnFiles();
        FILES.forEach(name -> files.add(folder.resolve(name), bytes(name)));
        return files;
    }

    private static byte[] bytes(String name) {
        try (InputStream file = Objects.requireNonNull(DemoModel.class.getResourceAsStream("model/" + name))) {
            return file.readAllBytes();
        } catch (IOException e) {
            throw new IllegalStateException(name + " of the embedded model cannot be read", e);
        }
    }

    /**
     * Trains the model from random weights on and saves it. The seed {@link #SEED} makes the embedded model again.
     *
     * <p>The same seed gives the same bytes with the same version of the tensor engine on processors with the same vector
     * instructions; the embedded model was made with {@code ATEN_CPU_CAPABILITY=avx2 OPENBLAS_CORETYPE=Haswell
     * OPENBLAS_NUM_THREADS=1}, which must be set before the engine is loaded. How many processors there are, and what else
     * the machine does, makes no difference.
     *
     * @param target the folder to make; it must not exist or be empty
     * @param progress advances by one with every step
     * @throws UsageException when the target is not empty
     * @throws FailedException when the target cannot be written to
     */
    public static void train(Path target, long seed, Progress progress) {
        new DemoTrainer(Recipe.EMBEDDED, seed).train(target, progress);
    }
}
