package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.heal;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.PlainSources;
import dev.come.calibration.SideBySide;
import dev.come.calibration.TokenWeights;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.heal.PlainRegression.Row;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.prune.PruningStep;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The layers before and after a gap, fitted twice, against passes of which each begins before the first layer. */
class SeamPairTests {
    static final List<String> MODELS = Golden.MODELS;

    private static final Options PAIR = new Options(Scope.CUT, Targets.DOWN_AND_OUTPUT, Weights.NORM, 1, Seam.PAIR);

    @TempDir
    private Path folder;
    private int runs;

    private Path fresh() {
        try {
            return Files.createDirectory(folder.resolve("run" + runs++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Double> scores(PruningStep step, String name) {
        return Objects.requireNonNull(step.scores().get(name));
    }

    /** Two layers fitted one after the other, behind those before them. */
    private List<LayerFit> pass(LayerStore store, LayerStack stack, List<LayerWeights> weights, int position,
            Sequences tokens) {
        HeldOut split = HeldOut.of(tokens);
        Edits edits = new Edits(stack, store.config().layers());
        List<LayerFit> fits = new ArrayList<>();
        try (SideBySide side = new SideBySide(store, split.fitted(), split.heldOut(), TestDevice.float32(2),
                Long.MAX_VALUE, folder, _ -> TokenWeights.NORM, true)) {
            side.runBoth(edits.first());
            for (int before = edits.first(); before < position; before++) {
                side.runDense(edits.end(before));
                side.moveOn(side.run(stack.get(before), weights.get(before), Optional.empty()));
            }
            for (int at = position; at <= position + 1; at++) {
                side.runDense(edits.end(at));
                fits.add(LayerFit.of(stack.get(at), weights.get(at), Targets.ALL, side, 0, _ -> {
                }));
            }
        }
        return fits;
    }

    /** Goes over one pair twice; whether the second pass was taken. */
    private boolean fitPair(LayerStore store, LayerStack stack, List<LayerWeights> weights, int position,
            Sequences tokens) {
        List<LayerFit> first = pass(store, stack, weights, position, tokens);
        weights.set(position, first.getFirst().weights());
        weights.set(position + 1, first.getLast().weights());
        List<LayerFit> second = pass(store, stack, weights, position, tokens);
        boolean nearer = second.getLast().after() < first.getLast().after();
        if (nearer) {
            weights.set(position, second.getFirst().weights());
            weights.set(position + 1, second.getLast().weights());
        }
        return nearer;
    }

    /** Layers 1 and 4 are left out, so the second pair begins where the stack has left the dense model. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void itIsTheSameAsTwoPassesFromTheBeginning(String golden) {
        with(Golden.model(golden), store -> {
            Sequences tokens = drawn(store, 30, 24);
            LayerStack stack = LayerStack.dense(6).without(4, 1).without(1, 1);
            Path target = fresh();
            PruningStep step = heal(store, stack, tokens, PAIR, target).orElseThrow();
            try (TrainedLayers trained = new TrainedLayers(target);
                    var _ = new NoGradGuard();
                    var _ = new PointerScope()) {
                List<LayerWeights> expected = new ArrayList<>(stack.nodes().stream().map(store::materialise).toList());
                fitPair(store, stack, expected, 0, tokens);
                fitPair(store, stack, expected, 2, tokens);
                for (int i = 0; i < stack.size(); i++) {
                    LayerWeights found = store.with(trained).materialise(step.stack().get(i));
                    for (Map.Entry<Part, Tensor> part : expected.get(i).asMap().entrySet()) {
                        assertThat(found.get(part.getKey()).equal(part.getValue())).as("%s of %s", part.getKey(), i)
                                .isTrue();
                    }
                }
            }
            List<Double> before = scores(step, "held_out_error_before");
            List<Double> after = scores(step, "held_out_error_after");
            for (int i = 0; i < stack.size(); i++) {
                assertThat(after.get(i)).isLessThanOrEqualTo(before.get(i));
            }
        });
    }

    /** Otherwise the test above would tell nothing of either. */
    @Test
    void secondPassesAreTakenAndNotTaken() {
        List<Boolean> taken = new ArrayList<>();
        for (String golden : MODELS) {
            with(Golden.model(golden), store -> {
                try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
                    for (int gap : List.of(1, 4)) {
                        LayerStack stack = LayerStack.dense(6).without(gap, 1);
                        taken.add(fitPair(store, stack,
                                new ArrayList<>(stack.nodes().stream().map(store::materialise).toList()), gap - 1,
                                drawn(store, 30, 24)));
                    }
                }
            });
        }
        assertThat(taken).contains(true, false);
    }

    /** A layer between two gaps belongs to the pair of the first, and the one behind it is fitted alone. */
    @Test
    void aLayerBelongsToOnePair() {
        with(Golden.model("llama-gqa"), store -> {
            LayerStack stack = LayerStack.dense(6).without(3, 1).without(1, 1);
            PruningStep step = heal(store, stack, drawn(store, 30, 24), PAIR, fresh()).orElseThrow();
            assertThat(scores(step, "lambda_gate_up").get(1)).isFinite();
            assertThat(scores(step, "lambda_gate_up").get(2)).isInfinite();
            assertThat(scores(step, "lambda_qkv").get(2)).isInfinite();
            assertThat(scores(step, "held_out_error_after").get(2)).isFinite();
        });
    }

    /** Where nothing is left out there is no gap, but a merged layer. */
    @Test
    void theLastLayerAndThoseWithoutAGapAreFittedAsUsual() {
        with(Golden.model("llama-gqa"), store -> {
            LayerStack stack = LayerStack.dense(6).without(5, 1);
            Sequences tokens = drawn(store);
            PruningStep pair = heal(store, stack, tokens, PAIR, fresh()).orElseThrow();
            PruningStep once = heal(store, stack, tokens, new Options(Scope.CUT, Targets.DOWN_AND_OUTPUT), fresh())
                    .orElseThrow();
            assertThat(pair.stack()).isEqualTo(once.stack());
        });
    }

    /** The output projection of the layer before the gap, the second time: ridge around what the first pass has left. */
    @Test
    void theSecondPassIsARegressionAroundTheFirst() {
        with(Golden.model("llama-bias"), store -> {
            Sequences tokens = drawn(store, 30, 30);
            LayerStack stack = LayerStack.dense(6).without(2, 1);
            try (PlainSources plain = new PlainSources(store);
                    var _ = new NoGradGuard();
                    var _ = new PointerScope()) {
                List<LayerWeights> weights = new ArrayList<>(stack.nodes().stream().map(store::materialise).toList());
                LayerFit first = pass(store, stack, weights, 1, tokens).getFirst();
                weights.set(1, first.weights());
                LayerFit second = pass(store, stack, weights, 1, tokens).getFirst();
                assertThat(second.lambdas()).containsKey(Part.OUTPUT);
                boolean bias = first.weights().asMap().containsKey(Part.OUTPUT_BIAS);
                List<Row> rows = new ArrayList<>();
                for (Chunk chunk : TokenChunks.of(HeldOut.of(tokens).fitted()).chunks()) {
                    Tensor state = embedded(store, chunk);
                    Tensor before = after(plain, store.materialise(new Original(0)), state, chunk);
                    Tensor expected = after(plain, store.materialise(new Original(2)),
                            after(plain, store.materialise(new Original(1)), before, chunk), chunk);
                    Tensor found = after(plain, first.weights(), before, chunk);
                    Tensor heads = plain.heads(first.weights(), before, chunk.layout());
                    for (int token = 0; token < chunk.tokens().length; token++) {
                        rows.add(row(Tensors.doubles(heads.get(token)), bias, Tensors.doubles(expected.get(token)),
                                Tensors.doubles(found.get(token))));
                    }
                }
                double[][] change = new PlainRegression(rows, bias)
                        .change(Objects.requireNonNull(second.lambdas().get(Part.OUTPUT)));
                double[] was = Tensors.doubles(first.weights().get(Part.OUTPUT));
                double[] is = Tensors.doubles(second.weights().get(Part.OUTPUT));
                int channels = Math.toIntExact(first.weights().get(Part.OUTPUT).size(1));
                double scale = Math.sqrt(IntStream.range(0, was.length).mapToDouble(i -> Math.pow(is[i] - was[i], 2))
                        .average().orElseThrow());
                assertThat(scale).isGreaterThan(1e-6);
                for (int i = 0; i < was.length; i++) {
                    assertThat(is[i] - was[i]).isCloseTo(change[i % channels][i / channels],
                            within(0.02 * scale + 1e-6));
                }
            }
        });
    }

    private static Tensor embedded(LayerStore store, Chunk chunk) {
        try (LayerRunner runner = new LayerRunner(store, TestDevice.float32(1))) {
            return runner.embed(chunk).cpu().to(ScalarType.Double);
        }
    }

    private static Tensor after(PlainSources plain, LayerWeights weights, Tensor state, Chunk chunk) {
        Tensor between = state.add(plain.attention(weights, state, chunk.layout()));
        return between.add(plain.feedForward(weights, between));
    }

    private static Row row(double[] inputs, boolean bias, double[] expected, double[] found) {
        double length = Math.sqrt(Arrays.stream(expected).map(value -> value * value).sum());
        double[] x = IntStream.range(0, inputs.length + (bias ? 1 : 0))
                .mapToDouble(i -> (i < inputs.length ? inputs[i] : 1) / length).toArray();
        return new Row(x, IntStream.range(0, expected.length).mapToDouble(i -> (expected[i] - found[i]) / length)
                .toArray());
    }

    @Test
    void threadsAndMemoryChangeNoWeight() {
        with(Golden.model("llama-gqa"), store -> {
            Sequences tokens = drawn(store);
            LayerStack stack = LayerStack.dense(6).without(4, 1).without(1, 1);
            Options options = new Options(Scope.ALL, Targets.ALL, Weights.LOSS, 2, Seam.PAIR);
            PruningStep one = new Healing(store, TestDevice.float32(1), options, Long.MAX_VALUE, fresh(),
                    Progress.NONE).heal(stack, tokens).orElseThrow();
            PruningStep other = new Healing(store, TestDevice.float32(3), options, 0, fresh(), Progress.NONE)
                    .heal(stack, tokens).orElseThrow();
            assertThat(other).isEqualTo(one); // the recipes hold the checksums of the weights
        });
    }

    /** Counts what is done, and fails when so much of it is. */
    private record Failing(AtomicLong left) implements Progress {
        @Override
        public Task begin(String what, long total, String unit) {
            return steps -> {
                if (left.addAndGet(-steps) <= 0) {
                    throw new IllegalStateException("interrupted");
                }
            };
        }

        @Override
        public void note(String line) {
        }
    }

    @Test
    void anInterruptedHealingGoesOnToTheSameBytes() {
        with(Golden.model("llama-gqa"), store -> {
            Sequences tokens = drawn(store);
            LayerStack stack = LayerStack.dense(6).without(4, 1).without(1, 1);
            AtomicLong left = new AtomicLong(Long.MAX_VALUE);
            PruningStep whole = new Healing(store, TestDevice.float32(1), PAIR, Long.MAX_VALUE, fresh(),
                    new Failing(left)).heal(stack, tokens).orElseThrow();
            long all = Long.MAX_VALUE - left.get();
            for (int part = 1; part < 8; part++) {
                Path target = fresh();
                long some = all * part / 8;
                assertThatThrownBy(() -> new Healing(store, TestDevice.float32(1), PAIR, Long.MAX_VALUE, target,
                        new Failing(new AtomicLong(some))).heal(stack, tokens)).hasStackTraceContaining("interrupted");
                assertThat(heal(store, stack, tokens, PAIR, target)).contains(whole);
            }
            assertThat(whole.stack().nodes()).filteredOn(Trained.class::isInstance).hasSizeGreaterThan(2);
        });
    }
}
