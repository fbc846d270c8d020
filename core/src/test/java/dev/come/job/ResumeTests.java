package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Laco;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
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
        private Function<String, RuntimeException> kind = FailedException::new;
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
                throw kind.apply("interrupted");
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
            assertThatThrownBy(() -> run.to("out", new Interruption(moment))).hasMessage("interrupted");
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
    void aFailedRunTellsThatTheSameCommandGoesOnAndFromWhere() {
        assertThat(interruptAfterOneStep().notes.getLast())
                .contains(run.target(".out.come-prune").toString(), "the same command goes on", "--restart");
    }

    @Test
    void stepsThatWereDecidedAreNotMeasuredAgain() {
        interruptAfterOneStep();
        Interruption resumed = new Interruption(NEVER);
        run.to("out", resumed);
        assertThat(resumed.notes).anyMatch(note -> note.startsWith("Resuming after step 1: "))
                .noneMatch(note -> note.startsWith("Step 1: ")).anyMatch(note -> note.startsWith("Step 2: "));
    }

    @ParameterizedTest
    @EnumSource(names = {"GO_ON", "ASKED_FOR"})
    void otherSettingsAreRefusedByTheirNamesAndHarmNothing(Resumption resumption) {
        run.to("whole");
        interruptAfterOneStep();
        run.resumption = resumption;
        run.samples = 11;
        run.targetLayers = 2;
        SortedMap<String, String> before = WordModels.hashes(run.target(".out.come-prune"));
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll(run.target("out").toString(), "there / now", "--restart")
                .hasMessageContaining("target_layers: 3 / 2").hasMessageContaining("calibration.rows_taken: 12 / 11")
                .hasMessageNotContaining("seed").hasMessageNotContaining("model.");
        assertThat(WordModels.hashes(run.target(".out.come-prune"))).isEqualTo(before);
        run.samples = 12;
        run.targetLayers = 3;
        run.to("out");
        assertThat(WordModels.hashes(run.target("out"))).isEqualTo(WordModels.hashes(run.target("whole")));
    }

    @Test
    void withRestartTheRunStartsAnewAndSaysSo() {
        interruptAfterOneStep();
        Interruption anew = new Interruption(NEVER);
        run.samples = 11;
        run.resumption = Resumption.RESTART;
        run.to("out", anew);
        assertThat(anew.notes).anyMatch(note -> note.contains("is discarded; starting anew"))
                .anyMatch(note -> note.startsWith("Step 1: "));
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("out"));
    }

    @Test
    void aDamagedStateIsRefusedAndDiscardedByRestartAlone() throws IOException {
        interruptAfterOneStep();
        Path state = folder.resolve(".out.come-prune/come.json");
        Files.writeString(state, "{");
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll(state.toString(), "--restart");
        assertThat(state).hasContent("{");
        run.resumption = Resumption.RESTART;
        run.to("out");
        assertThat(run.target("out")).exists();
    }

    @Test
    void goingOnNeverReplacesWhatAnotherRunSaved() throws IOException {
        interruptAfterOneStep();
        run.samples = 11;
        run.to("other");
        Files.move(run.target("other"), run.target("out"));
        run.samples = 12;
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class)
                .hasMessageContaining("is not empty");
    }

    @Test
    void whoAsksToGoOnIsToldWhenThereIsNothingToGoOnFrom() {
        run.resumption = Resumption.ASKED_FOR;
        Interruption anew = new Interruption(NEVER);
        run.to("out", anew);
        assertThat(anew.notes).anyMatch(note -> note.startsWith("No interrupted run lies beside"));
    }

    /** All its steps are decided at once, and without a target nothing but that says that it is done. */
    @Test
    void aMethodThatEndsBeforeTheTargetIsNotRunOnWhatItHasLeft() {
        Laco laco = new Laco(new Laco.Options(Laco.Variant.TELESCOPE, 2, 1, 1, Laco.Options.LAST, -1, 0.1), false);
        run.targetLayers = 1;
        run.perplexity = true;
        List<PruningMethod> method = List.of(laco);
        PruningPlan whole = run.job("whole", Progress.NONE, method).run().plan();
        assertThat(whole.last().size()).isBetween(2, 4);
        Interruption atTheEnd = new Interruption("Step " + whole.steps().size() + ": ");
        assertThatThrownBy(() -> run.job("out", atTheEnd, method).run()).hasMessage("interrupted");
        run.job("out", Progress.NONE, method).run();
        assertThat(WordModels.hashes(run.target("out"))).isEqualTo(WordModels.hashes(run.target("whole")));
    }

    @Test
    void aRunOfSeveralMethodsKeepsTheStateOfARunOfOne() {
        interruptAfterOneStep();
        PruneJob several = run.job("out", Progress.NONE,
                List.of(new Reverse(Reverse.Options.DEFAULTS), new ShortGpt(ShortGpt.Options.DEFAULTS)));
        assertThatThrownBy(several::runAll).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("interrupted run of one method", "--restart");
        assertThat(run.target(".out.come-prune/come.json")).exists();
    }

    @Test
    void ofSeveralMethodsEachGoesOnWhereItWas() {
        List<PruningMethod> methods = List.of(new Reverse(Reverse.Options.DEFAULTS),
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.NONE)));
        run.job("whole", Progress.NONE, methods).runAll();
        Interruption interruption = new Interruption("concat_merge, step 2: ");
        // A failure of one method does not end the others, so the process must look as if it had been killed.
        interruption.kind = IllegalStateException::new;
        assertThatThrownBy(() -> run.job("out", interruption, methods).runAll()).hasMessage("interrupted");
        Interruption resumed = new Interruption(NEVER);
        run.job("out", resumed, methods).runAll();
        assertThat(resumed.notes).anyMatch(note -> note.startsWith("Resuming after step 2: "))
                .noneMatch(note -> note.startsWith("reverse, step"));
        for (PruningMethod method : methods) {
            assertThat(WordModels.hashes(run.target("out/" + method.name())))
                    .isEqualTo(WordModels.hashes(run.target("whole/" + method.name())));
        }
        assertThat(WordModels.names(run.target("out"))).isEqualTo(WordModels.names(run.target("whole")));
    }
}
