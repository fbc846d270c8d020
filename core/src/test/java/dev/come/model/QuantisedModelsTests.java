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
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
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
                try (TensorOptions options = new TensorOptions(spec.dtype().scalarType())) {
                    return torch.ones(spec.shape().stream().mapToLong(Long::longValue).toArray(), options);
                }
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
        assertRefused(model, model.toString(), "quantised (quant_method gptq of quantization_config in ",
                DOWN + "qweight is I32", "dequantise it first");
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
        assertRefused(model, "quantised (compression_config in ", DOWN + "weight_scale is F32");
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
    void typesOfEightBitsAreRefusedByTheQuantisationToo() throws IOException {
        ConfigTree config = ConfigTree.read(Golden.model("llama-mha").resolve("config.json"));
        Files.writeString(folder.resolve("config.json"), config.edited(root -> root
                .putObject("quantization_config").put("quant_method", "fp8")).toJson());
        byte[] header = "{\"%sweight\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}  ".formatted(DOWN)
                .getBytes(StandardCharsets.UTF_8);
        byte[] file = new byte[8 + header.length + 2];
        file[0] = (byte) header.length;
        System.arraycopy(header, 0, file, 8, header.length);
        Files.write(folder.resolve("model.safetensors"), file);
        assertThatThrownBy(() -> Checkpoint.open(folder)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("is stored as F8_E4M3", "quantised (quant_method fp8 of quantization_config");
    }

    private static void gptq(ObjectNode config) {
        config.putObject("quantization_config")
                .put("quant_method", "gptq").put("bits", 4);
    }
}
