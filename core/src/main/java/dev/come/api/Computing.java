package dev.come.api;

import dev.come.Progress;
import dev.come.hub.Hub;
import dev.come.job.ComputeChoice;
import dev.come.job.ModelSource;
import dev.come.job.Surroundings;
import dev.come.vocabulary.TokenizerCompat;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What all that computes with a model can be told.
 *
 * @param <T> the type of what is told, so that calls can be chained
 */
abstract class Computing<T extends Computing<T>> {
    private final String model;
    private final Surroundings surroundings = Surroundings.ofProcess();
    private @Nullable String revision;
    private String dtype = ComputeChoice.DEFAULT_DTYPE;
    private String device = ComputeChoice.DEFAULT_DEVICE;
    private OptionalInt threads = OptionalInt.empty();
    private OptionalLong memory = OptionalLong.empty();
    private @Nullable TokenizerCompat tokenizers;
    private Progress progress = Progress.NONE;
    private @Nullable Hub hub;
    private final Supplier<Hub> hubWhenNeeded = this::openHub;

    Computing(String model) {
        this.model = model;
    }

    abstract T self();

    /** Branch, tag or commit of a model on the hub; the default is {@code main}. */
    public T revision(String name) {
        revision = name;
        return self();
    }

    /**
     * The type to compute in: {@code auto} (the default), {@code float32} or {@code bfloat16}. {@code auto} is that of the
     * checkpoint where the processor multiplies bfloat16 natively, and float32 elsewhere.
     */
    public T dtype(String name) {
        dtype = name;
        return self();
    }

    /** {@code cpu} (the default), {@code cuda} or {@code cuda:N}. */
    public T device(String name) {
        device = name;
        return self();
    }

    /** How many threads work; the default is one for each processor, and 2 on a device. */
    public T threads(int count) {
        threads = OptionalInt.of(count);
        return self();
    }

    /**
     * How many bytes of hidden states are held in memory; the default is 256 MB, and 4 GB on a device. What does not fit goes
     * to a temporary file beside the result.
     */
    public T memory(long bytes) {
        memory = OptionalLong.of(bytes);
        return self();
    }

    /**
     * Whose ids texts become: {@code file} (the default), those of tokenizer.json, or {@code transformers5}, those of
     * AutoTokenizer in transformers 5, which builds some tokenizers anew.
     */
    public T tokenizerCompat(String name) {
        tokenizers = Wording.job(() -> TokenizerCompat.of(name));
        return self();
    }

    /** Who is told how far the work is; called by several threads. */
    public T progress(Progress listener) {
        progress = Wording.progress(listener);
        return self();
    }

    final Progress progress() {
        return progress;
    }

    ComputeChoice choice() {
        return ComputeChoice.of(dtype, device, threads, memory)
                .reading(tokenizers == null ? tokenizersOtherwise() : tokenizers);
    }

    /** Whose ids texts become where nothing is said. */
    TokenizerCompat tokenizersOtherwise() {
        return TokenizerCompat.FILE;
    }

    final ModelSource source() {
        return new ModelSource(model, Optional.ofNullable(revision));
    }

    /** The folder of the model; one on the hub is fetched first, a GGUF file unpacked. */
    final Path folder() {
        return folder(source());
    }

    /** The folder of another model. */
    final Path folder(String other) {
        return folder(new ModelSource(other, Optional.empty()));
    }

    private Path folder(ModelSource source) {
        return source.folder(hubWhenNeeded, surroundings.ggufCache(), progress);
    }

    /** Gives the hub when it is needed; always the same object, by which it is seen that two texts are the same. */
    final Supplier<Hub> hub() {
        return hubWhenNeeded;
    }

    private Hub openHub() {
        if (hub == null) {
            hub = surroundings.hub(progress);
        }
        return hub;
    }
}
