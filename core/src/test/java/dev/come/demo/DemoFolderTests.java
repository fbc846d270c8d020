package dev.come.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** What the demo writes over, and what it leaves alone. */
class DemoFolderTests {
    @TempDir
    private Path folder;

    private DemoFolder demo;

    @BeforeEach
    void newFolder() {
        demo = new DemoFolder(folder.resolve("demo"));
    }

    private void prepare() {
        demo.prepare("concat_merge", 7);
    }

    /** The record of a pruned model, as far as the demo looks at it. */
    private void pruned(String method, int targetLayers) throws IOException {
        Files.createDirectories(demo.pruned());
        ObjectNode settings = JsonNodeFactory.instance.objectNode().put("method", method)
                .put(PruningPlan.TARGET_LAYERS, targetLayers);
        try (Checkpoint dense = Checkpoint.open(demo.dense())) {
            settings.putObject("model").put("fingerprint", dense.fingerprint());
        }
        new PruningPlan(settings, 10, List.of(), List.of()).write(demo.pruned().resolve(PruningPlan.FILE_NAME));
    }

    private void assertRefusedWithout(String message) {
        var before = WordModels.hashes(folder);
        assertThatThrownBy(this::prepare).isInstanceOf(UsageException.class).hasMessageContaining(message);
        assertThat(WordModels.hashes(folder)).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(strings = {"test.txt", "calibration.txt", "dense/README.md", "dense/config.json",
        "dense/model.safetensors"})
    void aUsersFileIsNotWrittenOverAndNothingElseIsWritten(String name) throws IOException {
        Path file = folder.resolve("demo").resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "a user's");
        assertRefusedWithout(file + " is there already with other content");
    }

    @Test
    void aFolderUnderTheNameOfAFileIsRefused() throws IOException {
        Files.createDirectories(demo.testText());
        assertRefusedWithout("test.txt is there already");
    }

    @Test
    void aLinkUnderTheNameOfAFileStays() throws IOException {
        Files.createDirectories(folder.resolve("demo"));
        Files.createSymbolicLink(demo.testText(), folder.resolve("nowhere"));
        assertThatThrownBy(this::prepare).isInstanceOf(UsageException.class);
        assertThat(demo.testText()).isSymbolicLink();
    }

    @Test
    void theDemosOwnFilesAreLeftAsTheyAre() throws IOException {
        prepare();
        pruned("concat_merge", 7);
        var before = WordModels.hashes(folder);
        // What a demo has left that was killed while it wrote the page is nobody's.
        Files.createFile(demo.pruned().resolve(".come-file-0123456789abcdef.tmp"));
        assertThatCode(this::prepare).doesNotThrowAnyException();
        assertThat(WordModels.hashes(folder)).isEqualTo(before).hasSize(9);
    }

    @Test
    void aPrunedModelOfTheUsersIsNotReplaced() throws IOException {
        prepare();
        pruned("sleb", 7);
        assertRefusedWithout("pruned is there already and is not what the demo makes");
        pruned("concat_merge", 6);
        assertRefusedWithout("pruned is there already and is not what the demo makes");
        pruned("concat_merge", 7);
        Files.writeString(demo.pruned().resolve("notes.txt"), "a user's");
        assertRefusedWithout("pruned is there already and is not what the demo makes");
        Files.delete(demo.pruned().resolve("notes.txt"));
        Files.writeString(demo.pruned().resolve(PruningPlan.FILE_NAME), "{}");
        assertRefusedWithout("pruned is there already and is not what the demo makes");
    }
}
