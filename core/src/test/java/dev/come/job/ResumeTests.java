package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.prune.ComeAuto;
import dev.come.prune.PruningMethod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs that end too early, and go on. */
class ResumeTests {
    private static final int NEVER = Integer.MAX_VALUE;

    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
    }

    /** Ends the run when progress is told for the n-th time, or a certain note; all notes are kept. */
    private static final class Interruption implements Progress {
        private final List<String> notes = new ArrayList<>();
        private final String lastNote;
        private int left;

        Interruption(int calls) {
            left = calls;
            lastNote = "never told";
        }

        Interruption(String lastNote) {
            left = NEVER;
            this.lastNote = lastNote;
        }

        private synchronized void count() {
            if (--left == 0) {
                throw new FailedException("interrupted");
            }
        }

        @Override
        public Task begin(String what, long total, String unit) {
            count();
            return new Task() {
                @Override
                public void advance(long steps) {
                    count();
                }

                @Override
                public void close() {
                    count();
                }
            };
        }

        @Override
        public void note(String line) {
            notes.add(line);
            left = line.startsWith(lastNote) ? 1 : left;
            count();
        }
    }

    @Test
    void aSearchAmongEditsGoesOnAfterItsFirstStep() {
        List<PruningMethod> method = List.of(new ComeAuto(ComeAuto.Options.DEFAULTS));
        run.targetLayers = 4;
        run.job("whole", Progress.NONE, method).run();
        assertThatThrownBy(() -> run.job("out", new Interruption("Step 1: "), method).run())
                .hasMessage("interrupted");
        run.resume = true;
        Interruption resumed = new Interruption(NEVER);
        run.job("out", resumed, method).run();
        assertThat(resumed.notes).anyMatch(note -> note.startsWith("Resuming after step 1: "))
                .noneMatch(note -> note.startsWith("Step 1: ")).anyMatch(note -> note.startsWith("Step 2: "));
        assertThat(WordModels.hashes(run.target("out"))).isEqualTo(WordModels.hashes(run.target("whole")));
    }

    /** At random moments, and at the last ones: when the model has its name but the run has not ended. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aRunInterruptedAtAnyMomentEndsWithTheSameBytes(boolean continueSaving) {
        long seed = System.nanoTime();
        System.out.println("ResumeTests: moments drawn with seed " + seed);
        run.perplexity = true;
        run.continueSaving = continueSaving;
        Interruption none = new Interruption(NEVER);
        run.to("whole", none);
        SortedMap<String, String> whole = WordModels.hashes(run.target("whole"));
        int moments = NEVER - none.left;
        IntStream chosen = IntStream.concat(new Random(seed).ints(8, 1, moments),
                IntStream.rangeClosed(moments - 1, moments));
        chosen.forEach(moment -> {
            run.resume = false;
            assertThatThrownBy(() -> run.to("out", new Interruption(moment))).hasMessage("interrupted");
            run.resume = true;
            run.to("out");
            assertThat(WordModels.hashes(run.target("out"))).as("moment " + moment + ", seed " + seed)
                    .isEqualTo(whole);
            assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("whole", "out"));
            delete(run.target("out"));
        });
    }

    private static void delete(Path root) {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Interrupts the run when it tells of its first step. */
    private Interruption interruptAfterOneStep() {
        Interruption interruption = new Interruption("Step 1: ");
        assertThatThrownBy(() -> run.to("out", interruption)).hasMessage("interrupted");
        return interruption;
    }

    @Test
    void aFailedRunTellsThatItCanBeResumedAndWhere() {
        assertThat(interruptAfterOneStep().notes.getLast()).contains("--resume").contains(".out.come-run");
    }

    @Test
    void stepsThatWereDecidedAreNotMeasuredAgain() {
        interruptAfterOneStep();
        run.resume = true;
        Interruption resumed = new Interruption(NEVER);
        run.to("out", resumed);
        assertThat(resumed.notes).anyMatch(note -> note.startsWith("Resuming after step 1: "))
                .noneMatch(note -> note.startsWith("Step 1: ")).anyMatch(note -> note.startsWith("Step 2: "));
    }

    @Test
    void otherSettingsAreRefusedByTheirNames() {
        interruptAfterOneStep();
        run.resume = true;
        run.samples = 11;
        run.targetLayers = 2;
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class).hasMessageStartingWith("--resume")
                .hasMessageContaining("target_layers: 3 / 2").hasMessageContaining("calibration.rows_taken: 12 / 11")
                .hasMessageNotContaining("seed").hasMessageNotContaining("model.");
    }

    @Test
    void withoutResumeTheRunStartsAnewAndSaysSo() {
        interruptAfterOneStep();
        Interruption anew = new Interruption(NEVER);
        run.samples = 11;
        run.to("out", anew);
        assertThat(anew.notes).anyMatch(note -> note.contains("--resume would have gone on with it"))
                .anyMatch(note -> note.startsWith("Step 1: "));
        assertThat(WordModels.names(folder)).doesNotContain(".out.come-run");
    }

    @Test
    void aDamagedStateIsOnlyReadToResume() throws IOException {
        interruptAfterOneStep();
        Path state = folder.resolve(".out.come-run/come.json");
        Files.writeString(state, "{");
        run.resume = true;
        assertThatThrownBy(() -> run.to("out")).hasMessageContaining(state.toString());
        run.resume = false;
        run.to("out");
        assertThat(run.target("out")).exists();
    }

    @Test
    void resumingNeverReplacesWhatAnotherRunSaved() throws IOException {
        interruptAfterOneStep();
        run.samples = 11;
        run.to("other");
        Files.move(run.target("other"), run.target("out"));
        run.samples = 12;
        run.resume = true;
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class)
                .hasMessageContaining("is not empty");
    }

    @Test
    void withNothingToResumeTheRunStartsAnewAndSaysSo() {
        run.resume = true;
        Interruption anew = new Interruption(NEVER);
        run.to("out", anew);
        assertThat(anew.notes).anyMatch(note -> note.startsWith("No interrupted run lies beside"));
    }
}
