package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.report.RunRecord.Host;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class RunRecordTests {
    @Test
    void secretsOfAClusterAreNotRecorded() {
        RunRecord record = new RunRecord("CoMe",
                List.of("prune", "--spark-conf", "spark.authenticate.secret=hush",
                        "--spark-conf=spark.ssl.keyPassword=hush",
                        "--spark-conf", "spark.executor.memory=4g", "--model", "a.secret=b"),
                new Host("Linux", "25", "AVX2", 2, OptionalDouble.empty(), OptionalDouble.empty()),
                OptionalLong.empty(), 1,
                OptionalLong.empty(), List.of());
        assertThat(record.toJson()).doesNotContain("hush").contains("AVX2");
        assertThat(record.command()).containsExactly("prune", "--spark-conf", "spark.authenticate.secret=...",
                "--spark-conf=spark.ssl.keyPassword=...", "--spark-conf", "spark.executor.memory=4g", "--model",
                "a.secret=b");
    }
}
