package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole command in a process of its own, killed without warning. */
class KillTests {
    private static final int KILLS = 4;

    @TempDir
    private Path folder;

    private static Process start(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp", System.getProperty("java.class.path"),
                "dev.come.cli.Main"));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    @ParameterizedTest
    @CsvSource({"concat_merge,''", "come_auto,--refit=2 --shortlist=2 --granularity=2"})
    void aKilledRunLeavesNoHalfModelAndTheSameCommandEndsWithTheSameBytes(String method, String options)
            throws IOException, InterruptedException {
        Trial trial = new Trial(folder);
        SortedMap<String, String> source = Trial.hashes(trial.model);
        List<String> arguments = trial.prune("--ppl-data", trial.text.toString());
        arguments.set(arguments.indexOf("--method") + 1, method);
        Stream.of(options.split(" ", -1)).filter(option -> !option.isEmpty()).forEach(arguments::add);
        Path out = folder.resolve("out");

        long started = System.nanoTime();
        assertThat(start(arguments).waitFor()).isZero();
        long duration = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
        SortedMap<String, String> whole = Trial.hashes(out);
        delete(out);

        long seed = System.nanoTime();
        System.out.println("KillTests: moments drawn with seed " + seed);
        Random random = new Random(seed);
        for (int kill = 0; kill < KILLS; kill++) {
            Process process = start(arguments);
            // Before half of the time it still starts up.
            process.waitFor(random.nextLong(duration / 2, duration), TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
            if (Files.exists(out)) {
                assertThat(Trial.hashes(out)).as("a folder that has its name is whole, seed " + seed)
                        .isEqualTo(whole);
                delete(out);
            }
            assertThat(Trial.hashes(trial.model)).as("the source").isEqualTo(source);
            Trial.Outcome outcome = Trial.run(arguments);
            assertThat(outcome.exitCode()).as(outcome.err()).isZero();
            assertThat(Trial.hashes(out)).as("seed " + seed).isEqualTo(whole);
            delete(out);
        }
    }

    @Test
    void aKilledEvaluationGoesOnAndEndsWithTheSameBytes() throws IOException, InterruptedException {
        Trial trial = new Trial(folder);
        Random words = new Random(11);
        Files.writeString(folder.resolve("rows.jsonl"), Stream.generate(() -> """
                {"q": "%s", "choices": ["%s", "%s"], "answer": %s}
                """.formatted(words(words, 60), words(words, 5), words(words, 5), words.nextInt(2))).limit(600)
                .collect(Collectors.joining()));
        Path task = Files.writeString(folder.resolve("task.json"), """
                {"task": "words", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
                 "context": "{q}", "choices": "choices", "gold": {"column": "answer"}, "metrics": ["acc", "acc_norm"]}
                """);
        List<String> arguments = new ArrayList<>(List.of("eval", "--model-name", trial.model.toString(), "--tasks",
                task.toString(), "--data-dir", folder.toString(), "--threads", "1", "--memory", "1KB", "--output"));
        Path whole = folder.resolve("whole.json");
        long started = System.nanoTime();
        assertThat(start(with(arguments, whole)).waitFor()).isZero();
        long duration = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - started);
        long seed = System.nanoTime();
        System.out.println("KillTests: moments drawn with seed " + seed);
        Random random = new Random(seed);
        for (int kill = 0; kill < KILLS; kill++) {
            Path killed = folder.resolve("killed" + kill + ".json");
            Process process = start(with(arguments, killed));
            process.waitFor(random.nextLong(duration / 2, duration), TimeUnit.MILLISECONDS);
            process.destroyForcibly().waitFor();
            if (!Files.exists(killed)) {
                Trial.Outcome outcome = Trial.run(with(arguments, killed));
                assertThat(outcome.exitCode()).as(outcome.err()).isZero();
            }
            assertThat(Files.readString(killed)).as("seed " + seed).isEqualTo(Files.readString(whole));
        }
    }

    private static List<String> with(List<String> arguments, Path output) {
        List<String> all = new ArrayList<>(arguments);
        all.add(output.toString());
        return all;
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    private static void delete(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
