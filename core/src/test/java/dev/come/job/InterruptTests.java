package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.come.FailingProgress;
import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.distill.Level;
import dev.come.distill.TrainingSettings;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.memory.Retained;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Sleb;
import dev.come.text.TextSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Jobs whose thread is interrupted at the n-th moment that progress is told of, by whatever thread. */
class InterruptTests {
    /** Of a longer run so many moments, spread over it. */
    private static final int MOMENTS = 8;
    private static final int FEW = 2;
    private static final Duration PROMPTLY = Duration.ofSeconds(20);

    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        run.threads = 2;
        run.memory = 0;
        run.samples = 70; // two chunks of tokens, so that threads wait for each other
    }

    @AfterEach
    void clear() {
        Thread.interrupted();
    }

    @Test
    void pruningAndHealingEndAndGoOn() {
        run.perplexity = true;
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        check((target, progress) -> run.job(target, progress, List.of(new Sleb(Sleb.Options.DEFAULTS))).run(),
                MOMENTS);
    }

    /** The method whose turn it is does not only fail by itself. */
    @Test
    void allMethodsEndAndGoOn() {
        check((target, progress) -> run.job(target, progress,
                List.of(new Sleb(Sleb.Options.DEFAULTS), new ConcatMerge(ConcatMerge.Options.DEFAULTS))).runAll(),
                MOMENTS);
    }

    /** Layers in this process, and each in one of its own. */
    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void trainingEndsAndGoesOn(int processes) throws IOException {
        Path text = WordModels.text(folder.resolve("training.txt"), 60);
        run.samples = 12;
        run.to("pruned");
        TrainingSettings training = new TrainingSettings();
        training.level = processes > 0 ? Level.LAYER : Level.BOTH;
        training.batchTokens = 128;
        training.validationTokens = 128;
        training.rate = 3e-3;
        training.evaluateEvery = 2;
        check((target, progress) -> new DistillJob(new DistillJob.Options(run.target("pruned"), run.model,
                List.of(new DistillJob.Text(new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD), 1)),
                run.windows, training.options(),
                processes, run.perplexity(), run.choice(), run.saving(target), Resumption.GO_ON), progress).run(),
                processes > 0 ? FEW : MOMENTS);
    }

    @Test
    void applyingEndsAndGoesOn() {
        run.to("pruned");
        check((target, progress) -> ApplyJob.run(run.target("pruned/come.json"), run.model, OptionalInt.empty(), false,
                run.saving(target), progress), FEW);
    }

    @Test
    void anExportLeavesNoFile() throws IOException {
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(Path.of("src/test/resources/fixtures/gguf/letters").resolve(name), run.model.resolve(name),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        Path file = folder.resolve("model.gguf");
        Thread thread = Thread.currentThread();
        assertThat(catchThrowable(() -> ExportJob.gguf(run.model, file, Optional.empty(), false,
                new FailingProgress(3, thread::interrupt)))).isInstanceOf(InterruptedRunException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(file).doesNotExist();
        assertThat(ExportJob.gguf(run.model, file, Optional.empty(), false, Progress.NONE).file()).isRegularFile();
    }

    @Test
    void generatingEnds() {
        AtomicLong pieces = new AtomicLong();
        Thread thread = Thread.currentThread();
        assertThat(catchThrowable(() -> GenerateJob.run(run.model, "w3", new Sampling(24, 2, 0, 1, 1),
                run.choice(), _ -> {
                    pieces.incrementAndGet();
                    thread.interrupt();
                }))).isInstanceOf(InterruptedRunException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(pieces).hasValue(1);
    }

    @Test
    void aThreadThatIsInterruptedAlreadyBeginsNothing() {
        Thread.currentThread().interrupt();
        assertThat(catchThrowable(() -> run.to("target"))).isInstanceOf(InterruptedRunException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(run.target("target")).doesNotExist();
    }

    /** @param job writes to a target below the folder */
    private void check(BiConsumer<String, Progress> job, int moments) {
        FailingProgress counting = FailingProgress.counting();
        job.accept("whole", counting);
        SortedMap<String, String> expected = saved(run.target("whole"));
        int ended = 0;
        int calls = counting.calls();
        for (int call : IntStream.range(0, moments).map(i -> 1 + (int) ((long) i * calls / moments)).distinct()
                .toArray()) {
            String target = "interrupted-" + call;
            int open = Retained.open();
            Thread thread = Thread.currentThread();
            AtomicLong interrupted = new AtomicLong();
            Progress progress = new FailingProgress(call, () -> {
                interrupted.set(System.nanoTime());
                thread.interrupt();
            });
            Throwable failure = catchThrowable(() -> job.accept(target, progress));
            assertThat(Duration.ofNanos(System.nanoTime() - interrupted.get())).isLessThan(PROMPTLY);
            assertThat(Thread.interrupted()).as("the flag is set again, moment %s", call).isTrue();
            assertThat(Retained.open()).as("tensors left by moment %s", call).isEqualTo(open);
            if (failure == null) {
                assertThat(saved(run.target(target))).isEqualTo(expected); // all was done by then
                continue;
            }
            ended++;
            assertThat(failure).as("moment %s", call).isInstanceOf(InterruptedRunException.class);
            assertThat(run.target(target).resolve("model.safetensors")).doesNotExist();
            assertThat(Files.exists(run.target(target)) ? saved(run.target(target)) : expected)
                    .as("what is there is whole, moment %s", call)
                    .satisfies(found -> assertThat(expected).containsAllEntriesOf(found));
            job.accept(target, Progress.NONE);
            assertThat(saved(run.target(target))).isEqualTo(expected);
        }
        assertThat(ended).isGreaterThan(Math.min(moments, calls) / 2);
    }

    /** What is the same in each run: comparisons tell times, and what has no end yet lies in hidden folders. */
    private static SortedMap<String, String> saved(Path folder) {
        SortedMap<String, String> hashes = WordModels.hashes(folder);
        hashes.keySet().removeIf(name -> name.startsWith("comparison.") || name.startsWith("."));
        return hashes;
    }
}
