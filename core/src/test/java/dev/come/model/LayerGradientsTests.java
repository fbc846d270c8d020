package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Gradients of layers of several builds against differences of what comes out, in float64. */
class LayerGradientsTests {
    private static final double STEP = 1e-5;

    /** One after the other, side by side with one norm and with two, with xIELU, with norms inside, with norms of turned heads. */
    @ParameterizedTest
    @ValueSource(strings = {"gpt_neox-in-turn", "phi", "gpt_neox", "apertus", "bitnet", "hunyuan_v1_dense"})
    void gradientsAreThoseOfDifferences(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of("src/test/resources/fixtures/families", name));
                var _ = new NoGradGuard();
                var _ = new PointerScope();
                Rotation rotation = new Rotation(TestDevice.float32(1))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            torch.manual_seed(11);
            TokenLayout layout = TokenLayout.of(9);
            LayerWeights weights = LayerWeights.of(checkpoint, config, 0)
                    .map((_, tensor) -> tensor.to(ScalarType.Double));
            Tensor hidden = torch.randn(9, config.hiddenSize()).to(ScalarType.Double);
            Tensor gradient = torch.randn(9, config.hiddenSize()).to(ScalarType.Double);
            Tensor ofInput = torch.zeros_like(hidden);
            Map<Part, Tensor> sums = new EnumMap<>(Part.class);
            weights.asMap().forEach((part, tensor) -> sums.put(part, torch.zeros_like(tensor)));

            new LayerGradients(config, rotation).backward(weights, hidden, layout,
                    (output, row) -> gradient.narrow(0, row, output.size(0)), ofInput, sums);

            // A graph that is kept gives the same bits, and so does the run without one.
            LayerGradients gradients = new LayerGradients(config, rotation);
            Tensor after = torch.empty_like(hidden);
            Tensor withoutGraph = torch.empty_like(hidden);
            Tensor ofInputByGraph = torch.zeros_like(hidden);
            Map<Part, Tensor> sumsByGraph = new EnumMap<>(Part.class);
            weights.asMap().forEach((part, tensor) -> sumsByGraph.put(part, torch.zeros_like(tensor)));
            gradients.forward(weights, hidden, layout, withoutGraph);
            try (LayerGradients.Graph graph = gradients.graph(weights, hidden, layout, after)) {
                graph.backward(gradient, ofInputByGraph, sumsByGraph);
            }
            assertThat(after.equal(withoutGraph)).isTrue();
            assertThat(ofInputByGraph.equal(ofInput)).isTrue();
            sums.forEach((part, sum) -> assertThat(Objects.requireNonNull(sumsByGraph.get(part)).equal(sum))
                    .as(part.name()).isTrue());

            PlainLayer layer = new PlainLayer(config);
            Tensor moved = torch.randn_like(hidden);
            assertSlope(ofInput.mul(moved), gradient.mul(difference(
                    layer.forward(weights, hidden.add(moved, new Scalar(STEP)), layout, rotation),
                    layer.forward(weights, hidden.sub(moved, new Scalar(STEP)), layout, rotation))), "input");
            sums.forEach((part, sum) -> {
                Tensor way = torch.randn_like(sum);
                assertSlope(sum.mul(way), gradient.mul(difference(
                        layer.forward(moved(weights, part, way, STEP), hidden, layout, rotation),
                        layer.forward(moved(weights, part, way, -STEP), hidden, layout, rotation))), part.name());
            });
        }
    }

    private static LayerWeights moved(LayerWeights weights, Part moved, Tensor way, double step) {
        return weights.map((part, tensor) -> part == moved ? tensor.add(way, new Scalar(step)) : tensor);
    }

    private static Tensor difference(Tensor above, Tensor below) {
        return above.sub(below).mul(new Scalar(1 / (2 * STEP)));
    }

    private static void assertSlope(Tensor found, Tensor expected, String what) {
        double slope = sum(expected);
        assertThat(sum(found)).as(what).isCloseTo(slope, within(1e-4 + 1e-3 * Math.abs(slope)));
    }

    private static double sum(Tensor tensor) {
        return tensor.sum(new ScalarTypeOptional(ScalarType.Double)).item_double();
    }
}
