package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.TensorInfo;
import dev.come.checkpoint.TensorMemory;
import dev.come.export.GgufExport;
import dev.come.model.AttentionKind;
import dev.come.model.ModelConfig;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class GgufExportTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
    /** What llama.cpp's own converter makes of the fixtures, see make_converted.py. */
    private static final JsonNode CONVERTED = JsonMapper.shared().readTree(FIXTURES.resolve("gguf/converted.json"));
    /** Keys that the converter leaves out for some families, and llama.cpp takes as they are here. */
    private static final Set<String> FURTHER = Set.of("vocab_size", "rope.dimension_count", "rope.freq_base",
            "attention.key_length", "attention.value_length", "add_bos_token", "add_eos_token",
            "attention.sliding_window_pattern");

    @TempDir
    private Path folder;

    static Stream<String> models() {
        return CONVERTED.propertyNames().stream();
    }

    private Path model(String name, Map<String, Object> edits) throws IOException {
        Path from = Files.isDirectory(FIXTURES.resolve("families").resolve(name))
                ? FIXTURES.resolve("families").resolve(name)
                : Golden.model(name);
        Path to = Files.createDirectories(folder.resolve(name));
        for (Path source : List.of(from, FIXTURES.resolve("gguf/letters"))) {
            try (Stream<Path> files = Files.list(source)) {
                for (Path file : files.toList()) {
                    Files.copy(file, to.resolve(file.getFileName()));
                }
            }
        }
        Path config = to.resolve("config.json");
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config);
        edits.forEach(json::putPOJO);
        Files.writeString(config, json.toString());
        return to;
    }

    private static Map<String, Object> edits(String name) {
        return switch (name) {
            case "gemma2", "gemma3" -> Map.of("query_pre_attn_scalar", 8);
            case "smollm3" -> Map.of("no_rope_layers", List.of(1, 1, 1, 0, 1));
            default -> Map.of();
        };
    }

    private Path exported(Path model, GgufType type) {
        Path file = folder.resolve("out-" + type + ".gguf");
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            GgufExport export = new GgufExport(checkpoint, ModelConfig.of(checkpoint), type, false, false);
            export.write(file, Progress.NONE);
            assertThat(file).hasSize(export.bytes());
        }
        return file;
    }

    private static String value(GgufValue value) {
        return switch (value) {
            case GgufValue.Whole(long number) -> "" + number;
            case GgufValue.Fraction(double number) -> "" + (float) number;
            default -> value.toString();
        };
    }

    @ParameterizedTest
    @MethodSource("models")
    void keysAndTensorsAreThoseOfTheConverterOfLlamaCpp(String name) throws IOException {
        JsonNode golden = CONVERTED.get(name);
        try (GgufFile file = GgufFile.open(exported(model(name, edits(name)), GgufType.F32))) {
            Map<String, Object> tensors = new TreeMap<>();
            for (GgufTensor tensor : file.header().tensors()) {
                byte[] bytes = new byte[(int) tensor.byteLength()];
                file.read(tensor, 0, bytes);
                CRC32 sum = new CRC32();
                sum.update(bytes);
                tensors.put(tensor.name(), List.of(tensor.type().name(), tensor.shape(), sum.getValue()));
            }
            Map<String, Object> expected = new TreeMap<>();
            golden.get("tensors").properties().forEach(entry -> expected.put(entry.getKey(),
                    List.of(entry.getValue().get(0).asString(),
                            entry.getValue().get(1).valueStream().map(JsonNode::asLong).toList(),
                            entry.getValue().get(2).asLong())));
            if (name.equals("gemma3")) { // its converter cuts rows without a token off
                expected.remove("token_embd.weight");
                tensors.remove("token_embd.weight");
            }
            assertThat(tensors).isEqualTo(expected);
            Set<String> further = new TreeSet<>();
            file.metadata().values().forEach((key, value) -> {
                JsonNode theirs = golden.get("keys").get(key);
                if (key.startsWith("general.")) {
                    return;
                }
                if (theirs == null) {
                    further.add(key.replaceFirst("^" + file.metadata().requiredText("general.architecture") + "\\.", "")
                            .replace("tokenizer.ggml.", ""));
                } else if (theirs.isFloat() || theirs.isDouble()) {
                    assertThat(value(value)).as(key).isEqualTo("" + (float) theirs.asDouble());
                } else if (theirs.isNumber()) {
                    assertThat(value(value)).as(key).isEqualTo(theirs.toString());
                }
            });
            further.removeAll(Set.of("tokens", "token_type", "merges"));
            assertThat(FURTHER).containsAll(further);
            assertThat(file.metadata().values().keySet()).containsAll(golden.get("keys").propertyNames());
        }
    }

    /** A file that is read back gives the same tensors, in families that are read. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "llama-mha", "llama-mqa", "llama-bias", "llama3-rope", "mistral-gqa", "qwen2",
        "qwen3", "llama-bf16-sharded", "llama-fp16"})
    void whatIsReadBackIsTheSame(String name) throws IOException {
        Path model = model(name, Map.of());
        Path back = GgufImport.folder(exported(model, GgufType.F32), folder.resolve("cache"), Progress.NONE);
        try (Checkpoint one = Checkpoint.open(model); Checkpoint other = Checkpoint.open(back)) {
            ModelConfig config = ModelConfig.of(other);
            assertThat(config.attentionKinds()).extracting(AttentionKind::rotary)
                    .isEqualTo(ModelConfig.of(one).attentionKinds().stream().map(AttentionKind::rotary).toList());
            for (TensorInfo tensor : one.tensors()) {
                assertThat(floats(other, tensor.name())).as(tensor.name()).isEqualTo(floats(one, tensor.name()));
            }
        }
    }

    private static float[] floats(Checkpoint checkpoint, String name) {
        try (var _ = new PointerScope()) {
            return TensorMemory.of(checkpoint.tensor(name).to(ScalarType.Float)).toArray(ValueLayout.JAVA_FLOAT);
        }
    }

    @Test
    void everyTensorHasTheTypeThatSuitsIt() throws IOException {
        try (GgufFile file = GgufFile.open(exported(model("llama-gqa", Map.of()), GgufType.Q4_0))) {
            Map<String, GgufType> types = new TreeMap<>();
            file.header().tensors().forEach(tensor -> types.put(tensor.name(), tensor.type()));
            assertThat(types.get("blk.0.attn_norm.weight")).isEqualTo(GgufType.F32);
            assertThat(types.get("token_embd.weight")).as("the output projection").isEqualTo(GgufType.Q8_0);
            assertThat(types.get("blk.0.attn_q.weight")).isEqualTo(GgufType.Q4_0);
        }
        try (GgufFile file = GgufFile.open(exported(model("olmo2", Map.of()), GgufType.Q4_0))) {
            assertThat(file.header().tensors()).as("rows that blocks do not divide").filteredOn(tensor -> tensor.name()
                    .equals("blk.0.attn_q.weight")).extracting(GgufTensor::type).containsExactly(GgufType.F16);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {
        "gemma2 | query_pre_attn_scalar | 12 | multiplies products of queries and keys by 0.28867513",
        "llama-gqa | hidden_act | gelu | has the activation 'gelu', where silu is expected",
        "opt | vocab_size | 128 | no GGUF file can be made of models of type opt"})
    void whatLlamaCppWouldComputeOtherwiseIsRefused(String name, String key, String value, String message)
            throws IOException {
        Path model = model(name, Map.of(key, value.matches("\\d+") ? (Object) Integer.valueOf(value) : value));
        assertThatThrownBy(() -> exported(model, GgufType.F32)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(message);
        assertThat(folder.resolve("out-F32.gguf")).doesNotExist();
    }

    @Test
    void layersWithoutPositionsMustStayInTheirPlaces() throws IOException {
        Path model = model("smollm3", Map.of("no_rope_layers", List.of(0, 1, 1, 1, 1)));
        assertThatThrownBy(() -> exported(model, GgufType.F32)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("in layer 0").hasMessageContaining("remove whole periods of layers");
    }

    /** Which layers slide can be anything: after pruning it often follows no period. */
    @Test
    void windowsThatFollowNoPeriodAreListed() throws IOException {
        Path model = model("gemma2",
                Map.of("query_pre_attn_scalar", 8, "layer_types", Arrays.asList("sliding_attention",
                        "sliding_attention", "full_attention", "full_attention", "sliding_attention")));
        try (GgufFile file = GgufFile.open(exported(model, GgufType.F32))) {
            assertThat(file.metadata().values().get("gemma2.attention.sliding_window_pattern")).isNotNull();
        }
    }

    /** llama.cpp composes nothing, whatever the name; another name would cut words otherwise. */
    @Test
    void aTokenizerThatComposesIsCalledAsItCutsWords() throws IOException {
        Path model = model("llama-gqa", Map.of());
        Path tokenizer = model.resolve("tokenizer.json");
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(tokenizer);
        json.putObject("normalizer").put("type", "NFC");
        Files.writeString(tokenizer, json.toString());
        try (GgufFile file = GgufFile.open(exported(model, GgufType.F32))) {
            assertThat(file.metadata().requiredText("tokenizer.ggml.pre")).isEqualTo("gpt-2");
        }
    }

    @Test
    void weightsThatAreNotFiniteLeaveNoFile() throws IOException {
        Path model = model("llama-gqa", Map.of());
        Path weights = model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Arrays.fill(bytes, bytes.length - 64, bytes.length, (byte) 0xff);
        Files.write(weights, bytes);
        assertThatThrownBy(() -> exported(model, GgufType.F32)).isInstanceOf(FailedException.class)
                .hasMessageContaining("holds NaN or infinity");
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left.map(Path::getFileName).map(Path::toString)).containsExactly("llama-gqa");
        }
    }
}
