package dev.come.cli;

import dev.come.UsageException;
import dev.come.calibration.ClusterChoice;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
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

    @Option(names = "--master-timeout", paramLabel = "SECONDS", description = {
        "How long to wait for a machine of --master that is free (default: " + ClusterChoice.DEFAULT_TIMEOUT + ")."})
    private @Nullable Integer timeout;

    @Option(names = "--ship-model", description = {
        "Send the files of the model to the machines; without it each has them at the same path."})
    private boolean shipModel;

    Optional<ClusterChoice> choice() {
        if (master == null) {
            Stream.of(Map.entry("--spark-conf", !settings.isEmpty()), Map.entry("--master-timeout", timeout != null),
                    Map.entry("--ship-model", shipModel)).filter(Map.Entry::getValue).findFirst().ifPresent(given -> {
                        throw new UsageException(given.getKey()
                                + " is about a cluster, but none is named; give --master too, or leave it out");
                    });
        }
        return Optional.ofNullable(master).map(url -> new ClusterChoice(url, settings(),
                timeout == null ? ClusterChoice.DEFAULT_TIMEOUT : timeout, shipModel));
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
