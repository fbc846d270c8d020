package dev.come.spark;

import dev.come.ComeException;
import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Cluster;
import dev.come.calibration.ClusterChoice;
import dev.come.failure.Opening;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;

/** Takes executors of Apache Spark. */
public final class SparkProvider implements Cluster.Provider {
    private static final Pattern MASTER = Pattern
            .compile("local(\\[.+])?|local-cluster\\[\\d+,\\d+,\\d+]|spark://.+|k8s://.+|yarn");
    private static final String OPTIONS = "spark.executor.extraJavaOptions";
    private static final String CLASS_PATH = "spark.executor.extraClassPath";

    /**
     * What natives need, what keeps warnings of the virtual machine away, and what suits a machine that computes outside of Java: its
     * heap holds messages only, and time that goes into fast Java code is not won back.
     */
    private static final String JAVA = "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
            + " -XX:+UseSerialGC -Xmn64m -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=20 -XX:TieredStopAtLevel=1"
            + " -Dorg.bytedeco.javacpp.maxPhysicalBytes=0";

    /** Executors are lost and found again; only a step that fails so often ends the run. */
    private static final String ATTEMPTS = "16";

    private static final String DIRECT_RESULT = "32m";

    private static final int LOOK_AGAIN_MILLISECONDS = 100;
    private static final int PATIENCE = 5;
    private static final String STANDALONE = "spark://";
    private static final int CONNECT_MILLISECONDS = 10_000;

    /** Whether spark-submit has started this program; its settings then hold. */
    private static final boolean SUBMITTED = System.getProperty("SPARK_SUBMIT") != null;

    /** Found by {@link java.util.ServiceLoader}. */
    public SparkProvider() {
    }

    @Override
    public Cluster connect(ClusterChoice choice, Progress progress) {
        String master = choice.master();
        if (!MASTER.matcher(master).matches()) {
            throw new UsageException("--master is \"" + master
                    + "\", but should be spark://HOST:PORT, k8s://HOST, yarn, local[N] or local-cluster[N,CORES,MEMORY]");
        }
        if (master.startsWith("local-cluster") && System.getenv("SPARK_SCALA_VERSION") == null) {
            throw new UsageException("--master " + master
                    + " needs SPARK_HOME and SPARK_SCALA_VERSION in the environment, which bin/come-spark sets; start that");
        }
        SparkConf conf = conf(master, choice.settings());
        requireManager(master);
        requireReachable(master);
        try (Progress.Task task = progress.begin(Cluster.CONNECTING + master, 1, "clusters");
                Opening opening = new Opening()) {
            SparkContext context = new SparkContext(conf);
            opening.add(context::stop);
            Tally tally = new Tally();
            context.addSparkListener(tally);
            if (!master.equals("local") && !master.startsWith("local[")) {
                awaitExecutor(context, choice, progress);
            }
            task.advance(1);
            opening.done();
            return new SparkCluster(context, choice, tally, progress);
        } catch (ComeException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new FailedException("The cluster " + master + " cannot be used: " + reason(e), e);
        }
    }

    /** What Spark needs to reach clusters of other kinds comes with its distribution, not with its core. */
    private static void requireManager(String master) {
        Map<String, String> managers = Map.of("k8s", "org.apache.spark.scheduler.cluster.k8s.KubernetesClusterManager",
                "yarn", "org.apache.spark.scheduler.cluster.YarnClusterManager");
        String manager = managers.get(master.startsWith("k8s://") ? "k8s" : master);
        if (manager != null) {
            try {
                Class.forName(manager, false, SparkProvider.class.getClassLoader());
            } catch (ClassNotFoundException _) {
                throw new UsageException("--master " + master + " needs a distribution of Spark 4.2, which knows such"
                        + " clusters; start its spark-submit --class dev.come.spark.Main, as docs/cluster.md says");
            }
        }
    }

    /** Spark itself takes a minute to find that nobody answers. */
    private static void requireReachable(String master) {
        if (!master.startsWith(STANDALONE)) {
            return;
        }
        List<String> reasons = new ArrayList<>();
        for (String address : List.of(master.substring(STANDALONE.length()).split(",", -1))) {
            URI uri = URI.create(STANDALONE + address);
            if (uri.getHost() == null || uri.getPort() < 0) {
                throw new UsageException("--master is \"" + master + "\", but should be spark://HOST:PORT");
            }
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(uri.getHost(), uri.getPort()), CONNECT_MILLISECONDS);
                return;
            } catch (IOException e) {
                reasons.add(address + ": " + e.getMessage());
            }
        }
        throw new FailedException("The cluster " + master + " does not answer (" + String.join("; ", reasons)
                + "); check that its master runs there and that this machine reaches it");
    }

    /** Waits until one executor has come; more may come later. */
    private static void awaitExecutor(SparkContext context, ClusterChoice choice, Progress progress) {
        long begun = System.nanoTime();
        boolean told = false;
        // The driver is one of those that are listed.
        while (context.statusTracker().getExecutorInfos().length < 2) {
            long seconds = Duration.ofNanos(System.nanoTime() - begun).toSeconds();
            if (context.isStopped()) {
                throw new FailedException("The cluster " + choice.master()
                        + " does not answer; check that its master runs there and that this machine reaches it");
            }
            if (seconds >= choice.timeout()) {
                throw new FailedException("The cluster " + choice.master() + " has given no executor in "
                        + choice.timeout()
                        + " seconds; its workers may be busy, or have less memory or fewer processors"
                        + " than spark.executor.memory and spark.executor.cores ask for; give --master-timeout more");
            }
            if (!told && seconds >= PATIENCE) {
                progress.note("Waiting for an executor of " + choice.master() + ", for at most " + choice.timeout()
                        + " seconds");
                told = true;
            }
            try {
                Thread.sleep(LOOK_AGAIN_MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedRunException(e);
            }
        }
    }

    /** The settings of the user, and those that a run needs where he says nothing else. */
    static SparkConf conf(String master, Map<String, String> settings) {
        SparkConf conf = new SparkConf(SUBMITTED);
        settings.forEach((key, value) -> {
            if (!key.startsWith("spark.")) {
                throw new UsageException(
                        "--spark-conf " + key + " is no setting of Spark, whose names begin with spark.");
            }
            conf.set(key, value);
        });
        conf.setMaster(master).setIfMissing("spark.app.name", "come").setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.task.maxFailures", ATTEMPTS)
                // Pieces of sums are added as they come, so their sum need not be limited.
                .setIfMissing("spark.driver.maxResultSize", "0")
                // They come with the message that a task has ended, and are not fetched after it.
                .setIfMissing("spark.task.maxDirectResultSize", DIRECT_RESULT)
                // Sums of floats do not get smaller, and take time to try.
                .setIfMissing("spark.shuffle.compress", "false").setIfMissing("spark.shuffle.spill.compress", "false")
                .setIfMissing("spark.broadcast.compress", "false").setIfMissing("spark.rdd.compress", "false")
                // Every executor is worth taking back: what it had is made again.
                .setIfMissing("spark.deploy.maxExecutorRetries", "-1")
                .setIfMissing(CLASS_PATH, System.getProperty("java.class.path"))
                .setIfMissing("spark.executorEnv.OPENBLAS_NUM_THREADS", "1");
        String said = conf.get(OPTIONS, "");
        conf.set(OPTIONS, said.isEmpty() ? JAVA : JAVA + " " + said);
        return conf;
    }

    /** The first line of what the engine says; the rest is for those who ask for all of it. */
    static String reason(Throwable failure) {
        String message = failure.getMessage() == null ? failure.toString() : failure.getMessage();
        return message.lines().findFirst().orElse("").strip();
    }
}
