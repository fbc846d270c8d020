package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.come.FailingProgress;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.distill.Level;
import dev.come.distill.TrainingSettings;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.HarnessVersion;
import dev.come.heal.Healing;
import dev.come.prune.ConcatMerge;
import dev.come.prune.PruningMethod;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import dev.come.text.TextSource;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole jobs in which an error, not an exception, is thrown at the n-th moment, by whatever thread is at work then. */
@Timeout(value = 600, threadMode = ThreadMode.SEPARATE_THREAD) // whoever waits for ever fails
class ErrorTests {
    /** Of a longer run so many moments, spread over it, and the last ones: when the result has its name. */
    private static final int MOMENTS = 60;
    /** Where each run starts processes, which takes seconds. */
    private static final int FEW = 8;
    private static final int RESUMED_EVERY = 10;
    private static final Duration PROMPTLY = Duration.ofSeconds(60);

    @TempDir
    private Path folder;
    private Run run;
    private Path text;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
        run.threads = 2;
        run.memory = 0;
        run.samples = 70; // two chunks of tokens, so that threads wait for each other
        text = WordModels.text(folder.resolve("training.txt"), 60);
    }

    static List<PruningMethod> methods() {
        return List.of(new ConcatMerge(ConcatMerge.Options.DEFAULTS), new Sleb(Sleb.Options.DEFAULTS),
                new Taylor(Taylor.Options.DEFAULTS));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void anErrorInPruningEndsAll(PruningMethod method) {
        run.perplexity = true;
        check((target, progress) -> {
            run.resumption = Resumption.RESTART;
            run.job(target, progress, List.of(method)).run();
        }, ".%s.come-prune", target -> {
            run.resumption = Resumption.GO_ON;
            run.job(target, Progress.NONE, List.of(method)).run();
        });
    }

    @Test
    void anErrorInHealingEndsAll() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        check((target, progress) -> {
            run.resumption = Resumption.RESTART;
            run.to(target, progress);
        }, ".%s.come-prune", target -> {
            run.resumption = Resumption.GO_ON;
            run.to(target);
        });
    }

    /** Layers in this process, and each in one of its own. */
    @ParameterizedTest
    @ValueSource(ints = {0, 2})
    void anErrorInTrainingEndsAll(int processes) {
        run.samples = 12;
        run.to("pruned");
        check((target, progress) -> distill(target, processes, Resumption.RESTART, progress), ".%s.come-distill",
                target -> distill(target, processes, Resumption.GO_ON, Progress.NONE), processes > 0 ? FEW : MOMENTS);
    }

    private void distill(String target, int processes, Resumption resumption, Progress progress) {
        TrainingSettings training = new TrainingSettings();
        training.level = processes > 0 ? Level.LAYER : Level.BOTH;
        training.hiddenWeight = processes > 0 ? 0 : 0.5;
        training.batchTokens = 128;
        training.validationTokens = 128;
        training.rate = 3e-3;
        training.weightDecay = 0.01;
        training.evaluateEvery = 2;
        new DistillJob(new DistillJob.Options(run.target("pruned"), run.model,
                List.of(new DistillJob.Text(new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD), 1)),
                run.windows, training.options(),
                processes,
                run.perplexity(), run.choice(), run.saving(target), resumption), progress).run();
    }

    @Test
    void anErrorInEvaluationEndsAll() throws IOException {
        Random random = new Random(5);
        Files.writeString(folder.resolve("rows.jsonl"), IntStream.range(0, 40).mapToObj(row -> """
                {"question": "%s", "choices": ["%s", "%s"], "answer": %s}
                """.formatted(words(random, 40), words(random, 3), words(random, 2), random.nextInt(2)))
                .collect(Collectors.joining()));
        Path task = Files.writeString(folder.resolve("words.json"), """
                {"task": "words", "version": "7",
                 "documents": {"split": "test", "files": "rows.jsonl", "rows": 40},
                 "context": "{question}", "choices": "choices", "gold": {"column": "answer"},
                 "metrics": ["acc", "acc_norm"]}
                """);
        EvaluationOptions options = new EvaluationOptions(List.of(task.toString()), 0, EvaluationOptions.ALL,
                HarnessVersion.V0_4_13, BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        run.perplexity = true;
        BiConsumer<String, Progress> job = (target, progress) -> EvalJob.run(
                new EvalJob.Request(run.model, Optional.of(run.model), options, run.perplexity(),
                        Optional.of(folder.resolve(target + ".json")), false),
                run.choice(), progress);
        check(job, "%s.scores.jsonl", target -> job.accept(target, Progress.NONE));
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    /** Finishes what an error has ended. */
    private interface Resumed {
        void to(String target);
    }

    /** Runs a job with an error at many moments; each must end at once and leave nothing but what it goes on from. */
    private void check(BiConsumer<String, Progress> job, String kept, Resumed resumed) {
        check(job, kept, resumed, MOMENTS);
    }

    private void check(BiConsumer<String, Progress> job, String kept, Resumed resumed, int most) {
        FailingProgress whole = FailingProgress.counting();
        job.accept("whole", whole);
        job.accept("again", Progress.NONE); // what is loaded once is loaded then
        SortedMap<String, String> hashes = hashes("whole");
        SortedSet<String> before = WordModels.names(folder);
        System.gc(); // objects that others have dropped
        long seed = System.nanoTime();
        System.out.println("ErrorTests: moments drawn with seed " + seed);
        int calls = whole.calls();
        List<Integer> moments = IntStream.concat(spread(calls, most, new Random(seed)), IntStream.of(calls - 1, calls))
                .boxed().toList();
        for (int number = 0; number < moments.size(); number++) {
            int moment = moments.get(number);
            String where = "moment " + moment + " of " + calls + ", seed " + seed;
            Error error = errors().get(number % errors().size());
            long objects = Pointer.totalCount();
            Set<Thread> threads = Set.copyOf(Thread.getAllStackTraces().keySet());
            long start = System.nanoTime();
            Throwable thrown = catchThrowable(() -> job.accept("out", new FailingProgress(moment, error)));
            assertThat(Duration.ofNanos(System.nanoTime() - start)).as(where).isLessThan(PROMPTLY);
            if (thrown != null || moment < calls * 9 / 10) { // with several threads there may be fewer calls
                assertThat(Stream.iterate(thrown, Objects::nonNull, Throwable::getCause)).as(where).contains(error);
            }
            assertThat(Pointer.totalCount()).as("native objects kept, " + where).isLessThanOrEqualTo(objects);
            assertNoNewThread(threads, where);
            SortedSet<String> left = WordModels.names(folder);
            left.removeAll(before);
            assertThat(List.of("out", "out.json", kept.formatted("out"))).as(where).containsAll(left);
            if (number % RESUMED_EVERY == 0 && thrown != null && !Files.exists(folder.resolve("out.json"))) {
                resumed.to("out");
            }
            if (Files.exists(folder.resolve("out")) || Files.exists(folder.resolve("out.json"))) {
                assertThat(hashes("out")).as(where).isEqualTo(hashes);
            }
            left.addAll(List.of("out", "out.json", "out.report.html"));
            left.forEach(name -> delete(folder.resolve(name)));
        }
    }

    /** Of all files of a target, in a folder or beside it, by the end of their names; a page tells the target's name. */
    private SortedMap<String, String> hashes(String target) {
        SortedMap<String, String> hashes = new TreeMap<>();
        WordModels.hashes(folder).forEach((name, hash) -> {
            if (name.startsWith(target) && !name.endsWith(".report.html")) {
                hashes.put(name.substring(target.length()), hash);
            }
        });
        return hashes;
    }

    private static void delete(Path root) {
        if (Files.exists(root)) {
            try (Stream<Path> paths = Files.walk(root)) {
                for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                    Files.delete(path);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private static List<Error> errors() {
        return List.of(new AssertionError("thrown on purpose"), new OutOfMemoryError("Java heap space"),
                new StackOverflowError(), new LinkageError("thrown on purpose"));
    }

    private static IntStream spread(int calls, int most, Random random) {
        return calls <= most
                ? IntStream.rangeClosed(1, calls)
                : IntStream.range(0, most)
                        .map(i -> (int) ((long) calls * i / most) + 1 + random.nextInt(calls / most));
    }

    private static void assertNoNewThread(Set<Thread> before, String where) {
        List<Thread> left = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            left = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> !before.contains(thread) && thread.getName().startsWith("come-")).toList();
            if (left.isEmpty()) {
                return;
            }
            try {
                Thread.sleep(10);
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
        assertThat(left).as("threads left, " + where).isEmpty();
    }
}
