package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorInfo;
import dev.come.checkpoint.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** Whole jobs on a model whose matrices are floats of eight bits, beside the same on what these stand for. */
class ScaledModelTests {
    private static final String SCALE = "_scale_inv";
    private static final double LARGEST = 448;

    @TempDir
    private Path folder;

    private static boolean isScaled(TensorInfo tensor) {
        return tensor.name().contains(".layers.") && tensor.shape().size() == 2;
    }

    /** A scale for all of a matrix, a power of two. */
    private static Tensor scale(Tensor matrix) {
        double most = matrix.abs().max().item_double() / LARGEST;
        return torch.full(new long[]{1}, new Scalar(Math.pow(2, Math.ceil(Math.log(most) / Math.log(2)))));
    }

    private Path made(Path from, String name, Consumer<ObjectNode> config, boolean plain) throws IOException {
        Path target = folder.resolve(name);
        try (Checkpoint source = Checkpoint.open(from)) {
            List<TensorSpec> specs = new ArrayList<>();
            for (TensorInfo tensor : source.tensors()) {
                specs.add(new TensorSpec(tensor.name(),
                        plain || !isScaled(tensor) ? DType.BF16 : DType.F8_E4M3, tensor.shape()));
                if (!plain && isScaled(tensor)) {
                    specs.add(new TensorSpec(tensor.name() + SCALE, DType.F32, List.of(1L)));
                }
            }
            new CheckpointWriter(target, source.config().edited(config)).write(specs, spec -> {
                if (spec.name().endsWith(SCALE)) {
                    return scale(source.tensor(spec.name().replace(SCALE, "")));
                }
                Tensor numbers = source.tensor(spec.name());
                if (!isScaled(source.info(spec.name()))) {
                    return numbers.to(ScalarType.BFloat16);
                }
                Tensor scale = scale(numbers);
                Tensor eight = numbers.div(scale).to(ScalarType.Float8_e4m3fn);
                return plain ? eight.to(ScalarType.Float).mul(scale).to(ScalarType.BFloat16) : eight;
            });
        }
        Files.copy(from.resolve("tokenizer.json"), target.resolve("tokenizer.json"));
        return target;
    }

    @Test
    void aModelOfEightBitsIsPrunedAndMergedAsWhatItStandsFor() throws IOException {
        Run run = new Run("llama-gqa", folder);
        Path golden = run.model;
        Path eight = made(golden, "eight", root -> root.put("dtype", "bfloat16").putObject("quantization_config")
                .put("quant_method", "fp8"), false);
        Path plain = made(golden, "plain", root -> root.put("dtype", "bfloat16"), true);
        run.of(plain).to("of-plain");
        run.of(eight).to("of-eight");
        assertThat(WordModels.hashes(run.target("of-eight")).get("model.safetensors"))
                .isEqualTo(WordModels.hashes(run.target("of-plain")).get("model.safetensors"));
        ConfigTree config = ConfigTree.read(run.target("of-eight/config.json"));
        assertThat(config.mentions("quantization_config")).isFalse();
        assertThat(config.toJson()).isEqualTo(ConfigTree.read(run.target("of-plain/config.json")).toJson());
        try (Checkpoint made = Checkpoint.open(run.target("of-eight"))) {
            assertThat(made.tensors()).allMatch(tensor -> tensor.dtype() == DType.BF16)
                    .noneMatch(tensor -> tensor.name().endsWith(SCALE));
        }
        Inspection inspection = new ModelSource(eight.toString(), Optional.empty()).inspect(() -> {
            throw new AssertionError("the hub is not needed for a path");
        });
        assertThat(inspection.problems()).isEmpty();
        assertThat(inspection.remarks())
                .containsExactly("42 matrices are stored in eight bits with scales and"
                        + " read as bfloat16; models made from this one are stored as bfloat16");
    }
}
