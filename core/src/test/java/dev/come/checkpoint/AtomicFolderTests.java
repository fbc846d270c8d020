package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTests {
    @TempDir
    private Path parent;
    private Path target;

    @BeforeEach
    void chooseATarget() {
        target = parent.resolve("out");
    }

    @Test
    void appearsAtOnce() throws IOException {
        target = parent.resolve("new/out");
        try (AtomicFolder folder = AtomicFolder.beside(target)) {
            Files.writeString(folder.folder().resolve("a"), "1");
            assertThat(target).doesNotExist();
            folder.commit(false);
        }
        assertThat(names(target)).containsExactly("a");
        assertThat(names(parent.resolve("new"))).containsExactly("out");
    }

    @Test
    void leavesNothingUnlessCommitted() throws IOException {
        target = parent.resolve("new/out");
        try (AtomicFolder folder = AtomicFolder.beside(target)) {
            Files.writeString(folder.folder().resolve("a"), "1");
        }
        assertThat(names(parent)).isEmpty();
    }

    @Test
    void doesNotReplaceWhatSomeoneElsePutThereMeanwhile() throws IOException {
        try (AtomicFolder folder = AtomicFolder.beside(target)) {
            write(target, "theirs");
            assertThatExceptionOfType(FileSystemException.class).isThrownBy(() -> folder.commit(false));
        }
        assertThat(names(parent)).containsExactly("out");
        assertThat(target.resolve("a")).hasContent("theirs");
    }

    @Test
    void replacesAFolderInOneStepOrInTwo() throws IOException {
        write(target, "old");
        for (BiPredicate<Path, Path> exchange : List.<BiPredicate<Path, Path>>of(FolderExchange::exchange,
                (_, _) -> false)) {
            try (AtomicFolder folder = AtomicFolder.beside(target, exchange)) {
                write(folder.folder(), "new");
                folder.commit(true);
            }
            assertThat(names(parent)).containsExactly("out");
            assertThat(target.resolve("a")).hasContent("new");
        }
    }

    @Test
    void removesWhatADeadWriterLeft() throws IOException {
        write(parent.resolve(".out.come-1"), "half");
        Files.createFile(parent.resolve(".out.come-1.lock"));
        AtomicFolder.beside(target).close();
        assertThat(names(parent)).isEmpty();
    }

    @Test
    void leavesALivingWriterAlone() throws IOException {
        try (AtomicFolder living = AtomicFolder.beside(target)) {
            write(living.folder(), "1");
            try (AtomicFolder other = AtomicFolder.beside(target)) {
                write(other.folder(), "2");
            }
            living.commit(false);
        }
        assertThat(target.resolve("a")).hasContent("1");
    }

    @Test
    void putsBackWhatADeadWriterHadMovedAside() throws IOException {
        write(parent.resolve(".out.come-1.old"), "old");
        write(parent.resolve(".out.come-1"), "new");
        Files.createFile(parent.resolve(".out.come-1.lock"));
        AtomicFolder.beside(target).close();
        assertThat(names(parent)).containsExactly("out");
        assertThat(target.resolve("a")).hasContent("old");
    }

    @Test
    void removesWhatADeadWriterHadReplaced() throws IOException {
        write(parent.resolve(".out.come-1.old"), "old");
        write(target, "new");
        Files.createFile(parent.resolve(".out.come-1.lock"));
        AtomicFolder.beside(target).close();
        assertThat(names(parent)).containsExactly("out");
        assertThat(target.resolve("a")).hasContent("new");
    }

    @Test
    void isOldOrNewWheneverTheProcessIsKilled() throws Exception {
        long seed = System.nanoTime();
        System.out.println("AtomicFolderTests: seed " + seed);
        Random random = new Random(seed);
        for (int round = 0; round < 5; round++) {
            Process child = child(Replacing.class);
            try (BufferedReader output = child.inputReader(StandardCharsets.UTF_8)) {
                assertThat(output.readLine()).isEqualTo("begun");
                Thread.sleep(random.nextInt(150));
            } finally {
                child.destroyForcibly().waitFor();
            }
            assertThat(names(target)).containsExactly("a", "b");
            assertThat(target.resolve("a")).hasSameTextualContentAs(target.resolve("b"));
        }
        AtomicFolder.beside(target).close();
        assertThat(names(parent)).containsExactly("out");
    }

    @Test
    void keepsTheOldModelWhenTheProcessIsKilledWhileSaving() throws Exception {
        Path other = parent.resolve("other");
        Process child = child(Saving.class);
        try (BufferedReader output = child.inputReader(StandardCharsets.UTF_8)) {
            assertThat(output.readLine()).isEqualTo("saved");
            assertThat(output.readLine()).isEqualTo("second tensor of the next");
        } finally {
            child.destroyForcibly().waitFor();
        }
        try (Checkpoint checkpoint = Checkpoint.open(target)) {
            assertThat(checkpoint.config().integer("generation")).isEqualTo(1);
        }
        assertThat(names(parent)).hasSize(3).contains("out"); // and what it was writing, and its lock
        Saving.save(target, 3);
        Saving.save(other, 3);
        assertThat(names(parent)).containsExactly("other", "out");
    }

    /** Replaces a folder of two equal files again and again. */
    static final class Replacing {
        private Replacing() {
        }

        public static void main(String[] arguments) throws IOException {
            Path target = Path.of(arguments[0]);
            for (int generation = 0;; generation++) {
                try (AtomicFolder folder = AtomicFolder.beside(target)) {
                    for (String file : List.of("a", "b")) {
                        Files.writeString(folder.folder().resolve(file), "generation " + generation);
                    }
                    folder.commit(true);
                }
                if (generation == 0) {
                    System.out.println("begun");
                }
            }
        }
    }

    /** Saves a model, begins to save another in its place, and waits in the middle. */
    static final class Saving {
        private Saving() {
        }

        public static void main(String[] arguments) {
            Path target = Path.of(arguments[0]);
            save(target, 1);
            System.out.println("saved");
            save(target, 2);
        }

        static void save(Path target, int generation) {
            ConfigTree config = ConfigTree.create(target,
                    root -> root.put("model_type", "llama").put("generation", generation));
            List<TensorSpec> tensors = Stream.of("first", "second")
                    .map(name -> new TensorSpec(name, DType.F32, List.of(8L))).toList();
            new CheckpointWriter(target, config).overwrite(true).write(tensors, spec -> {
                if (generation == 2 && spec.name().equals("second")) {
                    System.out.println("second tensor of the next");
                    waitForever();
                }
                return torch.ones(8);
            });
        }

        private static void waitForever() {
            try {
                Thread.sleep(Long.MAX_VALUE);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
    }

    /** Starts a program of this test in a process of its own, which the test kills. */
    private Process child(Class<?> program) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), program.getName(),
                target.toString()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static void write(Path folder, String text) throws IOException {
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("a"), text);
    }

    private static List<String> names(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }
}
