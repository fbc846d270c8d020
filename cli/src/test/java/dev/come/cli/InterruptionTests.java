package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole command in a process of its own, which is stopped by signals, and others meanwhile. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "needs signals and the env command of Linux")
class InterruptionTests {
    @TempDir
    private Path folder;

    private Trial trial;
    private Path out;
    private Path err;

    @BeforeEach
    void makeARunThatTakesAWhile() throws IOException {
        trial = new Trial(folder);
        Files.writeString(trial.text, Trial.text(800));
        out = folder.resolve("out");
        err = folder.resolve("err.txt");
    }

    private List<String> arguments() {
        return trial.prune("--ppl-data", trial.text.toString());
    }

    private Process start(List<String> arguments) throws IOException {
        // A test that runs in the background of a shell would hand on that Ctrl-C is ignored.
        List<String> command = new ArrayList<>(List.of("env", "--default-signal=INT",
                Path.of(System.getProperty("java.home"), "bin/java").toString(), "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC", "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp",
                System.getProperty("java.class.path"), "dev.come.cli.Main"));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(err.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    }

    /** A run that has kept its first step, and does not go on. */
    private Process startAndHold(List<String> arguments) throws IOException, InterruptedException {
        Process process = start(arguments);
        while (!Files.exists(folder.resolve(".out.come-prune/come.json"))) {
            assertThat(process.isAlive()).as(Files.readString(err)).isTrue();
            Thread.sleep(1);
        }
        signal("STOP", process);
        return process;
    }

    private static void signal(String name, Process process) throws IOException, InterruptedException {
        assertThat(new ProcessBuilder("sh", "-c", "kill -" + name + " " + process.pid()).start().waitFor()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void whoInterruptsARunIsToldHowToGoOnAndTheSameCommandDoes(String name, int exitCode) throws Exception {
        assertThat(Trial.run(arguments()).exitCode()).isZero();
        SortedMap<String, String> whole = Trial.hashes(out);
        Files.move(out, folder.resolve("whole"));
        Process process = startAndHold(arguments());
        signal(name, process);
        signal("CONT", process);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(exitCode);
        // A thread that is at work may still tell of a step meanwhile.
        assertThat(Files.readAllLines(err)).filteredOn(line -> line.startsWith("come: interrupted. ")).singleElement()
                .asString().contains(folder.resolve(".out.come-prune").toString(), "the same command goes on");
        assertThat(out).doesNotExist();
        assertThat(left()).as("nothing but what resuming needs").containsExactly(".out.come-prune");
        Trial.Outcome outcome = Trial.run(arguments());
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).contains("Resuming after step ");
        assertThat(Trial.hashes(out)).isEqualTo(whole);
        assertThat(folder.resolve(".out.come-prune")).doesNotExist();
        assertThat(folder.resolve(".out.come-lock")).doesNotExist();
    }

    /** What lies beside the target that a user does not see. */
    private List<String> left() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).filter(name -> name.startsWith(".")).toList();
        }
    }

    @Test
    void theNextRunTakesAwayWhatKilledOnesHaveLeft() throws Exception {
        startAndHold(arguments()).destroyForcibly().waitFor();
        for (String name : List.of(".other.come-lock", ".other.come-2a.lock", ".out.come-2b.lock",
                ".come-file-0123456789abcdef.tmp")) {
            Files.writeString(folder.resolve(name), "");
        }
        for (String name : List.of(".other.come-2a", ".out.come-2b")) {
            Files.writeString(Files.createDirectory(folder.resolve(name)).resolve("model.safetensors"), "half");
        }
        Trial.Outcome outcome = Trial.run(arguments());
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(left()).isEmpty();
    }

    @Test
    void aRunThatEndsIsNotCalledInterrupted() throws Exception {
        Process process = start(trial.prune());
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isZero();
        assertThat(err).content().doesNotContain("interrupted");
        assertThat(folder.resolve(".out.come-lock")).doesNotExist();
    }

    @Test
    void aSecondProcessIsToldWhoHoldsTheTargetAndMayHaveItWhenThatOneIsKilled() throws Exception {
        assertThat(Trial.run(arguments()).exitCode()).isZero();
        SortedMap<String, String> whole = Trial.hashes(out);
        Files.move(out, folder.resolve("whole"));
        Process process = startAndHold(arguments());
        SortedMap<String, String> state = Trial.hashes(folder.resolve(".out.come-prune"));
        List<String> restarted = new ArrayList<>(arguments());
        restarted.add("--restart");
        for (List<String> second : List.of(arguments(), restarted)) {
            Trial.Outcome outcome = Trial.run(second);
            assertThat(outcome.exitCode()).isEqualTo(Failures.FAILED);
            assertThat(outcome.err()).contains(out.toString(), "process " + process.pid() + " on ",
                    "come prune --method concat_merge", "wait until it has ended");
        }
        assertThat(Trial.hashes(folder.resolve(".out.come-prune"))).isEqualTo(state);
        process.destroyForcibly().waitFor();
        Trial.Outcome outcome = Trial.run(arguments());
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(Trial.hashes(out)).isEqualTo(whole);
        assertThat(folder.resolve(".out.come-lock")).doesNotExist();
    }
}
