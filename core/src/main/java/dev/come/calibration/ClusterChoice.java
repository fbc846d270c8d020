package dev.come.calibration;

import dev.come.Progress;
import dev.come.UsageException;
import java.util.Collections;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * Other machines that a user asks for.
 *
 * @param master {@code --master}
 * @param settings {@code --spark-conf}
 * @param timeout {@code --master-timeout}: how many seconds to wait for a machine that is free
 * @param shipModel {@code --ship-model}: whether machines are sent the files of the model
 */
public record ClusterChoice(String master, Map<String, String> settings, int timeout, boolean shipModel) {
    /** How many seconds, where nothing else is asked for. */
    public static final int DEFAULT_TIMEOUT = 600;

    /** @throws UsageException if this CoMe has no part that reaches clusters, or a value cannot be */
    public ClusterChoice {
        settings = Collections.unmodifiableMap(new TreeMap<>(settings));
        if (timeout < 1) {
            throw new UsageException("--master-timeout is " + timeout + " seconds, but must be at least 1");
        }
        provider(master);
    }

    /** Takes the machines; whoever asks for them gives them back. */
    public Cluster connect(Progress progress) {
        return provider(master).connect(this, progress);
    }

    private static Cluster.Provider provider(String master) {
        return ServiceLoader.load(Cluster.Provider.class).findFirst()
                .orElseThrow(() -> new UsageException("--master " + master
                        + ": come-spark, which reaches clusters, is not on the class path; start bin/come-spark instead,"
                        + " as docs/cluster.md says, or leave --master out"));
    }
}
