package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.WordModels;
import dev.come.failure.Unfinished;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What is left when a process is killed or interrupted in the middle of writing, and who takes it away. */
@EnabledOnOs(value = OS.LINUX, disabledReason = "elsewhere a file that is being written to cannot be locked")
class LeftoversTests {
    private static final String FILE = "\\.come-file-[0-9a-f]{16}\\.tmp";

    @TempDir
    private Path folder;

    /** Writes a file and a folder, and stops in the middle of both. */
    static final class Writing {
        static void main(String[] arguments) throws IOException {
            Runtime.getRuntime().addShutdownHook(new Thread(Unfinished::removeAll));
            Path folder = Path.of(arguments[0]);
            try (AtomicFolder made = AtomicFolder.beside(folder.resolve("new/out"))) {
                Files.writeString(made.folder().resolve("half"), "half");
                AtomicFile.writeText(folder.resolve("file"), out -> {
                    out.write("half");
                    out.flush();
                    System.out.println("half");
                    while (true) { // as long as there is something to write to
                        Files.writeString(made.folder().resolve("more" + System.nanoTime()), "more");
                    }
                });
            }
        }
    }

    private Process writing() throws IOException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                Writing.class.getName(), folder.toString()).redirectErrorStream(true).start();
        BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
        assertThat(output.readLine()).isEqualTo("half");
        return process;
    }

    @Test
    void ofAProcessThatIsInterruptedNothingIsLeftAndItDoesNotComplain() throws Exception {
        Process process = writing();
        process.toHandle().destroy(); // which leaves its output open
        assertThat(process.inputReader(StandardCharsets.UTF_8).readLine()).isNull();
        assertThat(process.waitFor()).isEqualTo(143);
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void whatAKilledProcessHasLeftIsRemovedByTheNextWriter() throws Exception {
        writing().destroyForcibly().waitFor();
        assertThat(WordModels.names(folder)).hasSize(2).anyMatch(name -> name.matches(FILE));
        AtomicFile.write(folder.resolve("other"), "text");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrder("new", "other");
        Leftovers.tidy(folder.resolve("new"), ".come-lock");
        assertThat(folder.resolve("new")).isEmptyDirectory();
    }

    @Test
    void aLivingProcessLosesNothing() throws Exception {
        Process process = writing();
        try {
            AtomicFile.write(folder.resolve("other"), "text");
            Leftovers.tidy(folder.resolve("new"), ".come-lock");
            assertThat(WordModels.names(folder)).hasSize(3).anyMatch(name -> name.matches(FILE));
            assertThat(WordModels.names(folder.resolve("new"))).hasSize(2);
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void locksAndFoldersOfDeadWritersGoAndWhatIsNobodysLeftoverStays() throws IOException {
        for (String name : new String[]{".gone.come-lock", ".gone.come-1f.lock", ".gone.come-1f/model.safetensors",
            ".come-file-0123456789abcdef.tmp", ".mine.come-1f/config.json", ".come-file-mine.tmp", "x.come-lock",
            ".out.come-prune/come.json", ".gone.come-zz.lock"}) {
            Path file = folder.resolve(name);
            Files.createDirectories(file.resolveSibling(""));
            Files.writeString(file, "");
        }
        Path held = folder.resolve(".held.come-lock");
        try (LockedFile _ = LockedFile.tryLock(held).orElseThrow()) {
            Leftovers.tidy(folder, ".come-lock");
        }
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrder(".mine.come-1f", ".come-file-mine.tmp",
                "x.come-lock", ".out.come-prune", ".gone.come-zz.lock", ".held.come-lock");
    }

    @Test
    void aModelThatADeadWriterOfAnotherTargetHadMovedAsideIsPutBack() throws IOException {
        Files.createDirectories(folder.resolve(".other.come-1f.old"));
        Files.writeString(folder.resolve(".other.come-1f.old/config.json"), "old");
        Files.createFile(folder.resolve(".other.come-1f.lock"));
        Leftovers.tidy(folder, ".come-lock");
        assertThat(WordModels.names(folder)).containsExactly("other");
        assertThat(folder.resolve("other/config.json")).hasContent("old");
    }
}
