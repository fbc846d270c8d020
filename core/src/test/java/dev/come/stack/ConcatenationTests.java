package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

class ConcatenationTests {
    static final List<String> LLAMAS = Golden.LLAMAS;

    /** Golden: merge.json and merge.safetensors; copies to the bit, sums and means within 1e-6. */
    @ParameterizedTest
    @FieldSource("LLAMAS")
    void aMergedLayerEqualsGolden(String model) {
        JsonNode merges = Golden.expected(model, "merge.json");
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model)); var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            for (String merge : List.of("pair", "triple")) {
                Map<Part, Tensor> merged = new LayerStore(checkpoint, config).materialise(node(merges.get(merge)));
                merged.forEach((part, tensor) -> {
                    Values expected = Golden.expected(model, "merge.safetensors",
                            merge + "." + config.family().parts().get(part));
                    boolean copied = part.axis() != Part.Axis.NONE && part.axis() != Part.Axis.SUMMED_OUTPUT;
                    // Golden was computed in float32 after widening; narrower stored types round sums and means.
                    double rounding = switch (checkpoint.info(config.tensorName(0, part)).dtype()) {
                    case BF16 -> 0x1p-8;
                    case F16 -> 0x1p-11;
                    case F64, F32, I64, I32, I16, I8, U8, BOOL -> 0;
                    };
                    double[] actual = Tensors.doubles(tensor);
                    for (int i = 0; i < actual.length; i++) {
                        double tolerance = copied ? 0 : 1e-6 + rounding * Math.abs(expected.values()[i]);
                        assertThat(Math.abs(actual[i] - expected.values()[i])).as(part + " at " + i)
                                .isLessThanOrEqualTo(tolerance);
                    }
                });
            }
        }
    }

    private static LayerNode node(JsonNode merge) {
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < merge.get("layers").size(); i++) {
            shares.add(new Share(new Original(merge.get("layers").get(i).asInt()), merge.get("ratio").get(i).asDouble(),
                    Golden.integers(merge.get("groups").get(i)), Golden.integers(merge.get("neurons").get(i))));
        }
        return new Concatenated(shares, QueryHeads.GROUPED);
    }

    @ParameterizedTest
    @FieldSource("LLAMAS")
    void aMergeOfMergesIsRoundedOnceToTheStoredType(String model) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model)); var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerNode inner = halves(config, new Original(1), new Original(2));
            LayerNode outer = halves(config, inner, new Original(3));
            double[] actual = Tensors
                    .doubles(new LayerStore(checkpoint, config).materialise(outer).get(Part.INPUT_NORM));
            double[][] norms = new double[3][];
            for (int i = 0; i < 3; i++) {
                norms[i] = Tensors
                        .doubles(LayerWeights.of(checkpoint, config, i + 1).get(Part.INPUT_NORM));
            }
            Tensor exact = org.bytedeco.pytorch.global.torch.tensor(IntStream.range(0, actual.length)
                    .mapToDouble(i -> (norms[0][i] + norms[1][i]) / 4 + norms[2][i] / 2).toArray());
            double[] once = Tensors.doubles(
                    exact.to(checkpoint.info(config.tensorName(1, Part.INPUT_NORM)).dtype().scalarType()));
            assertThat(actual).isEqualTo(once);
        }
    }

    private static LayerNode halves(ModelConfig config, LayerNode first, LayerNode second) {
        List<Integer> heads = IntStream.range(0, config.keyValueHeads()).boxed().toList();
        List<Integer> channels = IntStream.range(0, config.intermediateSize()).boxed().toList();
        int head = heads.size() / 2;
        int channel = channels.size() / 2;
        return new Concatenated(List.of(new Share(first, 0.5, heads.subList(0, head), channels.subList(0, channel)),
                new Share(second, 0.5, heads.subList(head, heads.size()), channels.subList(channel, channels.size()))),
                QueryHeads.GROUPED);
    }
}
