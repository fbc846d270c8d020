package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorInfo;
import dev.come.export.GgufExport;
import dev.come.model.AttentionKind;
import dev.come.model.ModelConfig;
import dev.come.model.RopeScaling;
import dev.come.model.RotaryEmbedding;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Families whose GGUF files are read. The files are those that the export writes, which GgufExportTests holds to what
 * llama.cpp's converter writes; that of GPT-2 is put together here.
 */
class GgufFamilyTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
    /** float32 numbers to which 1 is added lose what is below half a step of numbers from 1 to 2. */
    private static final double LOST = 0x1p-23;

    @TempDir
    private Path folder;

    /** What a file cannot say is changed in the original: a scale, layers without positions, windows. */
    private static Map<String, Object> edits(String name) {
        return switch (name) {
            case "gemma2", "gemma3" -> Map.of("query_pre_attn_scalar", 8);
            case "smollm3" -> Map.of("no_rope_layers", List.of(1, 1, 1, 0, 1));
            case "starcoder2" -> new HashMap<>(Collections.singletonMap("sliding_window", null));
            default -> Map.of();
        };
    }

    private Path original(String name) throws IOException {
        Path to = Files.createDirectories(folder.resolve("original"));
        for (Path source : List.of(FIXTURES.resolve("families").resolve(name), FIXTURES.resolve("gguf/letters"))) {
            try (Stream<Path> files = Files.list(source)) {
                for (Path file : files.toList()) {
                    Files.copy(file, to.resolve(file.getFileName()));
                }
            }
        }
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(to.resolve("config.json"));
        edits(name).forEach(json::putPOJO);
        Files.writeString(to.resolve("config.json"), json.toString());
        return to;
    }

    private Path unpacked(Path file) {
        return GgufImport.folder(file, folder.resolve("cache"), Progress.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "gemma3", "phi3", "olmo2", "granite", "smollm3", "starcoder2"})
    void aModelComesBackAsItWas(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        try (Checkpoint original = Checkpoint.open(original(name))) {
            new GgufExport(original, ModelConfig.of(original), GgufType.F32, false, false).write(file, Progress.NONE);
            try (Checkpoint made = Checkpoint.open(unpacked(file))) {
                same(made, original, name.startsWith("gemma"));
            }
        }
    }

    /** Numbers to the bit, but for norms that the file has with 1 added. */
    private static void same(Checkpoint made, Checkpoint original, boolean normsPlusOne) {
        assertThat(made.tensors()).extracting(TensorInfo::name)
                .containsExactlyInAnyOrderElementsOf(original.tensors().stream().map(TensorInfo::name).toList());
        try (var _ = new PointerScope()) {
            for (TensorInfo tensor : original.tensors()) {
                Tensor one = made.tensor(tensor.name());
                Tensor other = original.tensor(tensor.name());
                assertThat(made.info(tensor.name()).shape()).as(tensor.name()).isEqualTo(tensor.shape());
                double most = normsPlusOne && tensor.name().contains("norm") ? LOST : 0;
                assertThat(one.sub(other).abs().max().item_double()).as(tensor.name()).isLessThanOrEqualTo(most);
            }
        }
        assertThat(ModelConfig.of(made)).isEqualTo(ModelConfig.of(original));
    }

    /** The fixture has fewer tokens than the tokenizer beside it, so that its file is not unpacked. */
    @Test
    void aPartOfAHeadMayTurn() throws IOException {
        Path file = folder.resolve("phi4-mini.gguf");
        try (Checkpoint original = Checkpoint.open(original("phi4-mini"))) {
            ModelConfig config = ModelConfig.of(original);
            new GgufExport(original, config, GgufType.F32, false, false).write(file, Progress.NONE);
            try (GgufFile gguf = GgufFile.open(file)) {
                ConfigTree made = GgufModel.of(gguf).config(GgufTokenizer.of(gguf.metadata()));
                assertThat(made.number("partial_rotary_factor")).isEqualTo(0.75);
                assertThat(ModelConfig.of(made)).isEqualTo(config);
            }
        }
    }

    @Test
    void gpt2() throws IOException {
        try (Checkpoint original = Checkpoint.open(original("gpt2"));
                Checkpoint made = Checkpoint.open(unpacked(gpt2(original, writer -> writer)))) {
            same(made, original, false);
            assertThat(made.config().string("model_type")).isEqualTo("gpt2");
            assertThat(made.config().integer("n_inner")).isEqualTo(12);
            assertThat(made.config().string("activation_function")).isEqualTo("gelu_new");
        }
    }

    /** Some files of GPT-2 hold the embedding a second time, as the output projection. */
    @Test
    void gpt2WithAnOutputProjection() throws IOException {
        try (Checkpoint original = Checkpoint.open(original("gpt2"));
                Checkpoint made = Checkpoint.open(unpacked(gpt2(original,
                        writer -> writer.floats("output.weight", new float[32 * 8], 32, 8))))) {
            assertThat(made.config().bool("tie_word_embeddings", true)).isFalse();
            assertThat(made.info("lm_head.weight").shape()).containsExactly(32L, 8L);
            assertThat(ModelConfig.of(made).tiedEmbeddings()).isFalse();
        }
    }

    /** As llama.cpp's converter has it: matrices of layers (out, in), where the folder has (in, out). */
    private Path gpt2(Checkpoint original, UnaryOperator<GgufWriter> more) throws IOException {
        GgufWriter writer = new GgufWriter().text("general.architecture", "gpt2").integer("gpt2.block_count", 5)
                .integer("gpt2.context_length", 128).integer("gpt2.embedding_length", 8)
                .integer("gpt2.feed_forward_length", 12).integer("gpt2.attention.head_count", 2)
                .number("gpt2.attention.layer_norm_epsilon", 1e-5).text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2")
                .texts("tokenizer.ggml.tokens",
                        IntStream.range(0, 32).mapToObj(i -> Character.toString('A' + i)).toList())
                .texts("tokenizer.ggml.merges", List.of()).integer("tokenizer.ggml.bos_token_id", 1)
                .integer("tokenizer.ggml.eos_token_id", 2);
        Map<String, String> names = new LinkedHashMap<>();
        names.put("transformer.h.", "blk.");
        names.put("transformer.wte", "token_embd");
        names.put("transformer.wpe", "position_embd");
        names.put("transformer.ln_f", "output_norm");
        names.put("attn.c_attn", "attn_qkv");
        names.put("attn.c_proj", "attn_output");
        names.put("mlp.c_fc", "ffn_up");
        names.put("mlp.c_proj", "ffn_down");
        names.put("ln_1", "attn_norm");
        names.put("ln_2", "ffn_norm");
        try (var _ = new PointerScope()) {
            for (TensorInfo tensor : original.tensors()) {
                String name = tensor.name();
                for (Map.Entry<String, String> entry : names.entrySet()) {
                    name = name.replace(entry.getKey(), entry.getValue());
                }
                boolean matrix = tensor.shape().size() == 2 && name.startsWith("blk.");
                Tensor numbers = original.tensor(tensor.name());
                float[] values = new float[(int) numbers.numel()];
                Tensor stored = matrix ? numbers.t().contiguous() : numbers.contiguous();
                stored.data_ptr_float().get(values);
                List<Long> shape = matrix ? tensor.shape().reversed() : tensor.shape();
                writer.floats(name, values, shape.stream().mapToLong(Long::longValue).toArray());
            }
        }
        return more.apply(writer).write(folder.resolve("gpt2.gguf"));
    }

    private Path gemma(String architecture, int layers, UnaryOperator<GgufWriter> more) throws IOException {
        String key = architecture + ".";
        GgufWriter writer = new GgufWriter().text("general.architecture", architecture)
                .integer(key + "block_count", layers).integer(key + "context_length", 64)
                .integer(key + "embedding_length", 16).integer(key + "feed_forward_length", 4)
                .integer(key + "attention.head_count", 2).integer(key + "attention.head_count_kv", 1)
                .integer(key + "attention.key_length", 4).integer(key + "attention.value_length", 4)
                .number(key + "attention.layer_norm_rms_epsilon", 1e-6).text("tokenizer.ggml.model", "llama")
                .texts("tokenizer.ggml.tokens", List.of("<unk>", "a")).numbers("tokenizer.ggml.scores",
                        List.of(0f, 0f));
        zeros(writer, "token_embd", 2, 16);
        zeros(writer, "output_norm", 16);
        for (int layer = 0; layer < layers; layer++) {
            String begin = "blk." + layer + ".";
            boolean olmo = architecture.equals("olmo2");
            for (String norm : olmo
                    ? List.of("post_attention_norm", "post_ffw_norm")
                    : List.of("attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm")) {
                zeros(writer, begin + norm, 16);
            }
            if (olmo) {
                zeros(writer, begin + "attn_q_norm", 8);
                zeros(writer, begin + "attn_k_norm", 4);
            }
            if (architecture.equals("gemma3")) {
                zeros(writer, begin + "attn_q_norm", 4);
                zeros(writer, begin + "attn_k_norm", 4);
            }
            zeros(writer, begin + "attn_q", 8, 16);
            zeros(writer, begin + "attn_k", 4, 16);
            zeros(writer, begin + "attn_v", 4, 16);
            zeros(writer, begin + "attn_output", 16, 8);
            zeros(writer, begin + "ffn_gate", 4, 16);
            zeros(writer, begin + "ffn_up", 4, 16);
            zeros(writer, begin + "ffn_down", 16, 4);
        }
        return more.apply(writer).write(folder.resolve(architecture + ".gguf"));
    }

    static void zeros(GgufWriter writer, String name, long... shape) {
        writer.floats(name + ".weight", new float[(int) Arrays.stream(shape).reduce(1, Math::multiplyExact)], shape);
    }

    /** What a file leaves out is as llama.cpp has it: every second or sixth layer sees all, and so on. */
    @Test
    void whatAGemmaLeavesOut() throws IOException {
        try (Checkpoint second = Checkpoint.open(unpacked(gemma("gemma2", 3, writer -> writer)))) {
            ModelConfig config = ModelConfig.of(second);
            assertThat(config.attentionKinds()).extracting(kind -> kind.window() == 4096).containsExactly(true, false,
                    true);
            assertThat(config.multipliers().attention()).isEqualTo(0.5);
            assertThat(config.multipliers().attentionCap()).isEqualTo(50);
            assertThat(config.multipliers().logitCap()).isEqualTo(30);
        }
        try (Checkpoint largest = Checkpoint.open(unpacked(gemma("gemma2", 46, writer -> writer)))) {
            assertThat(largest.config().integer("query_pre_attn_scalar")).isEqualTo(8);
        }
        try (Checkpoint third = Checkpoint.open(unpacked(gemma("gemma3", 7,
                writer -> writer.integer("gemma3.attention.sliding_window", 8).number("gemma3.rope.freq_base",
                        1e6))))) {
            assertThat(third.config().optionalStrings("layer_types").orElseThrow())
                    .containsExactlyElementsOf(Stream.concat(Collections.nCopies(5, "sliding_attention").stream(),
                            Stream.of("full_attention", "sliding_attention")).toList());
            assertThat(third.config().number("rope_local_base_freq")).isEqualTo(10_000);
        }
        try (Checkpoint all = Checkpoint.open(unpacked(gemma("gemma3", 6, writer -> writer)))) {
            assertThat(ModelConfig.of(all).attentionKinds().stream().distinct()).hasSize(1);
        }
    }

    @Test
    void whatIsNoGemmaIsRefused() throws IOException {
        Path file = gemma("gemma3", 2, writer -> writer.number("gemma3.attn_logit_softcapping", 30));
        assertThatThrownBy(() -> unpacked(file)).isInstanceOf(CheckpointException.class).hasMessage(file
                + ": 'gemma3.attn_logit_softcapping' is 30.0, and no model of this architecture with such a limit is known"
                + " here");
        Path short_ = gemma("gemma2", 3, writer -> writer.integers("gemma2.attention.sliding_window_pattern",
                List.of(1, 0)));
        assertThatThrownBy(() -> unpacked(short_)).isInstanceOf(CheckpointException.class).hasMessage(short_
                + ": 'gemma2.attention.sliding_window_pattern' says of 2 layers whether they see a window, but there are"
                + " 3");
        Path odd = gemma("gemma2", 2, writer -> writer.integers("gemma2.attention.sliding_window_pattern",
                List.of(1, 2)));
        assertThatThrownBy(() -> unpacked(odd)).isInstanceOf(CheckpointException.class).hasMessage(odd
                + ": 'gemma2.attention.sliding_window_pattern' holds the integer 2, where true or false is expected");
    }

    /** As llama.cpp's converter writes OLMo 3: layers that slide turn without the scaling of the others. */
    @Test
    void anOlmo2WithWindowsIsAnOlmo3() throws IOException {
        UnaryOperator<GgufWriter> keys = writer -> writer.integer("olmo2.attention.sliding_window", 8)
                .number("olmo2.rope.freq_base", 500_000).text("olmo2.rope.scaling.type", "yarn")
                .number("olmo2.rope.scaling.factor", 4).integer("olmo2.rope.scaling.original_context_length", 16);
        try (Checkpoint made = Checkpoint.open(unpacked(gemma("olmo2", 5, keys)))) {
            ModelConfig config = ModelConfig.of(made);
            assertThat(config.family().modelType()).isEqualTo("olmo3");
            assertThat(config.layerKinds()).isEqualTo("sssfs");
            assertThat(config.attention(0)).isEqualTo(new AttentionKind(8,
                    Optional.of(new RotaryEmbedding(4, 500_000, new RopeScaling.None()))));
            assertThat(config.attention(3).rotary().orElseThrow().scaling()).isInstanceOfSatisfying(
                    RopeScaling.Yarn.class, yarn -> assertThat(List.of(yarn.factor(), yarn.trainedPositions()))
                            .isEqualTo(List.of(4.0, 16)));
        }
        try (Checkpoint listed = Checkpoint.open(unpacked(gemma("olmo2", 3, writer -> keys.apply(writer)
                .integers("olmo2.attention.sliding_window_pattern", List.of(0, 1, 0)))))) {
            assertThat(ModelConfig.of(listed).layerKinds()).isEqualTo("fsf");
        }
        try (Checkpoint second = Checkpoint.open(unpacked(gemma("olmo2", 2, writer -> writer)))) {
            assertThat(second.config().string("model_type")).isEqualTo("olmo2");
        }
    }

    /** What NVFP4 has beside its blocks: a factor of the whole matrix, and one of what it is multiplied with. */
    @Test
    void aFactorBesideAMatrixMultipliesIt() throws IOException {
        try (Checkpoint original = Checkpoint.open(original("gpt2"));
                Checkpoint made = Checkpoint.open(unpacked(gpt2(original, writer -> writer
                        .floats("blk.0.attn_qkv.scale", new float[]{0.5f}, 1)
                        .floats("blk.0.attn_qkv.input_scale", new float[]{3}, 1))));
                var _ = new PointerScope()) {
            String name = "transformer.h.%s.attn.c_attn.weight";
            assertThat(made.tensor(name.formatted(0)).mul(new Scalar(2.0)).equal(original.tensor(name.formatted(0))))
                    .isTrue();
            assertThat(made.tensor(name.formatted(1)).equal(original.tensor(name.formatted(1)))).isTrue();
            Path file = gpt2(original, writer -> writer.floats("blk.0.attn_qkv.scale", new float[2], 2));
            assertThatThrownBy(() -> unpacked(file)).isInstanceOf(CheckpointException.class).hasMessage(file
                    + ": tensor 'blk.0.attn_qkv.scale' is F32 of shape [2], where one number of type F32 is expected");
        }
    }
}
