package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.WideModels;
import dev.come.calibration.PlainSources;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.heal.PlainRegression.Row;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.prune.PruningStep;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What healing fits, against plain regressions in float64, token by token. */
class HealingFormulasTests {
    /** Of six layers without the third: the first that is fitted is at 1, and the one after the cut at 2. */
    private static final LayerStack STACK = LayerStack.dense(6).without(2, 1);

    @TempDir
    private Path folder;

    /** A healed model, with all that a twin needs. */
    private interface Healed {
        void check(PruningStep step, PlainSources plain, Sequences tokens);
    }

    private void healed(String model, Options options, Healed test) {
        with(Golden.model(model), dense -> {
            Sequences tokens = drawn(dense, 30, 30);
            try (TrainedLayers trained = new TrainedLayers(folder);
                    var _ = new NoGradGuard();
                    var _ = new PointerScope()) {
                PruningStep step = new Healing(dense, TestDevice.float32(2), options, Long.MAX_VALUE, folder,
                        Progress.NONE).heal(STACK, tokens).orElseThrow();
                try (PlainSources plain = new PlainSources(dense.with(trained))) {
                    test.check(step, plain, tokens);
                }
            }
        });
    }

    /** The embedded tokens of a chunk, float64. */
    private static Tensor embedded(LayerStore store, Chunk chunk) {
        try (LayerRunner runner = new LayerRunner(store, TestDevice.float32(1))) {
            return runner.embed(chunk).cpu().to(ScalarType.Double);
        }
    }

    private static Tensor run(PlainSources plain, LayerNode node, Tensor state, TokenLayout layout) {
        Tensor between = state.add(plain.attention(node, state, layout));
        return between.add(plain.feedForward(node, between));
    }

    private static double lambda(PruningStep step, String name, int position) {
        return Objects.requireNonNull(step.scores().get(name)).get(position);
    }

    private static void assertIsRegression(PlainSources plain, LayerNode node, LayerNode fitted, List<Part> parts,
            double lambda, List<Row> rows, boolean bias) {
        double[][] expected = new PlainRegression(rows, bias).change(lambda);
        double[][] found = change(plain.weights(node), plain.weights(fitted), parts, bias);
        double scale = Math.sqrt(Arrays.stream(expected).flatMapToDouble(Arrays::stream)
                .map(value -> value * value).average().orElseThrow());
        assertThat(scale).isGreaterThan(1e-5);
        for (int i = 0; i < expected.length; i++) {
            for (int j = 0; j < expected[i].length; j++) {
                assertThat(found[i][j]).as("%s, channel %s, output %s", parts, i, j).isCloseTo(expected[i][j],
                        within(0.02 * scale + 1e-6));
            }
        }
    }

    /** By channel and output; the constant is the last channel. */
    private static double[][] change(LayerWeights before, LayerWeights after, List<Part> parts, boolean bias) {
        int channels = Math.toIntExact(before.get(parts.getFirst()).size(1));
        List<double[]> columns = new ArrayList<>();
        for (Part part : parts) {
            double[] was = Tensors.doubles(before.get(part));
            double[] is = Tensors.doubles(after.get(part));
            for (int output = 0; output < was.length / channels; output++) {
                double[] column = new double[channels + (bias ? 1 : 0)];
                for (int i = 0; i < channels; i++) {
                    column[i] = is[output * channels + i] - was[output * channels + i];
                }
                if (bias) {
                    column[channels] = Tensors.doubles(after.get(part.bias()))[output]
                            - Tensors.doubles(before.get(part.bias()))[output];
                }
                columns.add(column);
            }
        }
        double[][] change = new double[channels + (bias ? 1 : 0)][columns.size()];
        for (int i = 0; i < change.length; i++) {
            for (int j = 0; j < change[i].length; j++) {
                change[i][j] = columns.get(j)[i];
            }
        }
        return change;
    }

    private static Row row(double[] inputs, boolean bias, double[] expected, double[] found, double factor) {
        double[] x = Arrays.copyOf(inputs, inputs.length + (bias ? 1 : 0));
        if (bias) {
            x[inputs.length] = 1;
        }
        return new Row(Arrays.stream(x).map(value -> value * factor).toArray(),
                IntStream.range(0, expected.length).mapToDouble(i -> (expected[i] - found[i]) * factor).toArray());
    }

    private static double length(double[] values) {
        return Math.sqrt(Arrays.stream(values).map(value -> value * value).sum());
    }

    private static final String MODEL = "llama-bias";

    /** The layer before the cut: its down projection makes up for the one that is gone. */
    @ParameterizedTest
    @EnumSource(Weights.class)
    void tokensCountAsIsSaid(Weights weights) {
        healed(MODEL, new Options(Scope.CUT, Targets.DOWN, weights, 1), (step, plain, tokens) -> {
            double lambda = lambda(step, "lambda_down", 1);
            assertThat(lambda).isFinite();
            with(Golden.model(MODEL), store -> {
                HeldOut split = HeldOut.of(tokens);
                double mean = weights == Weights.LOSS
                        ? IntStream.range(0, tokens.count()).mapToObj(i -> losses(store, tokens.sequence(i)))
                                .flatMapToDouble(Arrays::stream).average().orElseThrow()
                        : Double.NaN;
                List<Row> rows = new ArrayList<>();
                for (Chunk chunk : TokenChunks.of(split.fitted()).chunks()) {
                    TokenLayout layout = chunk.layout();
                    Tensor before = run(plain, new Original(0), embedded(store, chunk), layout);
                    Tensor between = before.add(plain.attention(new Original(1), before, layout));
                    Tensor channels = plain.channels(new Original(1), between);
                    Tensor found = between.add(plain.feedForward(new Original(1), between));
                    Tensor expected = run(plain, new Original(2), found, layout);
                    chunk.forEachSequence((sequence, start, count) -> {
                        double[] losses = weights == Weights.LOSS
                                ? losses(store, split.fitted().sequence(sequence))
                                : new double[0];
                        for (int i = 0; i < count; i++) {
                            double[] target = Tensors.doubles(expected.get(start + i));
                            double factor = switch (weights) {
                                case NORM -> 1 / length(target);
                                case UNIFORM -> 1;
                                case LOSS -> Math.sqrt(i < losses.length ? losses[i] / mean : 1) / length(target);
                            };
                            rows.add(row(Tensors.doubles(channels.get(start + i)), true, target,
                                    Tensors.doubles(found.get(start + i)), factor));
                        }
                    });
                }
                assertIsRegression(plain, new Original(1), step.stack().get(1), List.of(Part.DOWN), lambda, rows, true);
            });
        });
    }

    /** What the second to last token of a sequence cost, from logits. */
    private static double[] losses(LayerStore store, int[] sequence) {
        float[][] logits = WideModels.logits(store.checkpoint(), LayerStack.dense(6), Sequences.of(List.of(sequence)));
        double[] losses = new double[sequence.length - 1];
        for (int i = 0; i < losses.length; i++) {
            double sum = 0;
            for (float logit : logits[i]) {
                sum += Math.exp(logit);
            }
            losses[i] = Math.log(sum) - logits[i][sequence[i + 1]];
        }
        return losses;
    }

    /** The layer after the cut: from the state that the healed layer before it gives, it reads what it read in the dense model. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "llama-bias", "qwen2"})
    void projectionsThatReadGiveWhatTheyGaveInTheDenseModel(String model) {
        healed(model, new Options(Scope.ALL, Targets.ALL), (step, plain, tokens) -> with(Golden.model(model), store -> {
            LayerNode node = new Original(3);
            LayerNode fitted = step.stack().get(2);
            LayerWeights dense = plain.weights(node);
            LayerWeights after = plain.weights(fitted);
            boolean first = Double.isFinite(lambda(step, "lambda_qkv", 2));
            boolean second = Double.isFinite(lambda(step, "lambda_gate_up", 2));
            assertThat(first || second).as("something was taken").isTrue();
            // The layer before the cut has the state that it had, so there is nothing that it should read otherwise.
            assertThat(lambda(step, "lambda_qkv", 1)).isInfinite();
            List<Part> attention = List.of(Part.QUERY, Part.KEY, Part.VALUE);
            List<Part> feedForward = List.of(Part.GATE, Part.UP);
            boolean bias = dense.asMap().containsKey(Part.QUERY_BIAS);
            boolean ofChannels = dense.asMap().containsKey(Part.GATE_BIAS);
            List<Row> ofHalf = new ArrayList<>();
            List<Row> ofOther = new ArrayList<>();
            for (Chunk chunk : TokenChunks.of(HeldOut.of(tokens).fitted()).chunks()) {
                TokenLayout layout = chunk.layout();
                Tensor common = run(plain, new Original(0), embedded(store, chunk), layout);
                Tensor denseState = run(plain, new Original(2), run(plain, new Original(1), common, layout), layout);
                Tensor own = run(plain, step.stack().get(1), common, layout);
                Tensor denseBetween = denseState.add(plain.attention(dense, denseState, layout));
                Tensor between = own.add(plain.attention(after, own, layout));
                for (int token = 0; token < chunk.tokens().length; token++) {
                    ofHalf.add(
                            read(store.config(), dense, Part.ATTENTION_NORM, attention, bias, own, denseState, token));
                    ofOther.add(read(store.config(), dense, Part.FEED_FORWARD_NORM, feedForward, ofChannels, between,
                            denseBetween, token));
                }
            }
            if (first) {
                assertIsRegression(plain, node, fitted, attention, lambda(step, "lambda_qkv", 2), ofHalf, bias);
            }
            if (second) {
                assertIsRegression(plain, node, fitted, feedForward, lambda(step, "lambda_gate_up", 2), ofOther,
                        ofChannels);
            }
        }));
    }

    private static Row read(ModelConfig config, LayerWeights weights, Part norm, List<Part> parts, boolean bias,
            Tensor own, Tensor dense, int token) {
        double[] x = normed(config, weights, norm, Tensors.doubles(own.get(token)));
        double[] expected = given(weights, parts, bias,
                normed(config, weights, norm, Tensors.doubles(dense.get(token))));
        return row(x, bias, expected, given(weights, parts, bias, x), 1 / length(expected));
    }

    /** RMS, as the paper has it. */
    private static double[] normed(ModelConfig config, LayerWeights weights, Part norm, double[] state) {
        double[] scale = Tensors.doubles(weights.get(norm));
        double root = Math.sqrt(Arrays.stream(state).map(value -> value * value).average().orElseThrow()
                + config.norm().epsilon());
        return IntStream.range(0, state.length).mapToDouble(i -> state[i] / root * scale[i]).toArray();
    }

    private static double[] given(LayerWeights weights, List<Part> parts, boolean bias, double[] x) {
        return parts.stream().flatMapToDouble(part -> {
            double[] matrix = Tensors.doubles(weights.get(part));
            double[] added = bias ? Tensors.doubles(weights.get(part.bias())) : new double[matrix.length / x.length];
            return IntStream.range(0, added.length).mapToDouble(row -> added[row] + IntStream.range(0, x.length)
                    .mapToDouble(i -> matrix[row * x.length + i] * x[i]).sum());
        }).toArray();
    }

    /** A second pass begins with what the first has left, and only counts if the loss falls. */
    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "qwen3", "opt"})
    void morePassesLeaveNoMoreLoss(String model) {
        with(Golden.model(model), store -> {
            Sequences tokens = drawn(store, 20, 24);
            Path one = folder.resolve("one");
            Path three = folder.resolve("three");
            PruningStep once = heal(store, new Options(Scope.ALL, Targets.DOWN_AND_OUTPUT), one, tokens);
            PruningStep often = heal(store, new Options(Scope.ALL, Targets.DOWN_AND_OUTPUT, Weights.NORM, 3), three,
                    tokens);
            List<Double> byPass = Objects.requireNonNull(often.scores().get("held_out_loss_by_pass"));
            List<Double> losses = Objects.requireNonNull(often.scores().get("held_out_loss_dense_before_after"));
            assertThat(byPass.getFirst())
                    .isEqualTo(Objects.requireNonNull(once.scores().get("held_out_loss_dense_before_after")).get(2));
            assertThat(losses.get(2)).isEqualTo(byPass.stream().mapToDouble(Double::doubleValue).min().orElseThrow());
            assertThat(byPass.size()).isGreaterThan(1);
            try (TrainedLayers trained = new TrainedLayers(three)) {
                assertThat(HealingTests.loss(store.with(trained), often.stack(), HealingTests.heldOut(tokens)))
                        .isCloseTo(losses.get(2), within(1e-9));
            }
            // What was found is found again, and not made.
            assertThat(heal(store, new Options(Scope.ALL, Targets.DOWN_AND_OUTPUT, Weights.NORM, 3), three, tokens))
                    .isEqualTo(often);
        });
    }

    private static PruningStep heal(LayerStore store, Options options, Path folder, Sequences tokens) {
        try {
            Files.createDirectories(folder);
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return new Healing(store, TestDevice.float32(2), options, Long.MAX_VALUE, folder, Progress.NONE)
                .heal(LayerStack.dense(store.config().layers()).without(2, 1), tokens).orElseThrow();
    }
}
