package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.WordModels;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AtomicFileTests {
    @TempDir
    private Path folder;

    @Test
    void aFileIsWrittenAndReplacedWithThePermissionsOfAnyNewFile() throws IOException {
        Path ordinary = Files.writeString(folder.resolve("ordinary"), "");
        Path file = folder.resolve("file");
        AtomicFile.write(file, "one");
        assertThat(file).hasContent("one");
        AtomicFile.writeText(file, out -> out.append("t").append("wo, \u00fc"));
        assertThat(Files.readString(file)).isEqualTo("two, \u00fc");
        AtomicFile.writeBytes(file, out -> out.write(ByteBuffer.wrap(new byte[]{1, 2})));
        assertThat(file).hasBinaryContent(new byte[]{1, 2});
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(Files.getPosixFilePermissions(ordinary));
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrder("file", "ordinary");
    }

    @Test
    void untilItIsWholeItLiesHiddenUnderANameThatShowsWhoseItIs() {
        Path file = folder.resolve("file");
        AtomicFile.writeText(file, out -> {
            out.write("half");
            assertThat(WordModels.names(folder)).singleElement().asString().matches("\\.come-file-[0-9a-f]{16}\\.tmp");
        });
        assertThat(WordModels.names(folder)).containsExactly("file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"file.new", "file.tmp", ".file.new", ".file.tmp", "file~"})
    void whatLiesBesideItStays(String name) throws IOException {
        Path other = Files.writeString(folder.resolve(name), "a user's");
        AtomicFile.write(folder.resolve("file"), "text");
        assertThat(other).hasContent("a user's");
    }

    @Test
    void aFileThatCannotBeFinishedStaysAsItWasAndNothingIsLeftBesideIt() {
        Path file = folder.resolve("file");
        AtomicFile.write(file, "old");
        for (Throwable failure : new Throwable[]{new IOException("disk full"), new IllegalStateException("no"),
            new OutOfMemoryError("heap"), new StackOverflowError()}) {
            assertThatThrownBy(() -> AtomicFile.writeText(file, out -> {
                out.write("new".repeat(10_000));
                raise(failure);
            })).satisfies(thrown -> assertThat(failure).isIn(thrown, thrown.getCause()));
            assertThat(file).hasContent("old");
            assertThat(WordModels.names(folder)).containsExactly("file");
        }
    }

    private static void raise(Throwable failure) throws IOException {
        switch (failure) {
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            default -> throw new AssertionError(failure);
        }
    }

    @Test
    void whatGoesWrongIsOneSentence() {
        assertThatThrownBy(() -> AtomicFile.write(folder.resolve("none/file"), "")).isInstanceOf(FailedException.class)
                .hasMessage(folder.resolve("none/file")
                        + " cannot be written (no such file); check that there is room and that its folder may be"
                        + " written to");
    }

    @Test
    void aFolderUnderItsNameStaysAndNothingIsLeftBesideIt() throws IOException {
        Path file = Files.createDirectory(folder.resolve("file"));
        Files.writeString(file.resolve("inside"), "");
        assertThatThrownBy(() -> AtomicFile.write(file, "text")).isInstanceOf(FailedException.class);
        assertThat(WordModels.names(folder)).containsExactly("file");
        assertThat(file.resolve("inside")).exists();
    }

    @Test
    void theContentCanWaitInAnotherFolder() throws IOException {
        Path file = Files.createDirectory(folder.resolve("refs")).resolve("main");
        AtomicFile.replace(file, folder, out -> {
            assertThat(WordModels.names(folder.resolve("refs"))).isEmpty();
            out.write(ByteBuffer.wrap(new byte[]{'x'}));
        });
        assertThat(file).hasContent("x");
        assertThat(WordModels.names(folder)).containsExactly("refs");
    }
}
