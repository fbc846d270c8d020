package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever lies in a .safetensors file, reading its header ends in a sound header or in a {@link CheckpointException}.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to a sound file.
 * {@code JAZZER_FUZZ=1 mvn -pl core test -Dtest=SafetensorsFuzzTests} lets Jazzer search, guided by coverage.
 */
class SafetensorsFuzzTests {
    private static final Duration TIME = Duration.ofSeconds(3);
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
        long seed = System.nanoTime();
        System.out.println("SafetensorsFuzzTests: seed " + seed);
        Random random = new Random(seed);
        byte[] sound = Fixtures.safetensors("""
                {"__metadata__": {"format": "pt"}, "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                 "b": {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]},
                 "c": {"dtype": "I8", "shape": [], "data_offsets": [22, 23]}}""", 23);
        assertThat(read(sound)).isTrue();
        for (long end = System.nanoTime() + TIME.toNanos(); System.nanoTime() < end;) {
            byte[] changed = sound;
            for (int change = 0; change <= random.nextInt(4); change++) {
                changed = changed(changed, random);
            }
            read(changed);
        }
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

    private static byte[] changed(byte[] bytes, Random random) {
        int at = random.nextInt(bytes.length);
        return switch (random.nextInt(4)) {
            case 0 -> {
                byte[] copy = bytes.clone();
                copy[at] = (byte) random.nextInt();
                yield copy;
            }
            case 1 -> Arrays.copyOf(bytes, Math.max(at, 1));
            case 2 -> replaced(bytes, at, at, piece(random));
            default -> replaced(bytes, at, Math.min(bytes.length, at + 1 + random.nextInt(8)), piece(random));
        };
    }

    private static byte[] piece(Random random) {
        return PIECES.get(random.nextInt(PIECES.size())).getBytes(StandardCharsets.UTF_8);
    }

    /** The bytes with those from one position to another replaced, and the header's length kept right. */
    private static byte[] replaced(byte[] bytes, int from, int to, byte[] piece) {
        byte[] copy = new byte[bytes.length - (to - from) + piece.length];
        System.arraycopy(bytes, 0, copy, 0, from);
        System.arraycopy(piece, 0, copy, from, piece.length);
        System.arraycopy(bytes, to, copy, from + piece.length, bytes.length - to);
        copy[0] = (byte) (copy[0] + piece.length - (to - from));
        return copy;
    }
}
