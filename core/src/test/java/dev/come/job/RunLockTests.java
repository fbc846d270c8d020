package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.heal.Healing;
import dev.come.prune.PruningMethod;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.SortedMap;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLockTests {
    @TempDir
    private Path folder;

    private static RunLock take(Path target) {
        return RunLock.take(target, "--save-path", "prune", Progress.NONE);
    }

    @Test
    void theSecondIsToldWhoHoldsItAndSinceWhen() {
        try (RunLock _ = take(folder.resolve("out"))) {
            assertThatThrownBy(() -> take(folder.resolve("out"))).isInstanceOf(FailedException.class)
                    .hasMessageContainingAll(folder.resolve("out").toString(),
                            "process " + ProcessHandle.current().pid() + " on ", " since 20", "wait", "--save-path");
        }
        take(folder.resolve("out")).close();
    }

    @Test
    void nothingIsLeftOfIt() {
        take(folder.resolve("out")).close();
        take(folder.resolve("new/folders/out")).close();
        assertThat(WordModels.names(folder)).isEmpty();
    }

    @Test
    void foldersThatWereMadeForItStayIfSomethingWasSavedThere() throws IOException {
        try (RunLock _ = take(folder.resolve("new/out"))) {
            Files.createDirectory(folder.resolve("new/out"));
        }
        assertThat(WordModels.names(folder.resolve("new"))).containsExactly("out");
    }

    @Test
    void whatADeadRunLeftIsInNobodysWay() throws IOException {
        Files.writeString(folder.resolve(".out.come-lock"), "process 1 on elsewhere since long ago: come prune\n");
        take(folder.resolve("out")).close();
        assertThat(WordModels.names(folder)).isEmpty();
    }

    @Test
    void aTargetIsTakenWithAllThatLiesBelowIt() throws IOException {
        try (RunLock _ = take(folder.resolve("out"))) {
            assertThatThrownBy(() -> take(folder.resolve("out/sleb"))).hasMessageContainingAll("lies in",
                    folder.resolve("out").toString(), "process ");
            assertThatThrownBy(() -> take(folder.resolve("out/sleb/3-layers"))).hasMessageContaining("lies in");
            assertThatCode(() -> take(folder.resolve("other")).close()).doesNotThrowAnyException();
            assertThat(WordModels.names(folder)).containsExactly(".out.come-lock");
        }
        try (RunLock _ = take(folder.resolve("out/sleb")); RunLock _ = take(folder.resolve("out/mka"))) {
            assertThatThrownBy(() -> take(folder.resolve("out"))).hasMessageContainingAll("lies below",
                    folder.resolve("out").toString(), "process ");
        }
        assertThat(WordModels.names(folder)).isEmpty();
    }

    /** The other run begins while the first is on its way. */
    private Throwable duringARun(Run run, Runnable other) {
        AtomicReference<Throwable> thrown = new AtomicReference<>();
        run.to("out", new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                return _ -> {
                };
            }

            @Override
            public void note(String line) {
                if (line.startsWith("Step 1: ")) {
                    try {
                        other.run();
                    } catch (FailedException e) {
                        thrown.set(e);
                    }
                }
            }
        });
        return thrown.get();
    }

    @Test
    void ofTwoRunsToOneTargetTheFirstEndsAsIfItWereAlone() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.to("whole");
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        List<PruningMethod> one = List.of(new Reverse(Reverse.Options.DEFAULTS));
        List<PruningMethod> several = List.of(new Reverse(Reverse.Options.DEFAULTS),
                new ShortGpt(ShortGpt.Options.DEFAULTS));
        Path target = run.target("out");
        for (Runnable second : List.<Runnable>of(
                () -> run.job("out", Progress.NONE, one).run(),
                () -> run.job("out", Progress.NONE, several).runAll(),
                () -> run.job("out/3-layers", Progress.NONE, one).run(),
                () -> ApplyJob.run(run.target("whole/come.json"), run.model, OptionalInt.empty(), false,
                        run.saving("out"), Progress.NONE),
                () -> new HealJob(new HealJob.Options(run.target("whole"), run.model,
                        Healing.Options.DEFAULTS, run.calibration(), run.perplexity(), run.choice(),
                        run.saving("out"), Resumption.RESTART), Progress.NONE).run())) {
            assertThat(duringARun(run, second)).isInstanceOf(FailedException.class).message()
                    .contains(target.toString(), "by another run");
            assertThat(WordModels.hashes(target)).isEqualTo(whole);
            assertThat(WordModels.names(folder))
                    .containsExactlyInAnyOrderElementsOf(run.inputsAnd("whole", "out"));
            run.overwrite = true;
        }
    }
}
