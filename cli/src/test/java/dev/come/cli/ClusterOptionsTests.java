package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command without the module that reaches clusters. */
class ClusterOptionsTests {
    @TempDir
    private Path folder;

    @Test
    void aClusterThatNothingHereReachesIsRefusedWithWhatToStart() throws IOException {
        Trial trial = new Trial(folder);
        Outcome outcome = Trial.run(trial.prune("--master", "spark://host:7077"));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err().replaceAll("\\s+", " ")).contains("--master spark://host:7077: come-spark, which"
                + " reaches clusters, is not on the class path; start bin/come-spark instead");
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void settingsWantAClusterAndAValue() throws IOException {
        Trial trial = new Trial(folder);
        Outcome alone = Trial.run(trial.prune("--spark-conf", "spark.ui.enabled=true"));
        assertThat(alone.exitCode()).isEqualTo(2);
        assertThat(alone.err().replaceAll("\\s+", " ")).contains("none is named; give --master too");
        Outcome without = Trial.run(trial.prune("--master", "local[1]", "--spark-conf", "spark.ui.enabled"));
        assertThat(without.exitCode()).isEqualTo(2);
        assertThat(without.err().replaceAll("\\s+", " "))
                .contains("--spark-conf is \"spark.ui.enabled\", but should be a name and a value");
    }
}
