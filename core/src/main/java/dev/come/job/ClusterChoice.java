package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Cluster;
import java.util.Collections;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * The machines that calibration tokens are measured on, where it is not this one.
 *
 * @param master {@code --master}
 * @param settings {@code --spark-conf}
 */
public record ClusterChoice(String master, Map<String, String> settings) {
    /** @throws UsageException if this CoMe has no part that reaches clusters */
    public ClusterChoice {
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
        provider(master);
    }

    /** Takes the machines; whoever asks for them gives them back. */
    Cluster connect(Progress progress) {
        return provider(master).connect(master, settings, progress);
    }

    private static Cluster.Provider provider(String master) {
        return ServiceLoader.load(Cluster.Provider.class).findFirst()
                .orElseThrow(() -> new UsageException("--master " + master
                        + ": come-spark, which reaches clusters, is not on the class path; start bin/come-spark instead,"
                        + " as docs/cluster.md says, or leave --master out"));
    }
}
