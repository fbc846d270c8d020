package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatencyCommandTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private Outcome latency(String... more) {
        List<String> arguments = new ArrayList<>(
                List.of("latency", "--model-name", trial.model.toString(), "--threads", "1"));
        if (!List.of(more).contains("--prompt")) {
            arguments.addAll(List.of("--prompt", "16"));
        }
        arguments.addAll(List.of(more));
        return Trial.run(arguments);
    }

    @Test
    void timesAModelBesideItselfWithFewerLayers() {
        Outcome outcome = latency("--removal-ratio", "0.5", "--generation", "--new-tokens", "4", "--iterations", "2");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("model", "3 of its layers", "Speed-up, median (least to most)",
                "of 2 runs after one to warm up: 4 x 16 tokens and 4 new ones, in float32", "GB/s");
        assertThat(outcome.out()).doesNotContain("Scaled down");
        assertThat(outcome.out().lines().limit(9)).allMatch(line -> line.length() <= 80)
                .anyMatch(line -> line.matches("layers +6 +3"));
    }

    @Test
    void timesPromptsBesideAnotherModel() {
        Outcome outcome = latency("--baseline", trial.model.toString(), "--iterations", "1");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("1 x 16 tokens").doesNotContain("GB/s");
    }

    @Test
    void thePromptIsNotLongerThanTheModelTakes() {
        List<String> arguments = List.of("latency", "--model-name", trial.model.toString(), "--threads", "1",
                "--iterations", "1");
        Outcome outcome = Trial.run(arguments);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("1 x 128 tokens");
        assertRefused("are more than the 128 positions", "--prompt", "129", "--iterations", "1");
    }

    @Test
    void refusesWhatContradictsItself() {
        assertRefused("--new-tokens is for --generation", "--new-tokens", "4");
        assertRefused("leave one out", "--baseline", trial.model.toString(), "--removal-ratio", "0.2");
        assertRefused("--removal-ratio is 1.0", "--removal-ratio", "1");
        assertRefused("leaves none of the 6 layers", "--removal-ratio", "0.95");
        assertRefused("--iterations is 0", "--iterations", "0");
    }

    private void assertRefused(String message, String... more) {
        Outcome outcome = latency(more);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(message);
    }
}
