package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.RandomChanges;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever lies in a .safetensors file, reading its header ends in a sound header or in a {@link CheckpointException}.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to a sound file.
 * {@code JAZZER_FUZZ=1 mvn -pl core test -Dtest=SafetensorsFuzzTests} lets Jazzer search, guided by coverage.
 */
class SafetensorsFuzzTests {
    private static final List<String> PIECES = List.of("{", "}", "[", "]", ",", ":", "\"", "\\u0000", "null", "NaN",
            "-1",
            "1e99999", "1e-99999999999", "9223372036854775807", "99999999999999999999", "0", "\"F32\"", "\"F8_E4M3\"",
            "\"shape\"",
            "\"data_offsets\"", "\"__metadata__\"", "\u00e9", " ");

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() {
        byte[] sound = Fixtures.safetensors("""
                {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                 "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]},
                 "c": {"dtype": "I8", "shape": [], "data_offsets": [22, 23]}}""", 23);
        RandomChanges.read("SafetensorsFuzzTests", List.of(sound), PIECES, this::read);
    }

    /** Whether the bytes were taken for a safetensors file. */
    private boolean read(byte[] bytes) {
        try {
            Path file = Files.write(folder.resolve("fuzz.safetensors"), bytes);
            SafetensorsHeader header = SafetensorsHeader.read(file);
            long end = header.dataStart();
            for (TensorInfo tensor : header.tensors()) {
                assertThat(tensor.offset()).isEqualTo(end);
                assertThat(tensor.byteLength())
                        .isEqualTo(SafetensorsHeader.byteLength(tensor.dtype(), tensor.shape()));
                end += tensor.byteLength();
            }
            assertThat(end).isEqualTo(bytes.length);
            return true;
        } catch (CheckpointException e) {
            assertThat(e).hasMessageContaining("fuzz.safetensors");
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
