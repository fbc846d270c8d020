package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.model.UsualNames;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Training;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** {@code --merge-norms fold}, for a small model of every family. */
class FoldedNormTests {
    static final List<String> MODELS = Stream.concat(Golden.MODELS.stream(), FamiliesTests.MODELS.stream()).toList();
    private static final List<Part> NORMS = List.of(Part.ATTENTION_NORM, Part.FEED_FORWARD_NORM);
    private static final List<Part> READERS = List.of(Part.QUERY, Part.KEY, Part.VALUE, Part.GATE, Part.UP);
    private static final int TOKENS = 5;

    @TempDir
    private Path folder;

    private static Checkpoint open(String model) {
        return UsualNames.open(Golden.familyModel(model));
    }

    private static LayerNode merged(ModelConfig config, LayerNode first, LayerNode second, double ratio) {
        List<List<Integer>> heads = split(config.keyValueHeads());
        List<List<Integer>> channels = split(config.intermediateSize());
        return new Concatenated(List.of(new Share(first, ratio, heads.get(0), channels.get(0)),
                new Share(second, 1 - ratio, heads.get(1), channels.get(1))), QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    /** The even ones and the odd ones. */
    private static List<List<Integer>> split(int count) {
        return IntStream.range(0, 2)
                .mapToObj(half -> IntStream.range(0, count).filter(i -> i % 2 == half).boxed().toList()).toList();
    }

    /** Whether a norm is there whose bias, if it has one, goes into those of the projections that read it. */
    private static boolean folds(ModelConfig config, Part norm) {
        return config.parts().contains(norm)
                && (!config.parts().contains(norm.bias()) || FoldedNorm.takesBias(config, norm));
    }

    private LayerNode changed(ModelConfig config, int position, LayerWeights weights) {
        return TrainedLayers.write(folder, config, new Original(position), Training.DISTILLED, position, weights);
    }

    /**
     * Another layer that gives the same: each norm scales each channel by another power of two, which the projections
     * that read it undo. Norms with a bias get another one, which the biases of these projections undo.
     */
    private static LayerWeights rescaled(ModelConfig config, LayerWeights weights, Random random) {
        if (config.normsAfter()) {
            return weights;
        }
        LayerWeights result = weights;
        for (Part norm : NORMS.stream().filter(norm -> folds(config, norm)).toList()) {
            double[] powers = random.ints(config.hiddenSize(), -2, 3).mapToDouble(power -> Math.pow(2, power))
                    .toArray();
            Tensor factor = Tensor.create(powers);
            boolean biased = config.parts().contains(norm.bias());
            result = result.map((part, tensor) -> {
                Tensor wide = tensor.to(ScalarType.Double);
                if (part == norm) {
                    wide = config.norm().scale(wide, ScalarType.Double).mul(factor)
                            .add(new Scalar(config.norm().one() - 1));
                } else if (config.normBefore(part).filter(norm::equals).isPresent()) {
                    wide = wide.div(factor);
                } else if (biased && part == norm.bias()) {
                    wide = wide.mul(new Scalar(2.0));
                } else if (biased && part.isBias()
                        && config.normBefore(part.biased()).filter(norm::equals).isPresent()) {
                    Tensor rows = weights.get(part.biased()).to(ScalarType.Double);
                    Tensor bias = weights.get(norm.bias()).to(ScalarType.Double);
                    wide = wide.add(rows.mv(bias)).sub(rows.div(factor).mv(bias.mul(new Scalar(2.0))));
                }
                return wide.to(tensor.scalar_type());
            });
        }
        return result;
    }

    private static double[] forward(ModelConfig config, LayerStore store, LayerNode node, Tensor hidden,
            Rotation rotation) {
        LayerWeights wide = store.materialise(node).map((_, tensor) -> tensor.to(ScalarType.Double));
        return Tensors.doubles(new PlainLayer(config).forward(wide, hidden, TokenLayout.of(TOKENS), rotation));
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aLayerMergedWithARescaledCopyOfItselfGivesWhatItGave(String model) {
        Random random = new Random(7);
        try (Checkpoint checkpoint = open(model);
                TrainedLayers trained = new TrainedLayers(folder);
                var _ = new NoGradGuard();
                var _ = new PointerScope();
                Rotation rotation = new Rotation(Compute.float32(1))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config).with(trained);
            LayerNode own = new Original(1);
            LayerNode copy = changed(config, 1, rescaled(config, store.materialise(own), random));
            Tensor hidden = Tensor.create(random.doubles((long) TOKENS * config.hiddenSize(), -2, 2).toArray())
                    .view(TOKENS, config.hiddenSize());
            double[] expected = forward(config, store, own, hidden, rotation);
            double tolerance = config.storedType(checkpoint) == DType.F16 ? 1e-3 : 2e-5;
            for (LayerNode merged : List.of(merged(config, own, copy, 0.6), merged(config, own, copy, 0.4),
                    merged(config, copy, own, 0.5), nested(config, own, copy))) {
                double[] actual = forward(config, store, merged, hidden, rotation);
                for (int i = 0; i < expected.length; i++) {
                    assertThat(Math.abs(actual[i] - expected[i])).as(merged.tree() + " at " + i)
                            .isLessThanOrEqualTo(tolerance * (1 + Math.abs(expected[i])));
                }
            }
        }
    }

    /** A merge of a merge, with all of the inner one's parts that the outer one's other source does not give. */
    private static LayerNode nested(ModelConfig config, LayerNode own, LayerNode copy) {
        List<List<Integer>> heads = split(config.keyValueHeads());
        List<List<Integer>> channels = split(config.intermediateSize());
        // The inner one has the even ones first, so its first half is what the outer one's other source lacks.
        int firstHeads = heads.get(0).size();
        int firstChannels = channels.get(0).size();
        return new Concatenated(List.of(
                new Share(merged(config, own, copy, 0.3), 0.6, IntStream.range(0, firstHeads).boxed().toList(),
                        IntStream.range(0, firstChannels).boxed().toList()),
                new Share(own, 0.4, heads.get(1), channels.get(1))), QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    /**
     * Twin: for single tokens, in plain float64, every kept row gives with the merged norm what it gave with its source's
     * own. Of the norms of the larger source one channel is zero and one is tiny.
     */
    @ParameterizedTest
    @FieldSource("MODELS")
    void everyRowGivesWhatItGaveAlsoWhereANormIsZeroOrTiny(String model) {
        try (Checkpoint checkpoint = open(model);
                TrainedLayers trained = new TrainedLayers(folder);
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config).with(trained);
            double minusOne = config.norm().one() - 1;
            LayerNode large = changed(config, 1, store.materialise(new Original(1)).map((part, tensor) -> {
                double[] values = Tensors.doubles(tensor);
                if (NORMS.contains(part)) {
                    values[0] = minusOne;
                    values[1] = minusOne + 1e-5;
                }
                return Tensor.create(values).view(tensor.shape()).to(tensor.scalar_type());
            }));
            LayerNode merged = merged(config, large, new Original(2), 0.7);
            LayerWeights first = store.materialise(large);
            LayerWeights second = store.materialise(new Original(2));
            LayerWeights actual = store.materialise(merged);
            for (Part part : READERS) {
                if (!config.parts().contains(part) || config.normsAfter()
                        || config.normBefore(part).filter(norm -> folds(config, norm)).isEmpty()) {
                    continue;
                }
                Part norm = config.normBefore(part).orElseThrow();
                if (norm.isFeedForward() || config.keyValueHeads() > 1) { // otherwise the other one gives no rows
                    assertThat(Tensors.doubles(actual.get(norm))).as("norm of " + part)
                            .startsWith(config.norm().one(), config.norm().one());
                }
                Random random = new Random(part.name().hashCode());
                for (int token = 0; token < TOKENS; token++) {
                    double[] x = random.doubles(config.hiddenSize(), -3, 3).toArray();
                    double[] expected = joined(config, part, outputs(config, first, part, x),
                            outputs(config, second, part, x));
                    double[] given = outputs(config, actual, part, x);
                    DType stored = config.storedType(checkpoint);
                    double rounding = stored == DType.BF16 ? 0x1p-7 : stored == DType.F16 ? 0x1p-9 : 1e-5;
                    for (int row = 0; row < expected.length; row++) {
                        assertThat(given[row]).as(part + ", row " + row).isCloseTo(expected[row],
                                within(rounding * 3 * Math.sqrt(config.hiddenSize())));
                    }
                }
            }
        }
    }

    /** The even heads or channels of one, then the odd ones of the other. */
    private static double[] joined(ModelConfig config, Part part, double[] first, double[] second) {
        int width = switch (part.axis()) {
            case QUERY_ROWS -> config.groupSize() * config.headDim();
            case KEY_VALUE_ROWS -> config.headDim();
            default -> 1;
        };
        return IntStream.range(0, 2).boxed()
                .flatMapToDouble(half -> IntStream.range(0, first.length).filter(row -> row / width % 2 == half)
                        .mapToDouble(row -> (half == 0 ? first : second)[row]))
                .toArray();
    }

    /** What a projection gives for one token of the residual stream. */
    private static double[] outputs(ModelConfig config, LayerWeights weights, Part part, double[] x) {
        Part norm = config.normBefore(part).orElseThrow();
        double[] gain = Tensors.doubles(weights.get(norm));
        double mean = config.norm().kind().isCentred() ? Arrays.stream(x).average().orElseThrow() : 0;
        double square = Arrays.stream(x).map(value -> (value - mean) * (value - mean)).average().orElseThrow();
        double[] shift = config.parts().contains(norm.bias())
                ? Tensors.doubles(weights.get(norm.bias()))
                : new double[x.length];
        double[] normed = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double scale = gain[i] + 1 - config.norm().one();
            normed[i] = (x[i] - mean) / Math.sqrt(square + config.norm().epsilon()) * scale + shift[i];
        }
        double[] rows = Tensors.doubles(weights.get(part));
        int count = rows.length / x.length;
        double[] bias = config.parts().contains(part.bias())
                ? Tensors.doubles(weights.get(part.bias()))
                : new double[count];
        double[] outputs = new double[count];
        for (int row = 0; row < count; row++) {
            outputs[row] = bias[row];
            for (int i = 0; i < x.length; i++) {
                outputs[row] += rows[row * x.length + i] * normed[i];
            }
        }
        return outputs;
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theLargestShareKeepsItsBits(String model) {
        try (Checkpoint checkpoint = open(model); var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config);
            LayerWeights large = store.materialise(new Original(2));
            LayerWeights merged = store.materialise(merged(config, new Original(1), new Original(2), 0.4));
            if (config.normsAfter()) {
                return;
            }
            for (Part norm : NORMS.stream().filter(config.parts()::contains).toList()) {
                assertThat(Tensors.doubles(merged.get(norm))).isEqualTo(Tensors.doubles(large.get(norm)));
            }
            // The odd channels of the second source are the last rows.
            long odd = config.intermediateSize() / 2;
            Tensor rows = merged.get(Part.UP).narrow(0, config.intermediateSize() - odd, odd);
            Tensor own = torch.index_select(large.get(Part.UP), 0, torch.arange(new Scalar(1.0),
                    new Scalar((double) config.intermediateSize()), new Scalar(2.0)).to(ScalarType.Long));
            assertThat(Tensors.doubles(rows)).isEqualTo(Tensors.doubles(own));
            LayerNode all = new Concatenated(
                    List.of(new Share(new Original(1), 0, List.of(), List.of()),
                            new Share(new Original(2), 1, IntStream.range(0, config.keyValueHeads()).boxed().toList(),
                                    IntStream.range(0, config.intermediateSize()).boxed().toList())),
                    QueryHeads.GROUPED, MergeNorms.FOLD);
            LayerWeights alone = store.materialise(all);
            large.asMap().forEach((part, tensor) -> {
                boolean averaged = part.axis() == Part.Axis.AVERAGED && !NORMS.contains(part)
                        && !(part.isBias() && FoldedNorm.takesBias(config, part.biased()));
                if (!averaged) {
                    assertThat(Tensors.doubles(alone.get(part))).as("" + part).isEqualTo(Tensors.doubles(tensor));
                }
            });
        }
    }
}
