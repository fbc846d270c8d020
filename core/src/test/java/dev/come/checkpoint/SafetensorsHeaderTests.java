package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SafetensorsHeaderTests {
    @TempDir
    private Path folder;

    @Test
    void readsWhatItEncodes() throws IOException {
        List<TensorSpec> tensors = List.of(new TensorSpec("b", DType.F16, List.of(2L, 3L)),
                new TensorSpec("a \"quoted\" é", DType.I64, List.of()),
                new TensorSpec("none", DType.F32, List.of(0L, 4L)), new TensorSpec("c", DType.BOOL, List.of(3L)));
        byte[] start = SafetensorsHeader.encode(tensors);
        assertThat(start.length % 8).isZero();
        assertThat(new String(start, StandardCharsets.UTF_8)).contains("{\"__metadata__\":{\"format\":\"pt\"},\"b\":");

        Path file = Files.write(folder.resolve("x.safetensors"), Arrays.copyOf(start, start.length + 12 + 8 + 3));
        SafetensorsHeader header = SafetensorsHeader.read(file);
        assertThat(header.tensors()).extracting(info -> TensorSpec.like(info, info.name()))
                .containsExactlyElementsOf(tensors);
        assertThat(header.tensors()).extracting(TensorInfo::offset).containsExactly(start.length + 0L,
                start.length + 12L, start.length + 20L, start.length + 20L);
    }

    @Test
    void encodesAGoldenHeaderByteForByte() throws IOException {
        Path file = Fixtures.goldenModel("llama-gqa").resolve("model.safetensors");
        List<TensorSpec> tensors = SafetensorsHeader.read(file).tensors().stream()
                .map(info -> TensorSpec.like(info, info.name())).toList();
        byte[] encoded = SafetensorsHeader.encode(tensors);
        assertThat(encoded).isEqualTo(Arrays.copyOf(Files.readAllBytes(file), encoded.length));
    }

    /** Header, bytes of data after it, and what the message must say. */
    static Stream<Arguments> brokenHeaders() {
        String two = """
                {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
                 "b": {"dtype": "F32", "shape": [1], "data_offsets": [%s, %s]}}""";
        return Stream.of(
                Arguments.of(two.formatted(8, 12), 11, "tensor 'b' ends at byte", "truncated"),
                Arguments.of(two.formatted(8, 12), 13, "1 bytes after tensor 'b' belong to no tensor", "damaged"),
                Arguments.of(two.formatted(4, 8), 8, "tensor 'b' begins at byte", "inside of tensor 'a'"),
                Arguments.of(two.formatted(10, 14), 14, "2 bytes between tensor 'a' and tensor 'b'", "no tensor"),
                Arguments.of(two.formatted(8, 10), 10, "tensor 'b': F32 of shape [1] takes 4 bytes", "give it 2"),
                Arguments.of(two.formatted(12, 8), 12, "tensor 'b': data_offsets must be [begin, end]", "[12, 8]"),
                Arguments.of(two.formatted(8, 12).replace("\"b\"", "\"a\""), 12, "'a' is given twice", "fetch"),
                Arguments.of(entry("\"F32\"", "[-1]", "[0, 4]"), 4, "tensor 'a': shape must be a list", "[-1]"),
                Arguments.of(entry("\"F32\"", "[1.0]", "[0, 4]"), 4, "tensor 'a': shape must be a list", "[1.0]"),
                Arguments.of(entry("\"F32\"", "[99999999999999999999]", "[0, 4]"), 4, "tensor 'a': shape must be", "9"),
                Arguments.of(entry("\"F32\"", "[9999999999, 9999999999]", "[0, 4]"), 4, "tensor 'a'", "larger than"),
                Arguments.of(entry("\"I8\"", "[9223372036854775807]", "[0, 9223372036854775807]"), 4, "tensor 'a'",
                        "larger than"),
                Arguments.of(entry("\"F32\"", "[1]", "[0]"), 4, "tensor 'a': data_offsets must be [begin, end]", "[0]"),
                Arguments.of(entry("\"F32\"", "[1]", "[0, \"4\"]"), 4, "tensor 'a': data_offsets must be a list", "4"),
                Arguments.of(entry("\"F32\"", "[NaN]", "[0, 4]"), 4, "'a.shape[0]' is NaN", "finite"),
                Arguments.of(entry("1", "[1]", "[0, 4]"), 4, "tensor 'a': its dtype is missing", "fetch"),
                Arguments.of(entry("\"F8_E4M3FNUZ\"", "[4]", "[0, 4]"), 4, "tensor 'a' is stored as F8_E4M3FNUZ",
                        "convert the model to BF16, F16 or F32 first"),
                Arguments.of("{\"a\": 3}", 0, "tensor 'a': its dtype is missing", "fetch"),
                Arguments.of("{\"a\": {\"dtype\": \"U8\"}}", 0, "tensor 'a': shape must be", "is missing"),
                Arguments.of("{\"__metadata__\": {\"format\": 3}}", 0, "__metadata__ must be an object", "texts"),
                Arguments.of("[]", 0, "a JSON object {...} is expected", "fetch"),
                Arguments.of("{} {}", 0, "text follows after the JSON object", "fetch"),
                Arguments.of("{\"a\": }", 0, "its JSON is broken at line 1, column", "fetch"),
                Arguments.of("{ ", 3, "its JSON is broken", "fetch"));
    }

    @ParameterizedTest
    @MethodSource("brokenHeaders")
    void refusesBrokenHeaders(String header, int dataBytes, String what, String more) throws IOException {
        refused(Fixtures.safetensors(header, dataBytes), what, more);
    }

    @Test
    void refusesAnEmptyFile() throws IOException {
        refused(new byte[0], "8 bytes", "has only 0");
    }

    @Test
    void refusesAHeaderLongerThanTheFile() throws IOException {
        byte[] file = Fixtures.safetensors("{}        ", 0);
        refused(Arrays.copyOf(file, file.length - 4), "the header is 10 bytes long, but only 6 bytes follow",
                "truncated");
    }

    @Test
    void refusesAnImpossibleHeaderLength() throws IOException {
        refused(new byte[]{-1, -1, -1, -1, -1, -1, -1, -1, 0}, "given as 18446744073709551615 bytes");
        refused(new byte[]{0, 0, 0, 0, 0, 0, 0, 0, 0}, "given as 0 bytes");
    }

    @Test
    void refusesTextThatIsNotUtf8() throws IOException {
        byte[] file = Fixtures.safetensors("{\"?\": 1}", 0);
        file[10] = (byte) 0xff;
        refused(file, "not UTF-8");
    }

    @Test
    void recognisesGitLfsPointers() throws IOException {
        refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
                .getBytes(StandardCharsets.UTF_8), "Git LFS pointer", "git lfs pull");
    }

    private static String entry(String dtype, String shape, String offsets) {
        return "{\"a\": {\"dtype\": %s, \"shape\": %s, \"data_offsets\": %s}}".formatted(dtype, shape, offsets);
    }

    private void refused(byte[] bytes, String... parts) throws IOException {
        Path file = Files.write(folder.resolve("x.safetensors"), bytes);
        assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> SafetensorsHeader.read(file))
                .withMessageContaining(file.toString()).withMessageContainingAll(parts);
    }
}
