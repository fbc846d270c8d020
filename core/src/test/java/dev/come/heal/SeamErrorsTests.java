package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.WideModels;
import dev.come.calibration.Calibration.Seam;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.PlainSources;
import dev.come.calibration.Reading;
import dev.come.calibration.RefittedLayers;
import dev.come.heal.PlainRegression.Row;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is predicted of repairs and measured of their results, against plain regressions and plain probabilities. */
class SeamErrorsTests {
    private static final double[] PENALTIES = {1e-3, 1e-2, 1e-1, 1};

    @TempDir
    private Path folder;

    private void calibrate(LayerStore dense, Sequences tokens, Consumer<LocalCalibration> test) {
        try (TrainedLayers trained = new TrainedLayers(folder);
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            LayerStore store = dense.with(trained);
            try (LocalCalibration calibration = LocalCalibration.refitting(store,
                    RefittedLayers.of(new Refits(store, trained), tokens), TestDevice.float32(2), Reading.DEFINITION,
                    Long.MAX_VALUE, folder, Progress.NONE)) {
                test.accept(calibration);
            }
        }
    }

    private static Concatenated merged(ModelConfig config) {
        return new Concatenated(
                List.of(new Share(new Original(2), 0.5, every(config.keyValueHeads(), 0),
                        every(config.intermediateSize(), 0)),
                        new Share(new Original(3), 0.5, every(config.keyValueHeads(), 1),
                                every(config.intermediateSize(), 1))),
                QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    private static List<Integer> every(int count, int rest) {
        return IntStream.range(0, count).filter(i -> i % 2 == rest).boxed().toList();
    }

    /** Fewer tokens than are taken at most, so each is taken; channels with channels here, where the fast way has tokens with tokens. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "llama-bias", "qwen2"})
    void anErrorIsThatOfAPlainRegression(String model) {
        with(Golden.model(model), store -> {
            Sequences tokens = drawn(store, 20, 20);
            ModelConfig config = store.config();
            Seam one = new Seam(1, 1, Optional.empty());
            Seam two = new Seam(1, 2, Optional.empty());
            Seam pair = new Seam(2, 1, Optional.of(merged(config)));
            calibrate(store, tokens, calibration -> {
                List<Double> found = calibration.errorsAfterRepair(LayerStack.dense(6), List.of(one, two, pair));
                HeldOut split = HeldOut.of(HeldOut.of(tokens).fitted());
                List<Seam> seams = List.of(one, two, pair);
                for (int i = 0; i < seams.size(); i++) {
                    List<Row> fitted = rows(store, seams.get(i), split.fitted());
                    List<Row> others = rows(store, seams.get(i), split.heldOut());
                    PlainRegression regression = new PlainRegression(fitted, false);
                    double expected = others.stream().mapToDouble(row -> Arrays.stream(row.missing())
                            .map(value -> value * value).sum()).average().orElseThrow();
                    double without = expected;
                    for (double penalty : PENALTIES) {
                        expected = Math.min(expected, PlainRegression.error(others, regression.change(penalty)));
                    }
                    assertThat(expected).isLessThan(without);
                    assertThat(found.get(i)).as("%s", seams.get(i)).isCloseTo(expected, within(2e-3 * expected));
                }
                // What is known already is not measured again, also of a stack that goes on otherwise.
                assertThat(calibration.errorsAfterRepair(LayerStack.dense(6).without(4, 1), List.of(pair, two)))
                        .containsExactly(found.get(2), found.get(1));
            });
        });
    }

    private static List<Row> rows(LayerStore store, Seam seam, Sequences tokens) {
        List<Row> rows = new ArrayList<>();
        try (PlainSources plain = new PlainSources(store);
                LayerRunner runner = new LayerRunner(store, TestDevice.float32(1))) {
            for (Chunk chunk : TokenChunks.of(tokens).chunks()) {
                TokenLayout layout = chunk.layout();
                List<Tensor> states = new ArrayList<>(List.of(runner.embed(chunk).cpu().to(ScalarType.Double)));
                List<Tensor> heads = new ArrayList<>();
                List<Tensor> channels = new ArrayList<>();
                for (int layer = 0; layer < seam.end(); layer++) {
                    Tensor state = states.getLast();
                    LayerNode node = new Original(layer);
                    Tensor between = state.add(plain.attention(node, state, layout));
                    heads.add(plain.heads(node, state, layout));
                    channels.add(plain.channels(node, between));
                    states.add(between.add(plain.feedForward(node, between)));
                }
                LayerWeights left = plain.weights(seam.merged().<LayerNode>map(merged -> merged)
                        .orElse(new Original(seam.position())));
                for (int token = 0; token < chunk.tokens().length; token++) {
                    double[] from = Tensors.doubles(states.get(seam.position()).get(token));
                    double[] to = Tensors.doubles(states.get(seam.end()).get(token));
                    double length = Math.sqrt(Arrays.stream(to).map(value -> value * value).sum());
                    double[] ofHeads = chosen(heads, token, seam, store.config().groupSize() * store.config().headDim(),
                            true);
                    double[] ofChannels = chosen(channels, token, seam, 1, false);
                    double[] missing = new double[to.length];
                    for (int i = 0; i < to.length; i++) {
                        missing[i] = to[i] - from[i];
                    }
                    subtract(missing, left, Part.OUTPUT, ofHeads);
                    subtract(missing, left, Part.DOWN, ofChannels);
                    double[] x = Arrays.copyOf(ofHeads, ofHeads.length + ofChannels.length);
                    System.arraycopy(ofChannels, 0, x, ofHeads.length, ofChannels.length);
                    rows.add(new Row(Arrays.stream(x).map(value -> value / length).toArray(),
                            Arrays.stream(missing).map(value -> value / length).toArray()));
                }
            }
        }
        return rows;
    }

    private static double[] chosen(List<Tensor> layers, int token, Seam seam, int width, boolean heads) {
        double[] first = Tensors.doubles(layers.get(seam.position()).get(token));
        if (seam.merged().isEmpty()) {
            return first;
        }
        double[] second = Tensors.doubles(layers.get(seam.position() + 1).get(token));
        List<Double> kept = new ArrayList<>();
        for (int source = 0; source < 2; source++) {
            Share share = seam.merged().get().shares().get(source);
            for (int group : heads ? share.keyValueHeads() : share.channels()) {
                for (int i = group * width; i < (group + 1) * width; i++) {
                    kept.add(source == 0 ? first[i] : second[i]);
                }
            }
        }
        return kept.stream().mapToDouble(Double::doubleValue).toArray();
    }

    private static void subtract(double[] missing, LayerWeights weights, Part part, double[] x) {
        double[] matrix = Tensors.doubles(weights.get(part));
        Tensor bias = weights.asMap().get(part.bias());
        double[] added = bias == null ? new double[missing.length] : Tensors.doubles(bias);
        for (int i = 0; i < missing.length; i++) {
            double given = added[i];
            for (int j = 0; j < x.length; j++) {
                given += matrix[i * x.length + j] * x[j];
            }
            missing[i] -= given;
        }
    }

    @Test
    void divergencesAreThoseOfPlainProbabilities() {
        with(Golden.model("llama-gqa"), store -> {
            Sequences tokens = drawn(store, 15, 20);
            List<LayerStack> stacks = List.of(LayerStack.dense(6), LayerStack.dense(6).without(2, 1),
                    LayerStack.dense(6).replace(2, 2, merged(store.config())));
            calibrate(store, tokens, calibration -> {
                List<Double> found = calibration.divergences(stacks);
                assertThat(found.get(0)).isLessThan(1e-6);
                for (int i = 0; i < stacks.size(); i++) {
                    double sum = 0;
                    int count = 0;
                    Sequences heldOut = HeldOut.of(tokens).heldOut();
                    for (int sequence = 0; sequence < heldOut.count(); sequence++) {
                        Sequences input = Sequences.of(List.of(heldOut.sequence(sequence)));
                        float[][] p = WideModels.logits(store.checkpoint(), LayerStack.dense(6), input);
                        float[][] q = WideModels.logits(store.checkpoint(), stacks.get(i), input);
                        for (int token = 0; token < p.length; token++) {
                            sum += divergence(p[token], q[token]);
                            count++;
                        }
                    }
                    assertThat(found.get(i)).isCloseTo(sum / count, within(1e-5 + 1e-4 * sum / count));
                }
                assertThat(found.get(1)).isGreaterThan(1e-3);
            });
        });
    }

    private static double divergence(float[] p, float[] q) {
        double ofP = logSum(p);
        double ofQ = logSum(q);
        return IntStream.range(0, p.length)
                .mapToDouble(i -> Math.exp(p[i] - ofP) * (p[i] - ofP - (q[i] - ofQ))).sum();
    }

    private static double logSum(float[] logits) {
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit);
        }
        return Math.log(sum);
    }
}
