package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
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
    private static final Duration TIME = Duration.ofSeconds(3);

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnythingSafely(byte[] bytes) {
        read(bytes);
    }

    @Test
    void survivesRandomChanges() throws IOException {
        long seed = System.nanoTime();
        System.out.println("GgufFuzzTests: seed " + seed);
        Random random = new Random(seed);
        List<byte[]> sound = List.of(TinyGguf.llama().writer().bytes(),
                TinyGguf.llama().sentencePiece().writer().bytes());
        assertThat(sound).allMatch(this::read);
        int survivors = 0;
        for (long end = System.nanoTime() + TIME.toNanos(); System.nanoTime() < end;) {
            byte[] changed = sound.get(random.nextInt(sound.size()));
            for (int change = 0; change <= random.nextInt(4); change++) {
                changed = changed(changed, random);
            }
            survivors += read(changed) ? 1 : 0;
        }
        assertThat(survivors).isPositive();
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

    private static byte[] changed(byte[] bytes, Random random) {
        // Changes among the numbers of the tensors are of no interest, so most go to the front.
        int at = random.nextInt(random.nextBoolean() ? bytes.length : Math.min(bytes.length, 2000));
        return switch (random.nextInt(5)) {
            case 0 -> Arrays.copyOf(bytes, Math.max(at, 1));
            case 1 -> replaced(bytes, at, at, random);
            case 2 -> replaced(bytes, at, Math.min(bytes.length, at + 1 + random.nextInt(8)), random);
            default -> {
                byte[] copy = bytes.clone();
                copy[at] = (byte) (random.nextBoolean() ? copy[at] + 1 : random.nextInt());
                yield copy;
            }
        };
    }

    private static byte[] replaced(byte[] bytes, int from, int to, Random random) {
        byte[] piece = new byte[random.nextInt(9)];
        random.nextBytes(piece);
        byte[] copy = new byte[bytes.length - (to - from) + piece.length];
        System.arraycopy(bytes, 0, copy, 0, from);
        System.arraycopy(piece, 0, copy, from, piece.length);
        System.arraycopy(bytes, to, copy, from + piece.length, bytes.length - to);
        return copy;
    }
}
