package dev.come.failure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.come.FailedException;
import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShortageTests {
    private static String sentence(Throwable thrown) {
        return String.valueOf(Shortage.of(() -> "Layer 3", thrown).orElseThrow().getMessage());
    }

    /** A petabyte, which no machine has: what the engine itself throws. */
    @Test
    void aTensorThatDoesNotFitTellsItsSizeAndWhatHelps() {
        Throwable thrown = catchThrowable(() -> Shortage.named(() -> "Layer 3 on 2048 tokens", () -> {
            try (var _ = new PointerScope()) {
                return torch.empty(new long[]{1L << 50}, new TensorOptions(torch.ScalarType.Byte),
                        new MemoryFormatOptional()).numel();
            }
        }));
        assertThat(thrown).isInstanceOf(FailedException.class).hasCauseInstanceOf(RuntimeException.class)
                .hasMessageStartingWith("Layer 3 on 2048 tokens needs 1.1 PB more memory")
                .hasMessageContainingAll("--memory", "--threads", "--dtype");
        assertThat(thrown.getMessage()).hasLineCount(1);
    }

    @Test
    void aHeapThatIsFullTellsHowToGiveMore() {
        assertThatThrownBy(() -> Shortage.named(() -> "The text", () -> new long[Integer.MAX_VALUE - 8].length))
                .isInstanceOf(FailedException.class).hasCauseInstanceOf(OutOfMemoryError.class)
                .hasMessageMatching("The text needs more than the .* of Java's heap; "
                        + "set COME_JAVA_OPTS=-Xmx\\d+g to give it more");
    }

    private static int endless(int depth) {
        return depth < 0 ? 0 : 1 + endless(depth + 1);
    }

    @Test
    void aStackThatIsFullTellsHowToGiveMore() {
        assertThatThrownBy(() -> Shortage.named(() -> "The recipe", () -> endless(0)))
                .isInstanceOf(FailedException.class).hasCauseInstanceOf(StackOverflowError.class)
                .hasMessageStartingWith("The recipe needs a larger stack").hasMessageContaining("COME_JAVA_OPTS=-Xss");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            unable to create native thread: possibly out of memory or process/resource limits reached | --threads
            Requested array size exceeds VM limit | 2 GB
            Cannot reserve 1024 bytes of direct buffer memory (allocated: 1, limit: 2) | MaxDirectMemorySize
            Cannot allocate new FloatPointer(100): totalBytes = 3M, physicalBytes = 4M | --memory
            Metaspace | MaxMetaspaceSize
            Java heap space | -Xmx
            """)
    void whatJavaLacksIsToldByWhatHelps(String message, String help) {
        assertThat(sentence(new OutOfMemoryError(message))).startsWith("Layer 3 needs").contains(help);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            textBlock = """
                    CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0 has a total capacity | 2.50 GiB more memory on the device
                    std::bad_alloc | more memory than the system has
                    """)
    void whatTheEngineLacksIsToldByItsSize(String message, String told) {
        assertThat(sentence(new RuntimeException(message))).startsWith("Layer 3 needs " + told);
    }

    @Test
    void theInnermostNameIsTheOneThatIsTold() {
        assertThatThrownBy(() -> Shortage.named(() -> "All", () -> Shortage.named(() -> "A part", () -> {
            throw new OutOfMemoryError("Java heap space");
        }))).hasMessageStartingWith("A part needs");
    }

    @Test
    void whatIsNoShortageStaysWhatItIs() {
        for (Throwable thrown : new Throwable[]{new AssertionError("x"), new IllegalArgumentException("x"),
            new CheckpointException("config.json is damaged")}) {
            assertThatThrownBy(() -> Shortage.named(() -> "All", () -> {
                throw Thrown.again(thrown);
            })).isSameAs(thrown);
        }
    }

    @Test
    void aFileIsToldWithItsSize(@TempDir Path folder) throws IOException {
        Path file = Files.writeString(folder.resolve("tokenizer.json"), "x".repeat(1500));
        assertThatThrownBy(() -> Shortage.reading(file, () -> {
            throw new OutOfMemoryError("Java heap space");
        })).hasMessageStartingWith("Reading " + file + " (1.5 kB) needs more than");
    }
}
