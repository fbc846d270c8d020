package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorInfo;
import dev.come.model.ModelConfig;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufImportTests {
    static final List<String> LLAMAS = Golden.MODELS.stream()
            .filter(name -> name.startsWith("llama") || name.startsWith("mistral")).toList();

    @TempDir
    private Path folder;

    private Path unpacked(TinyGguf model) throws IOException {
        return GgufImport.folder(model.write(folder.resolve("tiny.gguf")), folder.resolve("cache/gguf"), Progress.NONE);
    }

    /** Mistral too; float32, float16 and bfloat16; one and several query heads for a key head; biases; scaled positions. */
    @ParameterizedTest
    @FieldSource("LLAMAS")
    void aLlamaComesBackToTheByte(String golden) throws IOException {
        try (Checkpoint made = Checkpoint.open(unpacked(TinyGguf.of(golden)));
                Checkpoint original = Checkpoint.open(Golden.model(golden))) {
            sameTensors(made, original);
            assertThat(ModelConfig.of(made)).isEqualTo(ModelConfig.of(original));
        }
    }

    /** The golden models slide their windows, which GGUF files of these architectures do not tell. */
    @ParameterizedTest
    @CsvSource({"qwen2, Qwen2ForCausalLM, 8", "qwen3, Qwen3ForCausalLM, 16"})
    void aQwenComesBackToTheByte(String golden, String className, int headDim) throws IOException {
        try (Checkpoint made = Checkpoint.open(unpacked(TinyGguf.of(golden)));
                Checkpoint original = Checkpoint.open(Golden.model(golden))) {
            sameTensors(made, original);
            ConfigTree config = made.config();
            assertThat(config.string("model_type")).isEqualTo(golden);
            assertThat(config.optionalStrings("architectures")).contains(List.of(className));
            assertThat(config.integer("head_dim")).isEqualTo(headDim);
            assertThat(config.bool("use_sliding_window", true)).isFalse();
            for (String key : List.of("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers",
                    "num_attention_heads", "num_key_value_heads", "max_position_embeddings", "bos_token_id",
                    "eos_token_id")) {
                assertThat(config.integer(key)).as(key).isEqualTo(original.config().integer(key));
            }
            assertThat(config.number("rms_norm_eps")).isEqualTo(1e-6);
            assertThat(config.number("rope_theta")).isEqualTo(1e6);
            assertThat(config.bool("tie_word_embeddings", true)).isFalse();
            try (Checkpoint unlimited = Checkpoint.open(withoutWindows(golden))) {
                assertThat(ModelConfig.of(made)).isEqualTo(ModelConfig.of(unlimited));
            }
        }
    }

    /** A golden model all of whose layers attend to everything. */
    private Path withoutWindows(String golden) throws IOException {
        Path copy = WordModels.copy(golden, folder);
        ConfigTree config = ConfigTree.read(copy.resolve("config.json")).edited(root -> {
            root.put("use_sliding_window", false);
            root.remove("layer_types");
        });
        Files.writeString(copy.resolve("config.json"), config.toJson());
        return copy;
    }

    @Test
    void weightsThatAreNoNumbersAreNotUnpacked() throws IOException {
        Path file = TinyGguf.llama().write(folder.resolve("damaged.gguf"));
        GgufTensor last;
        try (GgufFile gguf = GgufFile.open(file)) {
            last = gguf.header().tensors().getLast();
        }
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
            bytes.seek(last.offset() + last.byteLength() - Float.BYTES);
            bytes.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(Float.NaN)));
        }
        assertThatThrownBy(() -> GgufImport.folder(file, folder.resolve("cache"), Progress.NONE))
                .isInstanceOf(FailedException.class)
                .hasMessage(file + ": tensor '" + last.name()
                        + "' holds NaN or infinity; the file is damaged, fetch it again");
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void quantisedMatricesBecomeBfloat16() throws IOException {
        try (Checkpoint made = Checkpoint.open(unpacked(TinyGguf.of("llama-gqa").quantised()));
                Checkpoint original = Checkpoint.open(Golden.model("llama-gqa"));
                var _ = new PointerScope()) {
            assertThat(made.tensors()).allMatch(tensor -> tensor.dtype() == DType.BF16);
            assertThat(made.config().string("torch_dtype")).isEqualTo("bfloat16");
            for (TensorInfo tensor : original.tensors()) {
                double largest = original.tensor(tensor.name()).abs().max().item_double();
                double distance = original.tensor(tensor.name()).sub(made.tensor(tensor.name())).abs().max()
                        .item_double();
                // half a step of 127, and bfloat16 on top
                assertThat(distance).as(tensor.name()).isLessThan(largest * (0.5 / 127 + 1.0 / 256));
            }
        }
    }

    @Test
    void theFolderHasWhatTransformersReads() throws IOException {
        Path made = unpacked(TinyGguf.of("llama-mha").with(writer -> writer.text("tokenizer.chat_template", "{{ x }}")
                .integer("tokenizer.ggml.eot_token_id", 0).text("general.license", "mit")));
        assertThat(WordModels.names(made)).containsExactly("README.md", "config.json", "generation_config.json",
                "model.safetensors", "tokenizer.json", "tokenizer_config.json");
        assertThat(made.getFileName().toString()).matches("tiny-[0-9a-f]{16}");
        ConfigTree tokenizer = ConfigTree.read(made.resolve("tokenizer_config.json"));
        assertThat(tokenizer.string("bos_token")).isEqualTo("<s>");
        assertThat(tokenizer.string("eos_token")).isEqualTo("</s>");
        assertThat(tokenizer.string("unk_token")).isEqualTo("<unk>");
        assertThat(tokenizer.string("chat_template")).isEqualTo("{{ x }}");
        assertThat(ConfigTree.read(made.resolve("generation_config.json")).oneOrMoreIntegers("eos_token_id"))
                .containsExactly(2, 0);
        assertThat(made.resolve("README.md")).content().isEqualTo("""
                Unpacked from the GGUF file tiny.gguf by CoMe for Java.

                - general.name: tiny
                - general.license: mit
                """);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void bothKindsOfTokenizerJoinLetters(boolean sentencePiece) throws IOException {
        TinyGguf model = TinyGguf.of("llama-mha");
        try (Tokenizer tokenizer = Tokenizer.open(unpacked(sentencePiece ? model.sentencePiece() : model))) {
            // 3 marks, the blank, 26 letters "etaoinshrdl...", then "ee", "te", "ae", "oe", ...
            int[] plain = tokenizer.encode("te oe q");
            assertThat(plain).isEqualTo(sentencePiece
                    ? new int[]{1, 3, 31, 3, 33, 3, 26}
                    : new int[]{1, 31, 3, 33, 3, 26});
            assertThat(tokenizer.decode(plain)).isEqualTo(sentencePiece ? "<s> te oe q" : "<s>te oe q");
            assertThat(tokenizer.encodeWithoutSpecialTokens("</s>")).containsExactly(2);
        }
    }

    @Test
    void aFileIsUnpackedOnceAndAgainWhenItIsAnother() throws IOException {
        Path cache = folder.resolve("cache");
        Path file = TinyGguf.of("llama-mha").write(folder.resolve("my model!.gguf"));
        List<String> notes = new ArrayList<>();
        Path first = GgufImport.folder(file, cache, new Notes(notes));
        assertThat(first.getFileName().toString()).startsWith("my_model_-");
        assertThat(notes).containsExactly("%s is unpacked into %s".formatted(file, first));
        Map<String, String> hashes = WordModels.hashes(first);
        assertThat(GgufImport.folder(file, cache, new Notes(notes))).isEqualTo(first);
        assertThat(notes).hasSize(2).last().isEqualTo("%s was unpacked before, into %s".formatted(file, first));
        assertThat(WordModels.hashes(first)).isEqualTo(hashes);
        TinyGguf.of("llama-gqa").write(file);
        assertThat(GgufImport.folder(file, cache, Progress.NONE)).isNotEqualTo(first);
        assertThat(WordModels.names(cache)).hasSize(2);
    }

    @Test
    void theCacheIsWhereXdgSaysOrInTheHome() {
        Path home = Path.of("/home/someone");
        assertThat(GgufImport.cache(Map.of(), home)).isEqualTo(Path.of("/home/someone/.cache/come/gguf"));
        assertThat(GgufImport.cache(Map.of("XDG_CACHE_HOME", "/big"), home)).isEqualTo(Path.of("/big/come/gguf"));
        assertThat(GgufImport.cache(Map.of("XDG_CACHE_HOME", "big"), home))
                .isEqualTo(Path.of("/home/someone/.cache/come/gguf"));
        assertThat(GgufImport.cache(Map.of("XDG_CACHE_HOME", ""), home))
                .isEqualTo(Path.of("/home/someone/.cache/come/gguf"));
    }

    @Test
    void aRefusedFileLeavesNothingBehind() throws IOException {
        Path file = TinyGguf.of("llama-mha").without("blk.5.ffn_up.weight").write(folder.resolve("tiny.gguf"));
        assertThatThrownBy(() -> GgufImport.folder(file, folder.resolve("cache"), Progress.NONE))
                .isInstanceOf(CheckpointException.class).hasMessage(file
                        + ": tensor 'blk.5.ffn_up.weight' is missing, which the architecture 'llama' with 6 layers asks for");
        assertThat(folder.resolve("cache")).doesNotExist();
    }

    @Test
    void aCacheThatCannotBeWrittenToIsNamed() throws IOException {
        Path file = TinyGguf.llama().write(folder.resolve("tiny.gguf"));
        Path cache = Files.writeString(folder.resolve("cache"), "a file");
        assertThatThrownBy(() -> GgufImport.folder(file, cache, Progress.NONE)).isInstanceOfAny(FailedException.class,
                InvalidInputException.class, UsageException.class).hasMessageContaining(cache.toString());
    }

    @Test
    void whatIsNotReadIsRefused() throws IOException {
        refused(writer -> writer.floats("blk.0.attn_rot.weight", new float[2], 2),
                "tensor 'blk.0.attn_rot.weight' has no place in a model of the architecture 'llama' with 1 layers");
        refused(writer -> writer.floats("blk.1.attn_norm.weight", new float[32], 32),
                "tensor 'blk.1.attn_norm.weight' has no place in a model of the architecture 'llama' with 1 layers");
        refused(writer -> writer.floats("output.weight", new float[64], 2, 32),
                "tensor 'output.weight' has shape [2, 32], but the keys make it [40, 32]");
        refused(writer -> writer.integer("llama.expert_count", 8),
                "the model is a mixture of experts, whose layers cannot be merged here");
        refused(writer -> writer.integer("split.count", 3),
                "the file is one of 3 parts of a model, whose names end with NAME-00001-of-00003.gguf and so on; give all of them"
                        + " such names");
        refused(writer -> writer.number("llama.logit_scale", 0.5),
                "'llama.logit_scale' is 0.5, and no model of this architecture with such a factor is known here");
        refused(writer -> writer.number("llama.attn_logit_softcapping", 50),
                "'llama.attn_logit_softcapping' is 50.0, and no model of this architecture with such a limit is known here");
        refused(writer -> writer.text("llama.rope.scaling.type", "longrope"),
                "'llama.rope.scaling.type' is 'longrope', where none, linear or yarn is expected");
        refused(writer -> writer.text("llama.rope.scaling.type", "yarn"),
                "'llama.rope.scaling.factor' is missing, which positions of type yarn need");
        refused(writer -> writer.number("llama.rope.scaling.factor", -2),
                "'llama.rope.scaling.factor' is -2.0, where a positive number is expected");
        refused(writer -> writer.number("llama.rope.scale_linear", 2).floats("rope_freqs.weight",
                new float[]{1, 1, 2, 4}, 4), "positions are scaled by 'llama.rope.scale_linear' and by the tensor"
                        + " 'rope_freqs.weight', where one of them is expected");
        refused(writer -> writer.floats("rope_freqs.weight", new float[]{1, 1, 0, 1}, 4),
                "tensor 'rope_freqs.weight' holds [1.0, 1.0, 0.0, 1.0], where positive numbers are expected");
    }

    @Test
    void aFileOfAnotherArchitectureOrWithoutTensorsIsRefused() throws IOException {
        Path file = folder.resolve("tiny.gguf");
        new GgufWriter().text("general.architecture", "mamba").write(file);
        assertThatThrownBy(() -> GgufImport.folder(file, folder, Progress.NONE)).isInstanceOf(CheckpointException.class)
                .hasMessage(file
                        + ": the architecture is 'mamba', and of GGUF files only llama, qwen2, qwen3, gemma2, gemma3, phi3, olmo2,"
                        + " granite, smollm3, starcoder2, gpt2 are read; use the model's own folder");
        new GgufWriter().text("general.architecture", "llama").write(file);
        assertThatThrownBy(() -> GgufImport.folder(file, folder, Progress.NONE)).isInstanceOf(CheckpointException.class)
                .hasMessage(file + ": the file has no tensors, only a vocabulary; get one with the model's weights");
        new GgufWriter().text("general.architecture", "llama").floats("x", new float[1], 1).write(file);
        assertThatThrownBy(() -> GgufImport.folder(file, folder, Progress.NONE)).isInstanceOf(CheckpointException.class)
                .hasMessage(file + ": the key 'llama.block_count' is missing; it must be an integer");
    }

    @Test
    void positionsAreScaledAsTheFileSays() throws IOException {
        ConfigTree linear = rope(writer -> writer.text("llama.rope.scaling.type", "linear")
                .number("llama.rope.scaling.factor", 4));
        assertThat(linear.string("rope_type")).isEqualTo("linear");
        assertThat(linear.number("factor")).isEqualTo(4);
        ConfigTree yarn = rope(writer -> writer.text("llama.rope.scaling.type", "yarn")
                .number("llama.rope.scaling.factor", 4).integer("llama.rope.scaling.original_context_length", 16)
                .number("llama.rope.scaling.attn_factor", 2));
        assertThat(yarn.string("rope_type")).isEqualTo("yarn");
        assertThat(yarn.integer("original_max_position_embeddings")).isEqualTo(16);
        assertThat(yarn.number("attention_factor")).isEqualTo(2 * (1 + 0.1 * Math.log(4)));
        ConfigTree listed = rope(writer -> writer.floats("rope_freqs.weight", new float[]{1, 1.5f, 1, 3}, 4));
        assertThat(listed.string("rope_type")).isEqualTo("longrope");
        assertThat(listed.optionalNumbers("long_factor")).contains(List.of(1.0, 1.5, 1.0, 3.0));
        assertThat(listed.optionalNumbers("short_factor")).contains(List.of(1.0, 1.5, 1.0, 3.0));
    }

    /** llama.cpp takes a file that names no type for linear, and 0 for no factor. */
    @ParameterizedTest
    @CsvSource({"llama.rope.scale_linear, 4, ", "llama.rope.scaling.factor, 4, ", "llama.rope.scale_linear, 4, linear"})
    void aFactorWithoutATypeIsLinear(String key, double factor, @Nullable String type) throws IOException {
        ConfigTree linear = rope(writer -> (type == null ? writer : writer.text("llama.rope.scaling.type", type))
                .number(key, factor));
        assertThat(linear.string("rope_type")).isEqualTo("linear");
        assertThat(linear.number("factor")).isEqualTo(factor);
    }

    @ParameterizedTest
    @CsvSource({"0, ", "1, ", "0, linear", "1, linear", "4, none"})
    void aFactorOfNoneScalesNothing(double factor, @Nullable String type) throws IOException {
        for (String key : List.of("llama.rope.scale_linear", "llama.rope.scaling.factor")) {
            try (Checkpoint made = Checkpoint.open(unpacked(TinyGguf.llama().with(
                    writer -> (type == null ? writer : writer.text("llama.rope.scaling.type", type)).number(key,
                            factor))))) {
                assertThat(made.config().has("rope_scaling")).isFalse();
            }
        }
    }

    @Test
    void aLlamaWithAWindowIsAMistral() throws IOException {
        try (Checkpoint made = Checkpoint.open(
                unpacked(TinyGguf.llama().with(writer -> writer.integer("llama.attention.sliding_window", 16))))) {
            assertThat(made.config().string("model_type")).isEqualTo("mistral");
            assertThat(made.config().integer("sliding_window")).isEqualTo(16);
            assertThat(made.config().optionalStrings("architectures")).contains(List.of("MistralForCausalLM"));
        }
    }

    private ConfigTree rope(UnaryOperator<GgufWriter> more) throws IOException {
        try (Checkpoint made = Checkpoint.open(unpacked(TinyGguf.llama().with(more)))) {
            assertThat(ModelConfig.of(made).headDim()).isEqualTo(8);
            return made.config().optionalObject("rope_scaling").orElseThrow();
        }
    }

    private void refused(UnaryOperator<GgufWriter> more, String message) throws IOException {
        Path file = TinyGguf.llama().with(more).write(folder.resolve("tiny.gguf"));
        assertThatThrownBy(() -> GgufImport.folder(file, folder.resolve("cache"), Progress.NONE))
                .isInstanceOf(CheckpointException.class).hasMessage(file + ": " + message);
    }

    private static void sameTensors(Checkpoint made, Checkpoint original) {
        assertThat(made.tensors()).extracting(TensorInfo::name)
                .containsExactlyInAnyOrderElementsOf(original.tensors().stream().map(TensorInfo::name).toList());
        try (var _ = new PointerScope()) {
            for (TensorInfo tensor : original.tensors()) {
                assertThat(made.info(tensor.name()).dtype()).as(tensor.name()).isEqualTo(tensor.dtype());
                assertThat(made.info(tensor.name()).shape()).as(tensor.name()).isEqualTo(tensor.shape());
                assertThat(made.tensor(tensor.name()).equal(original.tensor(tensor.name()))).as(tensor.name()).isTrue();
            }
        }
    }
}
