package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.WordModels;
import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model that lies in several GGUF files. */
class GgufPartsTests {
    @TempDir
    private Path folder;

    private List<Path> parts = List.of();

    @BeforeEach
    void write() throws IOException {
        parts = TinyGguf.of("llama-gqa").writeParts(folder, 3);
    }

    private Path unpacked(Path file) {
        return GgufImport.folder(file, folder.resolve("cache"), Progress.NONE);
    }

    private void refused(Path file, String message) {
        assertThatThrownBy(() -> unpacked(file)).isInstanceOf(CheckpointException.class).hasMessage(message);
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void partsBecomeTheModelThatOneFileBecomes() throws IOException {
        Map<String, String> ofParts = WordModels.hashes(unpacked(parts.getFirst()));
        Map<String, String> ofOne = WordModels
                .hashes(unpacked(TinyGguf.of("llama-gqa").write(folder.resolve("one.gguf"))));
        ofParts.remove("README.md"); // names the file
        ofOne.remove("README.md");
        assertThat(ofParts).isEqualTo(ofOne).containsKeys("model.safetensors", "config.json", "tokenizer.json");
        GgufDescription described = GgufDescription.read(parts.getFirst());
        assertThat(described.storedBytes()).isEqualTo(GgufDescription.read(folder.resolve("one.gguf")).storedBytes());
    }

    @Test
    void otherNumbersInALaterPartAreAnotherModel() throws IOException {
        Path first = unpacked(parts.getFirst());
        byte[] last = Files.readAllBytes(parts.getLast());
        try (GgufPart part = GgufPart.open(parts.getLast())) {
            last[(int) part.header().tensors().getLast().offset()] ^= 1;
        }
        Files.write(parts.getLast(), last);
        assertThat(unpacked(parts.getFirst())).isNotEqualTo(first);
    }

    @Test
    void aPartThatIsNotTheFirstOrNotThereIsNamed() throws IOException {
        refused(parts.get(1), parts.get(1)
                + ": the file is part 2 of 3 of a model; give the first one, tiny-00001-of-00003.gguf");
        Files.delete(parts.getLast());
        refused(parts.getFirst(), parts.getFirst() + ": the file is the first of 3 parts of a model, but"
                + " tiny-00003-of-00003.gguf is not beside it; fetch it");
    }

    @Test
    void partsOfAnotherModelAreRefused() throws IOException {
        Files.write(parts.get(1), Files.readAllBytes(parts.getLast()));
        refused(parts.getFirst(), parts.get(1)
                + ": the file says that it is part 3 of 3, where part 2 of 3 is expected; fetch it again");
        new GgufWriter().integer("split.no", 1).integer("split.count", 3).write(parts.get(1));
        refused(parts.getFirst(), parts.getFirst() + ": 'split.tensors.count' is 56, but the 3 parts have 37 tensors;"
                + " fetch them again");
        new GgufWriter().integer("split.no", 1).integer("split.count", 3)
                .floats("output_norm.weight", new float[32], 32).write(parts.get(1));
        assertThatThrownBy(() -> unpacked(parts.getFirst())).isInstanceOf(CheckpointException.class)
                .hasMessageContaining("tensor 'output_norm.weight' is in tiny-0000");
    }
}
