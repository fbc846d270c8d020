package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
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
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import tools.jackson.databind.JsonNode;

class ConcatenationTests {
    static final List<String> MODELS = Golden.MODELS;

    /** Golden: merge.json and merge.safetensors; copies to the bit, sums and means within 1e-6. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void aMergedLayerEqualsGolden(String model) {
        JsonNode merges = Golden.expected(model, "merge.json");
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model)); var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            for (String merge : List.of("pair", "triple")) {
                LayerWeights merged = new LayerStore(checkpoint, config).materialise(node(merges.get(merge)));
                merged.asMap().forEach((part, tensor) -> {
                    Values expected = Golden.expected(model, "merge.safetensors",
                            merge + "." + config.family().parts().get(part));
                    boolean copied = part.axis() != Part.Axis.AVERAGED && part.axis() != Part.Axis.BY_RATIO;
                    // Golden was computed in float32 after widening; narrower stored types round sums and means.
                    DType stored = checkpoint.info(config.tensorName(0, part)).dtype();
                    double rounding = stored == DType.BF16 ? 0x1p-8 : stored == DType.F16 ? 0x1p-11 : 0;
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
    @FieldSource("MODELS")
    void aMergeOfMergesIsRoundedOnceToTheStoredType(String model) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model)); var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerNode inner = halves(config, new Original(1), new Original(2));
            LayerNode outer = halves(config, inner, new Original(3));
            Tensor[] norms = new Tensor[3];
            for (int i = 0; i < 3; i++) {
                norms[i] = LayerWeights.of(checkpoint, config, i + 1).get(Part.ATTENTION_NORM)
                        .to(DType.F64.scalarType());
            }
            Scalar half = new Scalar(0.5);
            Tensor exact = norms[0].add(norms[1]).mul(half).add(norms[2]).mul(half);
            Tensor actual = new LayerStore(checkpoint, config).materialise(outer).get(Part.ATTENTION_NORM);
            assertThat(Tensors.doubles(actual)).isEqualTo(Tensors.doubles(exact.to(actual.scalar_type())));
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
