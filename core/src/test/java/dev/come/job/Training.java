package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.WordModels;
import dev.come.distill.TrainingSettings;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Training of a golden model of 6 layers that was pruned to 3, [0, 1], [2, 3] and so on; tests set what they are about. */
abstract class Training {
    private static final int WINDOW = 32;

    @TempDir
    Path folder;
    Run run;
    Path text;
    String pruned = "pruned";
    final TrainingSettings settings = new TrainingSettings();
    int threads = 2;
    int processes;
    long memory = Long.MAX_VALUE;
    boolean perplexity;
    Resumption resumption = Resumption.GO_ON;

    @BeforeEach
    void prune() throws IOException {
        run = new Run("llama-gqa", folder);
        run.to("pruned");
        text = WordModels.text(folder.resolve("training.txt"), 60);
        settings.tokens = 1280;
        settings.batchTokens = 128;
        settings.validationTokens = 128;
        settings.rate = 3e-3;
        settings.weightDecay = 0.01;
        settings.evaluateEvery = 4;
    }

    DistillJob.Result distill(String target) {
        return distill(target, Progress.NONE);
    }

    DistillJob.Result distill(String target, Progress progress) {
        return distill(pruned, target, progress);
    }

    DistillJob.Result distill(String from, String target, Progress progress) {
        TextSource source = new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD);
        return new DistillJob(new DistillJob.Options(run.target(from), run.model,
                List.of(new DistillJob.Text(source, 1)),
                WindowLength.of(WINDOW), settings.options(),
                processes, new PerplexityOptions(perplexity ? List.of(source) : List.of(), WindowLength.of(WINDOW), 4),
                new ComputeChoice("float32", "cpu", threads, memory), run.saving(target), resumption), progress).run();
    }

    void interruptAtAnyMoment() {
        long seed = System.nanoTime();
        System.out.println("Training: moments drawn with seed " + seed);
        threads = 1;
        Interruption none = new Interruption(Interruption.NEVER);
        distill("whole", none);
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        int moments = none.told();
        IntStream chosen = IntStream.concat(new Random(seed).ints(4, 1, moments),
                IntStream.rangeClosed(moments - 1, moments));
        int[] number = {0};
        chosen.forEach(moment -> {
            String target = "out" + number[0]++;
            assertThatThrownBy(() -> distill(target, new Interruption(moment))).as("moment " + moment)
                    .hasMessage("interrupted");
            distill(target);
            assertThat(WordModels.hashes(run.target(target))).as("moment " + moment + ", seed " + seed)
                    .isEqualTo(whole);
            assertThat(run.target("." + target + ".come-distill")).doesNotExist();
        });
    }
}
