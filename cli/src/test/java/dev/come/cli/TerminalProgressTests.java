package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TerminalProgressTests {
    private final StringWriter terminal = new StringWriter();
    private final TerminalProgress progress = new TerminalProgress(new PrintWriter(terminal), 80,
            /* unicode */ false);

    @Test
    void aFinishedBarStays() {
        try (Progress.Task task = progress.begin("measuring", 5, "layers")) {
            task.advance(5);
        }
        assertThat(screen()).hasSize(1).first().asString().startsWith("measuring: 5 of 5 layers, 0.");
        assertThat(terminal.toString()).endsWith(System.lineSeparator());
    }

    @Test
    void bytesAreShownInLargerUnitsWithTheirSpeed() {
        try (Progress.Task task = progress.begin("downloading", 269_000_000, Progress.BYTES)) {
            task.advance(269_000_000);
        }
        try (Progress.Task task = progress.begin("downloading", 26_900, Progress.BYTES)) {
            task.advance(26_900);
        }
        assertThat(terminal.toString()).contains("downloading: 269 MB of 269 MB, ", "26.9 kB of 26.9 kB, ", "B/s");
    }

    @Test
    void aBarFitsTheTerminal() {
        try (Progress.Task task = progress.begin("measuring ".repeat(20), 5, "layers")) {
            task.advance(5);
        }
        assertThat(screen()).allMatch(line -> line.length() < 80);
    }

    @Test
    void theBarOfWorkInsideOtherWorkGoesAwayWithIt() {
        try (Progress.Task steps = progress.begin("merging", 1, "steps")) {
            try (Progress.Task layers = progress.begin("measuring", 5, "layers")) {
                layers.advance(5);
            }
            steps.advance(1);
        }
        assertThat(terminal.toString()).contains("measuring: 5 of 5 layers");
        assertThat(screen()).hasSize(1).first().asString().startsWith("merging: 1 of 1 steps, ");
    }

    /** As the library draws it, without waiting for it. */
    @Test
    void theTimeLeftIsNeverCutOff() {
        String end = "23 % of the run, about 1 h 02 min left";
        assertThat(TerminalProgress.line("concat_merge_P, step 12 of 19: loss of 441 stacks", "201 of 441 stacks", 0.45,
                end, 79, '=')).hasSize(79)
                .isEqualTo("concat_merge_P, s...: 201 of 441 stacks  23 % of the run, about 1 h 02 min left");
        assertThat(TerminalProgress.line("saving", "1 of 2 layers", 0.5, "50 %", 40, '='))
                .isEqualTo("saving: 1 of 2 layers [=====     ]  50 %");
    }

    @Test
    void workIsToldInUnitsThatUsersKnow() {
        try (Progress.Task task = progress.begin("perplexity", 5476, "windows", 148)) {
            task.advance(5476);
        }
        assertThat(screen()).hasSize(1).first().asString().startsWith("perplexity: 148 of 148 windows, 0.");
    }

    @Test
    void whatStandsThereAtTheBeginningGoesAway() {
        progress.beginning("come prune: reading the model");
        progress.note("a note");
        assertThat(terminal.toString()).startsWith("\rcome prune: reading the model");
        assertThat(screen()).containsExactly("a note");
    }

    @Test
    void aNoteStandsOnALineOfItsOwnAboveTheBar() {
        try (Progress.Task task = progress.begin("measuring", 5, "layers")) {
            task.advance(5);
            progress.note("the validation split is taken");
        }
        assertThat(screen()).hasSize(2).first().isEqualTo("the validation split is taken");
    }

    @Test
    void theLineOfAnInterruptedBarIsEnded() throws InterruptedException {
        Progress.Task task = progress.begin("measuring", 5, "layers");
        try (task) {
            for (int wait = 0; wait < 100 && terminal.toString().isEmpty(); wait++) {
                Thread.sleep(50);
            }
            progress.endLine();
            assertThat(terminal.toString()).endsWith(System.lineSeparator());
        }
    }

    @Test
    void withoutABarNoLineIsEnded() {
        progress.endLine();
        assertThat(terminal.toString()).isEmpty();
    }

    /** What a user sees in the end: of each line only what was written after the last return to its start. */
    private List<String> screen() {
        return Stream.of(terminal.toString().split(System.lineSeparator()))
                .map(line -> line.substring(line.lastIndexOf('\r') + 1).replace("\u001b[K", "")).toList();
    }
}
