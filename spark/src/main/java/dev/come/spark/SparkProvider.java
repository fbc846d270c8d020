package dev.come.spark;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Cluster;
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

    /** What natives need, and what keeps warnings of the virtual machine away. */
    private static final String JAVA = "--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
            + " -Dorg.bytedeco.javacpp.maxPhysicalBytes=0";

    /** Executors are lost and found again; only a step that fails so often ends the run. */
    private static final String ATTEMPTS = "16";

    /** Found by {@link java.util.ServiceLoader}. */
    public SparkProvider() {
    }

    @Override
    public Cluster connect(String master, Map<String, String> settings, Progress progress) {
        if (!MASTER.matcher(master).matches()) {
            throw new UsageException("--master is \"" + master
                    + "\", but should be spark://HOST:PORT, k8s://HOST, yarn, local[N] or local-cluster[N,CORES,MEMORY]");
        }
        if (master.startsWith("local-cluster") && System.getenv("SPARK_SCALA_VERSION") == null) {
            throw new UsageException("--master " + master
                    + " needs SPARK_HOME and SPARK_SCALA_VERSION in the environment, which bin/come-spark sets; start that");
        }
        SparkConf conf = conf(master, settings);
        Progress.Task task = progress.begin("connecting to " + master, 1, "clusters");
        try (task) {
            SparkContext context = new SparkContext(conf);
            task.advance(1);
            return new SparkCluster(context, master, progress);
        } catch (RuntimeException e) {
            throw new FailedException("The cluster " + master + " cannot be used: " + reason(e), e);
        }
    }

    /** The settings of the user, and those that a run needs where he says nothing else. */
    static SparkConf conf(String master, Map<String, String> settings) {
        SparkConf conf = new SparkConf(false);
        settings.forEach((key, value) -> {
            if (!key.startsWith("spark.")) {
                throw new UsageException(
                        "--spark-conf " + key + " is no setting of Spark, whose names begin with spark.");
            }
            conf.set(key, value);
        });
        conf.setMaster(master).setIfMissing("spark.app.name", "come").setIfMissing("spark.ui.enabled", "false")
                .setIfMissing("spark.task.maxFailures", ATTEMPTS)
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
