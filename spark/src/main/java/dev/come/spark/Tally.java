package dev.come.spark;

import dev.come.ByteSize;
import java.time.Duration;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerJobStart;
import org.apache.spark.scheduler.SparkListenerTaskEnd;

/** What a cluster has done for a run: by it users see whether more executors would help. */
final class Tally extends SparkListener {
    private final long begun = System.nanoTime();
    private final AtomicLong rounds = new AtomicLong();
    private final AtomicLong tasks = new AtomicLong();
    private final AtomicLong failed = new AtomicLong();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong milliseconds = new AtomicLong();
    private final Set<String> executors = ConcurrentHashMap.newKeySet();

    @Override
    public void onExecutorAdded(SparkListenerExecutorAdded added) {
        executors.add(added.executorId());
    }

    @Override
    public void onJobStart(SparkListenerJobStart job) {
        rounds.incrementAndGet();
    }

    @Override
    public void onTaskEnd(SparkListenerTaskEnd end) {
        if (!end.taskInfo().successful()) {
            failed.incrementAndGet();
        } else if (end.taskMetrics() != null) {
            tasks.incrementAndGet();
            bytes.addAndGet(end.taskMetrics().resultSize());
            milliseconds.addAndGet(end.taskMetrics().executorRunTime());
        }
    }

    /** One line for the user. */
    String line(int parallel) {
        double busy = Duration.ofMillis(milliseconds.get()).toNanos()
                / (double) Math.max(1, (System.nanoTime() - begun) * parallel);
        return String.format(Locale.ROOT,
                "Cluster: %d executors, %d rounds, %d tasks (%d failed and done again), %s of answers;"
                        + " executors computed %.0f %% of the time",
                executors.size(), rounds.get(), tasks.get(), failed.get(), ByteSize.format(bytes.get()), 100 * busy);
    }
}
