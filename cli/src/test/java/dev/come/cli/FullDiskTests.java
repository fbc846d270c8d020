package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command in a process of its own, where the folders that libraries are unpacked to have no room. */
class FullDiskTests {
    @TempDir
    private Path folder;
    private Path disk;
    private Trial trial;

    @BeforeEach
    void mountASmallDisk() throws IOException, InterruptedException {
        trial = new Trial(folder);
        disk = Files.createDirectory(folder.resolve("disk"));
        if (!run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk.toString())) {
            String reason = "skipped: a small file system cannot be mounted here, which only root may do";
            System.out.println("FullDiskTests: " + reason);
            abort(reason);
        }
    }

    @AfterEach
    void unmount() throws InterruptedException {
        run("umount", disk.toString());
    }

    private static boolean run(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start().waitFor() == 0;
        } catch (IOException _) {
            return false; // there is no such command
        }
    }

    /** What the command says where a property of Java names the disk. */
    private String told(String property, List<String> arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-D" + property + "=" + disk,
                "-Dorg.bytedeco.javacpp.maxPhysicalBytes=0", "-cp", System.getProperty("java.class.path"),
                "dev.come.cli.Main"));
        command.addAll(arguments);
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isEqualTo(1);
        return output;
    }

    @Test
    void aFullHomeIsNamed() throws IOException, InterruptedException {
        assertThat(told("user.home", trial.prune("--quiet"))).hasLineCount(1)
                .contains(disk.resolve(".djl.ai") + ", where ", "are needed; make room there").doesNotContain("CUDA");
        assertThat(told("org.bytedeco.javacpp.cachedir", trial.prune("--quiet"))).hasLineCount(1)
                .contains(disk + ", where ", "are needed; make room there").doesNotContain("CUDA");
    }

    @Test
    void aFullFolderForTemporaryFilesIsNamed() throws IOException, InterruptedException {
        Path table = Files.writeString(folder.resolve("table.csv"), "text\n" + "w3 w4 w5 w6\n".repeat(100));
        assertThat(told("java.io.tmpdir", trial.prune("--quiet", "--calibration-dataset", table.toString())))
                .hasLineCount(1).contains(disk + ", where ", "are needed; make room there", "java.io.tmpdir");
    }

    @Test
    void aTargetWithTooLittleRoomIsRefusedBeforeTheWork() throws IOException, InterruptedException {
        Path out = disk.resolve("out");
        Files.write(disk.resolve("full"), new byte[1_000_000]);
        for (List<String> more : List.of(List.of("--quiet"), List.of("--quiet", "--dry-run"))) {
            assertThatThereIsNoRoom(out, more);
            assertThat(Files.exists(out)).isFalse();
        }
        Files.createDirectories(out);
        assertThatThereIsNoRoom(out, List.of("--quiet"));
        assertThat(out).isEmptyDirectory();
    }

    private void assertThatThereIsNoRoom(Path out, List<String> more) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(trial.prune("--save-path", out.toString()));
        arguments.addAll(more);
        assertThat(told("come.none", arguments)).contains("come: --save-path: ", " will be written to " + out,
                " are free there; make room there, or give another folder");
    }
}
