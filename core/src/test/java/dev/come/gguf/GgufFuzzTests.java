package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.RandomChanges;
import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever lies in a .gguf file, reading it ends in a sound header, and a model and a tokenizer made of it, or in a {@link
 * CheckpointException} that names the file.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to a sound file.
 * {@code JAZZER_FUZZ=1 mvn -pl core test -Dtest=GgufFuzzTests} lets Jazzer search, guided by coverage.
 */
class GgufFuzzTests {
    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() throws IOException {
        RandomChanges.read("GgufFuzzTests", List.of(TinyGguf.llama().writer().bytes(),
                TinyGguf.llama().sentencePiece().writer().bytes()), List.of(), this::read);
    }

    /** Whether the bytes were taken for a model. */
    private boolean read(byte[] bytes) {
        try {
            Path path = Files.write(folder.resolve("fuzz.gguf"), bytes);
            try (GgufFile file = GgufFile.open(path)) {
                long end = file.header().dataStart();
                for (GgufTensor tensor : file.header().tensors()) {
                    assertThat(tensor.offset()).isGreaterThanOrEqualTo(end);
                    end = tensor.offset() + tensor.byteLength();
                    file.read(tensor, 0, new byte[Math.toIntExact(tensor.byteLength())]);
                }
                assertThat(end).isLessThanOrEqualTo(Math.max(bytes.length, file.header().dataStart()));
                GgufModel model = GgufModel.of(file);
                GgufTokenizer tokenizer = GgufTokenizer.of(file.metadata());
                assertThat(model.config(tokenizer).toJson()).isNotEmpty();
                assertThat(tokenizer.tokenizerJson()).isNotEmpty();
                assertThat(tokenizer.tokenizerConfig(model.maxPositions())).isNotEmpty();
                assertThat(tokenizer.generationConfig()).isNotEmpty();
                return true;
            }
        } catch (CheckpointException e) {
            assertThat(e).hasMessageContaining("fuzz.gguf");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
