package dev.come.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.api.Come;
import dev.come.api.Distill;
import dev.come.api.Eval;
import dev.come.api.Prune;
import dev.come.calibration.Cluster;
import dev.come.calibration.ClusterChoice;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.spark.SparkConf;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two executors in processes of their own, and the same bytes as from this process. */
class SparkClusterTests {
    private static final String CLUSTER = "local-cluster[2,1,1024]";
    private static final Path FIXTURES = Path.of(System.getProperty("come.root"), "core/src/test/resources");
    private static final String METHODS = "shortgpt,concat_merge,taylor,come_auto";
    private static final int KILLED = 3;

    @TempDir
    private Path folder;

    /** What local-cluster expects of a distribution of Spark. */
    @BeforeAll
    static void makeHome() throws IOException {
        Files.createDirectories(Path.of(Objects.requireNonNull(System.getenv("SPARK_HOME")), "jars"));
    }

    private Path model() throws IOException {
        Path model = Files.createDirectories(folder.resolve("model"));
        try (Stream<Path> files = Files.list(FIXTURES.resolve("golden/models/llama-gqa"))) {
            for (Path file : files.toList()) {
                Files.copy(file, model.resolve(file.getFileName().toString()));
            }
        }
        Files.copy(FIXTURES.resolve("fixtures/words/tokenizer.json"), model.resolve("tokenizer.json"));
        return model;
    }

    /** Enough for several shards. */
    private Path text() throws IOException {
        Random random = new Random(7);
        return Files.writeString(folder.resolve("text.txt"), Stream.generate(() -> random.ints(40, 3, 128)
                .mapToObj(word -> "w" + word).collect(Collectors.joining(" "))).limit(700)
                .collect(Collectors.joining("\n\n", "", "\n")));
    }

    private static Prune prune(Path model, Path text, Path target) {
        return Come.prune(model).method(METHODS).layers(4).calibrateOn(text).samples(350).windowLength(64).threads(1)
                .memory(1_000_000).option("refit", 1).heal().perplexityOn(text).perplexityWindows(40).saveTo(target);
    }

    @Test
    void aClusterWhoseExecutorsAreKilledGivesTheBytesOfOneMachine() throws IOException {
        long seed = System.nanoTime();
        System.out.println("SparkClusterTests: executors killed at random with seed " + seed);
        Path model = model();
        Path text = text();
        assertThat(prune(model, text, folder.resolve("alone")).compare().failures()).isEmpty();
        Killer killer = new Killer(new Random(seed));
        assertThat(prune(model, text, folder.resolve("many")).master(CLUSTER).progress(killer).compare().failures())
                .isEmpty();
        assertThat(killer.killed).as("executors killed").hasValue(KILLED);
        assertThat(killer.notes).anyMatch(note -> note.matches("Calibration in [2-9] shards on .*"))
                .anyMatch(note -> note.matches("Cluster: \\d+ executors, \\d+ rounds, .* of the time"));
        for (String method : List.of("shortgpt", "concat_merge", "taylor", "come_auto")) {
            assertThat(hashes(folder.resolve("many").resolve(method))).as(method + ", seed " + seed)
                    .isEqualTo(hashes(folder.resolve("alone").resolve(method)));
        }
    }

    @Test
    void aModelIsMeasuredAsOnOneMachine() throws IOException {
        Path model = model();
        Path text = text();
        Path small = folder.resolve("small");
        Come.prune(model).method("shortgpt").layers(4).calibrateOn(text).samples(8).windowLength(64).saveTo(small)
                .run();
        Path task = task();
        eval(small, model, text, task, "alone").run();
        eval(small, model, text, task, "many").master(CLUSTER).run();
        for (String ending : List.of(".json", ".samples.jsonl", ".csv")) {
            assertThat(Files.readString(folder.resolve("many" + ending)))
                    .isEqualTo(Files.readString(folder.resolve("alone" + ending)));
        }
    }

    private Eval eval(Path model, Path dense, Path text, Path task, String name) {
        return Come.eval(model).tasks(task.toString()).compareWith(dense.toString()).perplexityOn(text)
                .windowLength(64).perplexityWindows(300).threads(1).logSamples().output(folder.resolve(name + ".json"))
                .losses(folder.resolve(name + ".csv"));
    }

    private Path task() throws IOException {
        Random random = new Random(5);
        Files.writeString(folder.resolve("rows.jsonl"), Stream.generate(() -> """
                {"question": "%s", "choices": ["%s", "%s", "%s"], "answer": %s}
                """.formatted(words(random, 40), words(random, 3), words(random, 2), words(random, 4),
                random.nextInt(3))).limit(400).collect(Collectors.joining()));
        return Files.writeString(folder.resolve("words.json"), """
                {"task": "words", "version": "7",
                 "documents": {"split": "test", "files": "rows.jsonl", "rows": 400},
                 "context": "{question}", "choices": "choices", "gold": {"column": "answer"},
                 "metrics": ["acc", "acc_norm"]}
                """);
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    @Test
    void layersAreTrainedAsOnOneMachine() throws IOException {
        Path model = model();
        Path text = text();
        Path small = folder.resolve("small");
        Come.prune(model).method("concat_merge").layers(3).calibrateOn(text).samples(8).windowLength(64).saveTo(small)
                .run();
        distil(small, model, text, "alone").run();
        // As in the hub's cache, where files are links to what is named after its content.
        Path links = Files.createDirectories(folder.resolve("links"));
        Path blobs = Files.createDirectories(folder.resolve("blobs"));
        for (Path file : files(model)) {
            boolean read = file.endsWith("config.json") || file.endsWith("model.safetensors");
            Path content = Files.copy(file, (read ? blobs : links)
                    .resolve(read ? Integer.toHexString(file.hashCode()) : file.getFileName().toString()));
            if (read) {
                Files.createSymbolicLink(links.resolve(file.getFileName()), content);
            }
        }
        distil(small, links, text, "many").master(CLUSTER).shipModel().run();
        assertThat(hashes(folder.resolve("many"))).isEqualTo(hashes(folder.resolve("alone")));
    }

    private static List<Path> files(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.toList();
        }
    }

    private Distill distil(Path small, Path dense, Path text, String name) {
        return Come.distill(small, dense).level("layer").calibrateOn(text).tokens(4000).validationTokens(500)
                .batchTokens(256).windowLength(64).threads(1).saveTo(folder.resolve(name));
    }

    /** What a model folder holds, but for the record of the run and the page, which tell of times. */
    private static Map<String, Integer> hashes(Path model) {
        try (Stream<Path> files = Files.list(model)) {
            return files.filter(file -> !file.toString().endsWith("run.json") && !file.toString().endsWith(".html"))
                    .collect(Collectors.toMap(file -> file.getFileName().toString(), SparkClusterTests::hash));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int hash(Path file) {
        try {
            return Arrays.hashCode(Files.readAllBytes(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Ends an executor now and then, as a machine ends that loses its power. */
    private static final class Killer implements Progress {
        private final Random random;
        private final AtomicInteger killed = new AtomicInteger();
        private final List<String> notes = new CopyOnWriteArrayList<>();

        Killer(Random random) {
            this.random = random;
        }

        @Override
        public Task begin(String what, long total, String unit) {
            return _ -> kill();
        }

        private synchronized void kill() {
            // This process starts no others than executors.
            List<ProcessHandle> executors = ProcessHandle.current().descendants()
                    .filter(process -> process.info().command().filter(name -> name.endsWith("java")).isPresent())
                    .toList();
            if (!executors.isEmpty() && killed.get() < KILLED && random.nextInt(4) == 0) {
                executors.get(random.nextInt(executors.size())).destroyForcibly();
                killed.incrementAndGet();
            }
        }

        @Override
        public void note(String line) {
            notes.add(line);
        }
    }

    private static Cluster connect(String master, Map<String, String> settings) {
        return new ClusterChoice(master, settings, 3, false).connect(Progress.NONE);
    }

    @Test
    void aClusterThatDoesNotAnswerIsTold() {
        assertThatThrownBy(() -> connect("spark://127.0.0.1:1", Map.of())).isInstanceOf(FailedException.class)
                .hasMessageStartingWith("The cluster spark://127.0.0.1:1 does not answer (127.0.0.1:1: ");
        assertThatThrownBy(() -> connect("spark://nowhere", Map.of())).isInstanceOf(UsageException.class)
                .hasMessageContaining("spark://HOST:PORT");
    }

    @Test
    void clustersThatNeedMoreOfSparkAreTold() {
        for (String master : List.of("yarn", "k8s://https://host:6443")) {
            assertThatThrownBy(() -> connect(master, Map.of())).isInstanceOf(UsageException.class)
                    .hasMessageContaining("spark-submit");
        }
    }

    @Test
    void sparkSubmitNamesTheMaster() {
        assertThat(Main.withMaster(new String[]{"prune", "--model", "m"}, "yarn")).containsExactly("prune", "--model",
                "m", "--master", "yarn");
        assertThat(Main.withMaster(new String[]{"prune", "--master=local[1]"}, "yarn")).hasSize(2);
        assertThat(Main.withMaster(new String[]{"inspect", "m"}, "yarn")).hasSize(2);
        assertThat(Main.withMaster(new String[]{"heal"}, null)).containsExactly("heal");
    }

    @Test
    void whatCannotBeIsRefusedBeforeAnythingIsStarted() {
        assertThatThrownBy(() -> connect("mesos://x", Map.of()))
                .isInstanceOf(UsageException.class).hasMessageContaining("--master is \"mesos://x\"");
        assertThatThrownBy(
                () -> connect("local[1]", Map.of("executor.memory", "1g")))
                .isInstanceOf(UsageException.class).hasMessageContaining("--spark-conf executor.memory");
        assertThatThrownBy(() -> Come.prune(folder.resolve("model")).method("sleb").layers(4)
                .sparkConf("spark.ui.enabled", "true").saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageContaining("call master(...) too");
        assertThat(ServiceLoader.load(Cluster.Provider.class)).hasAtLeastOneElementOfType(SparkProvider.class);
    }

    @Test
    void whatOnlyOneMachineDoesIsRefusedBeforeAnythingIsStarted() throws IOException {
        Path model = model();
        Path target = folder.resolve("out");
        assertThatThrownBy(() -> Come.prune(model).method("seam_auto").layers(4).master(CLUSTER).saveTo(target).run())
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("seam_auto is done on one machine only; leave one of the two out");
        assertThatThrownBy(() -> Come.prune(model).method("shortgpt").layers(4).heal().healWeights("loss")
                .master(CLUSTER).saveTo(target).run()).isInstanceOf(UsageException.class)
                .hasMessageContaining("is done on one machine only");
        assertThatThrownBy(() -> Come.heal(model, model).healTargets("all").master(CLUSTER).saveTo(target).run())
                .isInstanceOf(UsageException.class).hasMessageContaining("is done on one machine only");
        assertThat(target).doesNotExist();
    }

    @Test
    void whatTheUserSetsWins() {
        SparkConf conf = SparkProvider.conf("spark://host:7077",
                Map.of("spark.task.maxFailures", "2", "spark.executor.extraJavaOptions", "-Dx=y"));
        assertThat(conf.get("spark.task.maxFailures")).isEqualTo("2");
        assertThat(conf.get("spark.executor.extraJavaOptions")).startsWith("--enable-native-access").endsWith(" -Dx=y");
        assertThat(conf.get("spark.ui.enabled")).isEqualTo("false");
    }

    /** What an executor cannot do it will not do at the next try either; the sentence names its machine. */
    @Test
    void aReplyWithoutAnAnswerNamesTheHost() {
        Reply<Long> reply = new Reply<>(null,
                "There is no model at /m; every machine needs the model at the same place",
                "dev.come.FailedException", "node7", "executor_node7_3", 0);
        assertThatThrownBy(reply::requireAnswer).hasMessage(
                "On node7: There is no model at /m; every machine needs the model at the same place");
    }
}
