package dev.come.cli;

import dev.come.UsageException;
import dev.come.job.ClusterChoice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Other machines to measure on. */
final class ClusterOptions {
    @Option(names = "--master", paramLabel = "URL", description = {
        "Compute on an Apache Spark cluster, such as spark://HOST:7077; the result is the same to the bit.",
        "It needs come-spark: start bin/come-spark instead of come (docs/cluster.md)."})
    private @Nullable String master;

    @Option(names = "--spark-conf", paramLabel = "KEY=VALUE",
            description = "A setting of Spark, such as spark.executor.memory=4g; may be given several times.")
    private List<String> settings = new ArrayList<>();

    Optional<ClusterChoice> choice() {
        if (master == null && !settings.isEmpty()) {
            throw new UsageException(
                    "--spark-conf sets up a cluster, but none is named; give --master too, or leave it out");
        }
        return Optional.ofNullable(master).map(url -> new ClusterChoice(url, settings()));
    }

    private Map<String, String> settings() {
        Map<String, String> byKey = new LinkedHashMap<>();
        for (String setting : settings) {
            int sign = setting.indexOf('=');
            if (sign < 1) {
                throw new UsageException("--spark-conf is \"" + setting
                        + "\", but should be a name and a value, such as spark.executor.memory=4g");
            }
            byKey.put(setting.substring(0, sign), setting.substring(sign + 1));
        }
        return byKey;
    }
}
