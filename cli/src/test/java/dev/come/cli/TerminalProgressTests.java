package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.stream.Stream;
import me.tongfei.progressbar.ProgressBarStyle;
import org.junit.jupiter.api.Test;

class TerminalProgressTests {
    private final StringWriter terminal = new StringWriter();
    private final TerminalProgress progress = new TerminalProgress(new PrintWriter(terminal), 80,
            ProgressBarStyle.ASCII);

    @Test
    void aFinishedBarStays() {
        try (Progress.Task task = progress.begin("measuring", 5, "layers")) {
            task.advance(5);
        }
        assertThat(screen()).hasSize(1).first().asString().startsWith("measuring 100% [=").contains("5/5 layers");
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
        assertThat(terminal.toString()).contains("269/269 MB", "26/26 kB", "B/s");
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
        assertThat(terminal.toString()).contains("measuring 100%");
        assertThat(screen()).hasSize(1).first().asString().startsWith("merging 100%");
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
