package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.FailedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(value = OS.LINUX, disabledReason = "only Linux tells who has loaded what")
class DuckDbLibraryTests {
    @TempDir
    private Path folder;

    private Path file(String name, int minutesOld) throws IOException {
        Path file = Files.writeString(folder.resolve(name), "library");
        Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofMinutes(minutesOld))));
        return file;
    }

    private Process reading(String table) throws IOException {
        return reading(folder, table);
    }

    private static Process reading(Path temporary, String table) throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--enable-native-access=ALL-UNNAMED", "-Djava.io.tmpdir=" + temporary, "-cp",
                System.getProperty("java.class.path"), Reading.class.getName(), table)
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    /** Reads a table, and then waits to be killed. */
    static final class Reading {
        static void main(String[] arguments) throws InterruptedException {
            RowFile table = RowFile.of(Path.of(arguments[0]), TextRows.LINES, List.of(RowRecipe.field("text")));
            try {
                System.out.println(table.count());
            } catch (FailedException e) {
                System.out.println(e.getMessage());
            }
            Thread.sleep(60_000);
        }
    }

    @Test
    void aKilledProcessLeavesNoLibrary() throws Exception {
        Path table = Files.writeString(folder.resolve("a.csv"), "text\none\n");
        file("libduckdb_java123.so", 2);
        Process process = reading(table.toString());
        try (var output = process.inputReader()) {
            assertThat(output.readLine()).isEqualTo("1");
        } finally {
            process.destroyForcibly().waitFor();
        }
        try (var files = Files.list(folder)) {
            assertThat(files.filter(Files::isRegularFile)).containsExactly(table);
        }
    }

    @Test
    void aFolderForTemporaryFilesThatCannotBeUsedIsNamed() throws Exception {
        Path table = Files.writeString(folder.resolve("a.csv"), "text\none\n");
        Path absent = folder.resolve("absent");
        Process process = reading(absent, table.toString());
        try (var output = process.inputReader()) {
            assertThat(output.readLine()).isEqualTo("The library that reads tables cannot be unpacked into " + absent
                    + " (no such file); name another folder with"
                    + " COME_JAVA_OPTS=-Djava.io.tmpdir=FOLDER");
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    @Test
    void onlyWhatNobodyHasLoadedAndNobodyUnpacksIsRemoved() throws IOException {
        Path left = file("libduckdb_java1.so", 2);
        Path unpacking = file("libduckdb_java2.so", 0);
        Path loaded = file("libduckdb_java3.so", 2);
        Path other = file("libother.so", 2);
        try (FileChannel channel = FileChannel.open(loaded); Arena arena = Arena.ofConfined()) {
            channel.map(MapMode.READ_ONLY, 0, 7, arena);
            DuckDbLibrary.removeLeft(folder);
            assertThat(left).doesNotExist();
            assertThat(List.of(unpacking, loaded, other)).allMatch(Files::exists);

            DuckDbLibrary.removeLoaded(folder);
            assertThat(loaded).doesNotExist();
            assertThat(List.of(unpacking, other)).allMatch(Files::exists);
        }
        DuckDbLibrary.removeLeft(folder.resolve("absent"));
    }
}
