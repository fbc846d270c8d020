package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class LineProgressTests {
    private final StringWriter out = new StringWriter();
    private Instant now = Instant.EPOCH;
    private final Progress progress = new LineProgress(new PrintWriter(out), () -> now);

    @Test
    void finishedWorkIsOneLine() {
        try (Progress.Task task = progress.begin("measuring", 30, "layers")) {
            task.advance(10);
            pass(4);
            task.advance(20);
        }
        assertThat(out.toString()).isEqualToIgnoringNewLines("measuring: 30 of 30 layers, 4.0 s");
    }

    @Test
    void whatNeedNotBeDoneCountsAsDone() {
        try (Progress.Task task = progress.begin("loss of 28 stacks", 30, "layers")) {
            task.advance(20);
            pass(4);
            task.skip(10);
        }
        assertThat(out.toString()).isEqualToIgnoringNewLines("loss of 28 stacks: 30 of 30 layers, 4.0 s");
    }

    @Test
    void longWorkIsHeardOfEveryHalfMinute() {
        try (Progress.Task task = progress.begin("measuring", 30, "layers")) {
            for (int layer = 0; layer < 10; layer++) {
                pass(11);
                task.advance(3);
            }
        }
        assertThat(out.toString().lines()).containsExactly(
                "measuring: 9 of 30 layers, 33.0 s",
                "measuring: 18 of 30 layers, 1 min 06 s",
                "measuring: 27 of 30 layers, 1 min 39 s",
                "measuring: 30 of 30 layers, 1 min 50 s");
    }

    /** 40 of 200 steps in 31 seconds leave 2 min 04 s; then another 20 of the 80 that are left by then. */
    @Test
    void howFarTheWholeRunIsIsToldWhereThatIsKnown() {
        progress.expect(200);
        try (Progress.Task task = progress.begin("perplexity", 100, "windows", 10)) {
            pass(31);
            task.advance(40);
            progress.expect(80);
            pass(31);
            task.advance(20);
            task.advance(40);
        }
        assertThat(out.toString().lines()).containsExactly(
                "perplexity: 4 of 10 windows, 31.0 s; 20 % of the run, about 2 min 04 s left",
                "perplexity: 6 of 10 windows, 1 min 02 s; 50 % of the run, about 1 min 02 s left",
                "perplexity: 10 of 10 windows, 1 min 02 s");
    }

    @Test
    void workInsideOtherWorkIsHeardOfOnlyWhenItIsLong() {
        try (Progress.Task steps = progress.begin("merging", 2, "steps")) {
            for (int step = 0; step < 2; step++) {
                try (Progress.Task layers = progress.begin("measuring", 5, "layers")) {
                    pass(step == 0 ? 1 : 40);
                    layers.advance(5);
                }
                steps.advance(1);
            }
        }
        assertThat(out.toString().lines()).containsExactly(
                "measuring: 5 of 5 layers, 40.0 s",
                "merging: 2 of 2 steps, 41.0 s");
    }

    @Test
    void bytesAreToldWithTheirSpeedAndTheTimeLeft() {
        try (Progress.Task task = progress.begin("downloading", 300_000_000, Progress.BYTES)) {
            pass(40);
            task.advance(100_000_000);
            pass(10);
            task.advance(-50_000_000);
            pass(25);
            task.advance(50_000_000);
            pass(75);
            task.advance(200_000_000);
        }
        assertThat(out.toString().lines()).containsExactly(
                "downloading: 100 MB of 300 MB, 40.0 s (2.5 MB/s, about 1 min 20 s left)",
                "downloading: 100 MB of 300 MB, 1 min 15 s (1.3 MB/s, about 2 min 30 s left)",
                "downloading: 300 MB of 300 MB, 2 min 30 s (2.0 MB/s)",
                "downloading: 300 MB of 300 MB, 2 min 30 s (2.0 MB/s)");
    }

    @Test
    void notesAreLines() {
        progress.note("the validation split is taken");
        assertThat(out.toString()).isEqualToIgnoringNewLines("the validation split is taken");
    }

    private void pass(long seconds) {
        now = now.plusSeconds(seconds);
    }
}
