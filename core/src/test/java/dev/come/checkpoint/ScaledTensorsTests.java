package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Matrices of eight-bit floats; fp8.json holds what transformers and compressed-tensors make of them, see make_fp8.py. */
class ScaledTensorsTests {
    private static final JsonNode CASES = JsonMapper.shared()
            .readTree(Path.of("src/test/resources/fixtures/fp8/fp8.json"));
    private static final String NAME = "layer.weight";

    @TempDir
    private Path folder;

    static Stream<String> cases() {
        return CASES.propertyNames().stream();
    }

    /** A tensor of a file that is to be written. */
    private record Stored(String name, String dtype, List<Long> shape, byte[] bytes) {}

    private Path written(JsonNode quantisation, Stored... tensors) throws IOException {
        ObjectNode config = JsonNodeFactory.instance.objectNode().put("model_type", "llama");
        config.set("quantization_config", quantisation);
        Files.writeString(folder.resolve("config.json"), config.toString());
        ObjectNode header = JsonNodeFactory.instance.objectNode();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        for (Stored tensor : tensors) {
            ObjectNode entry = header.putObject(tensor.name).put("dtype", tensor.dtype);
            tensor.shape.forEach(entry.putArray("shape")::add);
            entry.putArray("data_offsets").add(data.size()).add(data.size() + tensor.bytes.length);
            data.writeBytes(tensor.bytes);
        }
        byte[] json = header.toString().getBytes(StandardCharsets.UTF_8);
        Files.write(folder.resolve("model.safetensors"),
                ByteBuffer.allocate(8 + json.length + data.size()).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length)
                        .put(json).put(data.toByteArray()).array());
        return folder;
    }

    private static byte[] bytes(JsonNode hex) {
        return HexFormat.of().parseHex(hex.asString());
    }

    private static List<Long> shape(JsonNode list) {
        return list.valueStream().map(JsonNode::asLong).toList();
    }

    private Path written(JsonNode one) throws IOException {
        return written(one.get("config"),
                new Stored(NAME, one.path("dtype").asString("F8_E4M3"), shape(one.get("shape")),
                        bytes(one.get("weight"))),
                new Stored("layer." + one.get("scale_name").asString(), one.get("scale_dtype").asString(),
                        shape(one.get("scale_shape")), bytes(one.get("scale"))),
                new Stored("layer.input_scale", "F32", List.of(), new byte[4]));
    }

    private static byte[] bytes(Tensor tensor) {
        return TensorMemory.of(tensor).toArray(ValueLayout.JAVA_BYTE);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void numbersAreThoseOfTransformersAndCompressedTensorsToTheBit(String name) throws IOException {
        JsonNode one = CASES.get(name);
        byte[] expected = bytes(one.get("numbers"));
        int columns = one.get("shape").get(1).asInt();
        try (Checkpoint checkpoint = Checkpoint.open(written(one)); var _ = new PointerScope()) {
            assertThat(checkpoint.tensors()).extracting(TensorInfo::name).containsExactly(NAME);
            assertThat(checkpoint.info(NAME).dtype()).isEqualTo(DType.BF16);
            assertThat(checkpoint.headers().scaledMatrices()).isEqualTo(1);
            assertThat(bytes(checkpoint.tensor(NAME))).isEqualTo(expected);
            int row = 2 * columns;
            assertThat(bytes(checkpoint.rows(NAME, 3, 2)))
                    .isEqualTo(Arrays.copyOfRange(expected, 3 * row, 5 * row));
            Tensor into = TensorMemory.empty(DType.BF16, List.of(2L, (long) columns));
            checkpoint.readRows(NAME, 5, into);
            assertThat(bytes(into)).isEqualTo(Arrays.copyOfRange(expected, 5 * row, 7 * row));
            byte[] some = bytes(checkpoint.rows(NAME, new int[]{6, 0}));
            assertThat(Arrays.copyOfRange(some, 0, row)).isEqualTo(Arrays.copyOfRange(expected, 6 * row, 7 * row));
            assertThat(Arrays.copyOfRange(some, row, 2 * row)).isEqualTo(Arrays.copyOfRange(expected, 0, row));
            assertThat(checkpoint.holdsSame(NAME, checkpoint, NAME)).isTrue();
        }
    }

    /** Blocks of four rows, and six rows: the last block has two. Whoever divides rows by scales takes three and three. */
    @Test
    void theLastBlockMayBeSmaller() throws IOException {
        byte[] ones = new byte[6 * 2];
        Arrays.fill(ones, (byte) 0x38);
        Path model = written(JsonMapper.shared().readTree("{\"quant_method\": \"fp8\", \"weight_block_size\": [4, 2]}"),
                new Stored(NAME, "F8_E4M3", List.of(6L, 2L), ones),
                new Stored("layer.weight_scale_inv", "F32", List.of(2L, 1L), floats(1, 100)));
        try (Checkpoint checkpoint = Checkpoint.open(model); var _ = new PointerScope()) {
            Tensor numbers = checkpoint.tensor(NAME);
            assertThat(IntStream.range(0, 6).mapToObj(row -> numbers.get(row).get(0).item_double()))
                    .containsExactly(1.0, 1.0, 1.0, 1.0, 100.0, 100.0);
        }
    }

    @Test
    void theFingerprintKnowsTheScales() throws IOException {
        JsonNode one = CASES.get("channel");
        String before;
        try (Checkpoint checkpoint = Checkpoint.open(written(one))) {
            before = checkpoint.fingerprint();
        }
        ObjectNode other = (ObjectNode) one.deepCopy();
        byte[] scale = bytes(one.get("scale"));
        scale[0] ^= 1;
        other.put("scale", HexFormat.of().formatHex(scale));
        try (Checkpoint checkpoint = Checkpoint.open(written(other))) {
            assertThat(checkpoint.fingerprint()).isNotEqualTo(before);
        }
    }

    @Test
    void scalesThatDoNotFitAreRefused() throws IOException {
        ObjectNode one = (ObjectNode) CASES.get("blocks that do not fill it").deepCopy();
        one.putObject("config").put("quant_method", "fp8");
        assertThatThrownBy(() -> Checkpoint.open(written(one))).isInstanceOf(CheckpointException.class)
                .hasMessageEndingWith(
                        "model.safetensors: tensor 'layer.weight_scale' has shape [3, 3], and its blocks do"
                                + " not fill the shape [7, 10] of 'layer.weight'; check that config.json, which says how large they"
                                + " are, belongs to these weights");
        Path model = written(one.get("config"), new Stored(NAME, "F8_E4M3", List.of(1L, 2L), new byte[2]),
                new Stored("layer.weight_scale", "I32", List.of(1L), new byte[4]));
        assertThatThrownBy(() -> Checkpoint.open(model)).isInstanceOf(CheckpointException.class)
                .hasMessageContaining(
                        "tensor 'layer.weight_scale' is stored as I32, where F32, F16, BF16, F8_E8M0 or U8");
    }

    /** The format's own reader takes a note that says nothing for none. */
    @Test
    void aNoteThatSaysNothingIsTaken() throws IOException {
        Fixtures.model(folder, "{\"__metadata__\":null,\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
                4);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.tensors()).extracting(TensorInfo::name).containsExactly("a");
        }
    }

    private static byte[] floats(float... numbers) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float number : numbers) {
            bytes.putFloat(number);
        }
        return bytes.array();
    }
}
