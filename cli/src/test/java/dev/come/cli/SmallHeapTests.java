package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The command in a process that has too little memory: one sentence, no trace, and nothing left behind. */
@Timeout(120)
class SmallHeapTests {
    private static final int FAILED = 1;

    @TempDir
    private Path folder;
    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private String failure(String heap, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java")
                .toString(), heap, "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC",
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp", System.getProperty("java.class.path"),
                "dev.come.cli.Main"));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(said).isEqualTo(FAILED);
        assertThat(said).doesNotContain("\tat ", "Exception in thread");
        List<String> lines = said.lines().filter(line -> line.startsWith("come: ")).toList();
        assertThat(lines).as(said).hasSize(1);
        return lines.getFirst();
    }

    @Test
    void aFileLargerThanTheHeapIsToldWithItsSize() throws IOException, InterruptedException {
        Path config = trial.model.resolve("config.json");
        Files.writeString(config, Files.readString(config).replaceFirst("\\{", "{\"note\": \"" + "x".repeat(15_000_000)
                + "\","));
        assertThat(failure("-Xmx32m", List.of("inspect", trial.model.toString())))
                .contains("Reading " + config + " (15.0 MB) needs more than the ", "of Java's heap",
                        "COME_JAVA_OPTS=-Xmx");
        assertThat(Trial.hashes(folder).keySet())
                .allMatch(name -> name.startsWith("model/") || name.equals("text.txt"));
    }

    /** More positions than any machine has memory for, which the model allows. */
    @Test
    void aTensorLargerThanTheMachineIsToldWithWhatHelps() throws IOException, InterruptedException {
        Path config = trial.model.resolve("config.json");
        Files.writeString(config, Files.readString(config).replaceFirst("\"max_position_embeddings\": *\\d+",
                "\"max_position_embeddings\": 2000000000"));
        assertThat(failure("-Xmx256m", List.of("generate", "--model-name", trial.model.toString(), "--prompt", "w3",
                "--max-new-tokens", "1900000000", "--threads", "1"))).contains(" more memory than the system has",
                        "--memory", "--dtype");
    }
}
