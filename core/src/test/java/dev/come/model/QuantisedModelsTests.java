package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/** A quantised model is refused by the name of its quantisation, and not by a tensor that it leads to. */
class QuantisedModelsTests {
    private static final String DOWN = "model.layers.0.mlp.down_proj.";

    @TempDir
    private Path folder;

    /** A golden model with other tensors in the place of a weight, as quantisers store it. */
    private Path stored(Consumer<ObjectNode> config, TensorSpec... inItsPlace) {
        try (Checkpoint plain = Checkpoint.open(Golden.model("llama-mha"))) {
            List<TensorSpec> specs = new ArrayList<>(List.of(inItsPlace));
            plain.tensors().stream().filter(info -> !info.name().startsWith(DOWN))
                    .forEach(info -> specs.add(TensorSpec.like(info, info.name())));
            Path target = folder.resolve("quantised");
            new CheckpointWriter(target, plain.config().edited(config)).write(specs, spec -> {
                if (plain.contains(spec.name()) && plain.info(spec.name()).dtype() == spec.dtype()) {
                    return plain.tensor(spec.name());
                }
                return torch.ones(spec.shape().stream().mapToLong(Long::longValue).toArray())
                        .to(spec.dtype().scalarType());
            });
            return target;
        }
    }

    private static void assertRefused(Path model, String... parts) {
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThatThrownBy(() -> ModelConfig.of(checkpoint)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll(parts);
        }
    }

    @Test
    void packedIntegersAreRefusedByTheQuantisation() {
        Path model = stored(QuantisedModelsTests::gptq, new TensorSpec(DOWN + "qweight", DType.I32, List.of(4L, 8L)),
                new TensorSpec(DOWN + "scales", DType.F16, List.of(1L, 8L)));
        assertRefused(model, model.toString(), "quantised (quant_method gptq, 4 bits, of quantization_config in ",
                DOWN + "qweight is I32), which is not read; give the model as it was before, or dequantise it first");
    }

    @Test
    void integersUnderTheUsualNameAreToo() {
        Path model = stored(config -> config.putObject("quantization_config").put("quant_method", "bitsandbytes"),
                new TensorSpec(DOWN + "weight", DType.U8, List.of(600L, 1L)),
                new TensorSpec(DOWN + "weight.absmax", DType.F32, List.of(8L)));
        assertRefused(model, "quantised (quant_method bitsandbytes", DOWN + "weight is U8");
    }

    @Test
    void scalesBesideAWeightShowItWhereThereAreNoIntegers() {
        Path model = stored(config -> config.putObject("compression_config").put("format", "float-quantized"),
                new TensorSpec(DOWN + "weight_scale", DType.F32, List.of(1L)));
        assertRefused(model, "quantised (format float-quantized, of compression_config in ",
                DOWN + "weight_scale is F32");
    }

    @Test
    void withoutAWordInTheConfigurationTheTensorIsNamed() {
        Path model = stored(config -> config.remove("quantization_config"),
                new TensorSpec(DOWN + "qweight", DType.I32, List.of(4L, 8L)));
        assertRefused(model, "tensor '" + DOWN + "weight', which config.json asks for, is missing");
    }

    @Test
    void ofPlainWeightsThatAreNotCompleteNothingElseIsSaid() {
        assertRefused(stored(QuantisedModelsTests::gptq),
                "tensor '" + DOWN + "weight', which config.json asks for, is missing");
    }

    @Test
    void plainWeightsAreTaken() {
        try (Checkpoint plain = Checkpoint.open(Golden.model("llama-mha"))) {
            TensorSpec down = TensorSpec.like(plain.info(DOWN + "weight"), DOWN + "weight");
            try (Checkpoint checkpoint = Checkpoint.open(stored(QuantisedModelsTests::gptq, down))) {
                assertThat(ModelConfig.of(checkpoint)).isEqualTo(ModelConfig.of(plain));
            }
        }
    }

    @Test
    void typesOfFourBitsAreRefusedByTheQuantisationToo() throws IOException {
        ConfigTree config = ConfigTree.read(Golden.model("llama-mha").resolve("config.json"));
        Files.writeString(folder.resolve("config.json"), config.edited(root -> root
                .putObject("quantization_config").put("quant_method", "fp8")).toJson());
        byte[] header = "{\"%sweight\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}  ".formatted(DOWN)
                .getBytes(StandardCharsets.UTF_8);
        byte[] file = new byte[8 + header.length + 2];
        file[0] = (byte) header.length;
        System.arraycopy(header, 0, file, 8, header.length);
        Files.write(folder.resolve("model.safetensors"), file);
        assertThatThrownBy(() -> Checkpoint.open(folder)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("is stored as F4", "quantised (quant_method fp8, of quantization_config",
                        "so give the model as it was before");
    }

    @Test
    void floatsOfEightBitsWithoutScalesAreRefused() {
        Path model = stored(config -> config.putObject("quantization_config").put("quant_method", "fp8"),
                new TensorSpec(DOWN + "weight", DType.F8_E4M3, List.of(24L, 40L)));
        assertRefused(model, "quantised (quant_method fp8, of ", DOWN + "weight is F8_E4M3), which is not read");
    }

    /** The name that config.json has of what was quantised, less what quantised models have behind their names. */
    @ParameterizedTest
    @CsvSource({"_name_or_path, meta-llama/Llama-2-7b-hf, meta-llama/Llama-2-7b-hf",
        "_name_or_path, unsloth/llama-3-8b-bnb-4bit, unsloth/llama-3-8b",
        "model_name_or_path, Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4, Qwen/Qwen2.5-7B-Instruct",
        "_name_or_path, /home/somebody/model,", "_name_or_path, ./model/x,"})
    void theModelBeforeIsNamed(String key, String name, @Nullable String original) {
        Path model = stored(config -> {
            gptq(config);
            (key.startsWith("_") ? config : (ObjectNode) config.get("quantization_config")).put(key, name);
        }, new TensorSpec(DOWN + "qweight", DType.I32, List.of(4L, 8L)));
        assertRefused(model, original == null
                ? "; give the model as it was before, or dequantise it first"
                : "; give the model as it was before, which is probably " + original + ", or dequantise it first");
    }

    @ParameterizedTest
    @ValueSource(strings = {"gptq", "awq", "bitsandbytes", "mxfp4", "compressed-tensors"})
    void theMethodIsNamed(String method) {
        Path model = stored(config -> config.putObject("quantization_config").put("quant_method", method),
                new TensorSpec(DOWN + "weight_packed", DType.U8, List.of(4L, 8L)));
        assertRefused(model, "the weights are quantised (quant_method " + method + ", of quantization_config in");
    }

    /** Left beside plain weights; transformers warns of it and goes on. */
    @Test
    void scalesOfNothingAreTaken() {
        try (Checkpoint plain = Checkpoint.open(Golden.model("llama-mha"));
                Checkpoint checkpoint = Checkpoint.open(stored(_ -> {
                }, TensorSpec.like(plain.info(DOWN + "weight"), DOWN + "weight"),
                        new TensorSpec(DOWN + "weight_scale", DType.F8_E8M0, List.of(2L, 3L))))) {
            assertThat(ModelConfig.of(checkpoint)).isEqualTo(ModelConfig.of(plain));
        }
    }

    private static void gptq(ObjectNode config) {
        config.putObject("quantization_config")
                .put("quant_method", "gptq").put("bits", 4);
    }
}
