package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.WideModels;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.Calibration.Together;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.PlainSources;
import dev.come.calibration.Reading;
import dev.come.calibration.RefittedLayers;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.heal.PlainRegression.Row;
import dev.come.model.Families;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.model.UsualNames;
import dev.come.prune.ChannelScore;
import dev.come.prune.Compat;
import dev.come.prune.Compensate;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Pruning;
import dev.come.prune.PruningStep;
import dev.come.prune.SkipMethod;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
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
import java.util.Objects;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Merged layers into which what they leave out was folded, against plain regressions token by token. */
class CompensationTests {
    static final List<String> LLAMAS = List.of("llama-mha", "llama-gqa", "llama-mqa", "llama-bias", "qwen2", "opt");

    @TempDir
    private Path folder;
    private int folders;

    private Path fresh() {
        try {
            return Files.createDirectory(folder.resolve("run" + folders++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What a calibration that refits is asked. */
    private interface Asking {
        void ask(LayerStore store, LocalCalibration calibration);
    }

    private void calibrate(LayerStore dense, Sequences tokens, Asking asking) {
        try (TrainedLayers trained = new TrainedLayers(fresh());
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            LayerStore store = dense.with(trained);
            try (LocalCalibration calibration = LocalCalibration.refitting(store,
                    RefittedLayers.of(new Refits(store, trained), tokens), TestDevice.float32(2), Reading.DEFINITION,
                    Long.MAX_VALUE, folder, Progress.NONE)) {
                asking.ask(store, calibration);
            }
        }
    }

    /** The even heads and channels of one and the odd ones of the other. */
    private static Concatenated merged(ModelConfig config, LayerNode first, LayerNode second) {
        return new Concatenated(
                List.of(new Share(first, 0.5, every(config.keyValueHeads(), 0), every(config.intermediateSize(), 0)),
                        new Share(second, 0.5, every(config.keyValueHeads(), 1), every(config.intermediateSize(), 1))),
                QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    private static List<Integer> every(int count, int rest) {
        return IntStream.range(0, count).filter(i -> i % 2 == rest).boxed().toList();
    }

    private static LayerStack stack(LayerStore store, LayerNode merged) {
        return LayerStack.dense(store.config().layers()).replace(1, 2, merged);
    }

    /**
     * Twin: the rows of both projections token by token, the regression by elimination. The second one is that of a layer whose
     * first projection was fitted.
     */
    @ParameterizedTest
    @FieldSource("LLAMAS")
    void fitsAreThoseOfAPlainRegression(String model) {
        with(Golden.model(model), dense -> {
            Sequences tokens = drawn(dense, 30, 30);
            Concatenated merged = merged(dense.config(), new Original(1), new Original(2));
            LayerStack stack = stack(dense, merged);
            for (Together how : Together.values()) {
                calibrate(dense, tokens, (store, calibration) -> {
                    Refit refit = calibration.compensated(stack, 1, how).orElseThrow();
                    assertThat(refit.errorAfter()).isLessThan(refit.errorBefore());
                    assertThat(refit.stack().get(1)).isInstanceOf(Trained.class);
                    assertThat(refit.lambdas()).containsKey(Part.DOWN);
                    LayerWeights before = store.materialise(merged);
                    LayerWeights after = store.materialise(refit.stack().get(1));
                    assertThat(before.asMap().keySet().stream()
                            .filter(part -> !after.get(part).equal(before.get(part))))
                            .isNotEmpty().isSubsetOf(Part.OUTPUT, Part.OUTPUT_BIAS, Part.DOWN, Part.DOWN_BIAS);
                    for (Part part : refit.lambdas().keySet()) {
                        double lambda = Objects.requireNonNull(refit.lambdas().get(part));
                        boolean bias = before.asMap().containsKey(part.bias());
                        HeldOut split = HeldOut.of(HeldOut.of(tokens).fitted());
                        List<Row> fitted = rows(store, merged, how, after, part, split.fitted());
                        List<Row> heldOut = rows(store, merged, how, after, part, split.heldOut());
                        PlainRegression regression = new PlainRegression(fitted, bias);
                        double[][] change = regression.change(lambda);
                        double chosen = PlainRegression.error(heldOut, change);
                        for (double other : Ridge.PATH) {
                            assertThat(chosen).as("%s %s", part, other)
                                    .isLessThanOrEqualTo(
                                            PlainRegression.error(heldOut, regression.change(other)) * 1.001);
                        }
                        assertThat(PlainRegression.error(heldOut, change(before, after, part, bias)))
                                .as("%s %s", how, part)
                                .isCloseTo(chosen, within(1e-3 * chosen + 1e-12));
                        double[][] found = change(before, after, part, bias);
                        double scale = Math.sqrt(Arrays.stream(change).flatMapToDouble(Arrays::stream)
                                .map(value -> value * value).average().orElseThrow());
                        for (int i = 0; i < change.length; i++) {
                            for (int j = 0; j < change[i].length; j++) {
                                assertThat(found[i][j]).as("%s %s", how, part)
                                        .isCloseTo(change[i][j], within(0.02 * scale + 1e-6));
                            }
                        }
                    }
                });
            }
        });
    }

    private static double[][] change(LayerWeights before, LayerWeights after, Part part, boolean bias) {
        double[] was = Tensors.doubles(before.get(part).t().contiguous());
        double[] is = Tensors.doubles(after.get(part).t().contiguous());
        int outputs = Math.toIntExact(before.get(part).size(0));
        int channels = was.length / outputs;
        double[][] change = new double[channels + (bias ? 1 : 0)][outputs];
        for (int i = 0; i < was.length; i++) {
            change[i / outputs][i % outputs] = is[i] - was[i];
        }
        if (bias) {
            double[] wasBias = Tensors.doubles(before.get(part.bias()));
            double[] isBias = Tensors.doubles(after.get(part.bias()));
            Arrays.setAll(change[channels], i -> isBias[i] - wasBias[i]);
        }
        return change;
    }

    /** What goes into a projection of the merged layer and what is missing behind it, by tokens, divided as healing does. */
    private static List<Row> rows(LayerStore store, Concatenated merged, Together how, LayerWeights after, Part part,
            Sequences tokens) {
        List<Row> rows = new ArrayList<>();
        try (PlainSources plain = new PlainSources(store);
                LayerRunner runner = new LayerRunner(store, TestDevice.float32(1))) {
            LayerWeights fitted = after.map((_, tensor) -> tensor.to(ScalarType.Double));
            for (Chunk chunk : TokenChunks.of(tokens).chunks()) {
                TokenLayout layout = chunk.layout();
                Tensor state = runner.embed(chunk).cpu().to(ScalarType.Double);
                state = state.add(plain.attention(new Original(0), state, layout));
                state = state.add(plain.feedForward(new Original(0), state));
                Tensor between = state;
                Tensor end = state;
                if (how == Together.SEQUENCE) {
                    for (LayerNode source : merged.sources().toList()) {
                        Tensor added = plain.attention(source, end, layout);
                        between = between.add(added);
                        end = end.add(added);
                        end = end.add(plain.feedForward(source, end));
                    }
                } else {
                    for (LayerNode source : merged.sources().toList()) {
                        between = between.add(plain.attention(source, state, layout));
                    }
                    end = between;
                    for (LayerNode source : merged.sources().toList()) {
                        end = end.add(plain.feedForward(source, between));
                    }
                }
                boolean first = part == Part.OUTPUT;
                LayerWeights own = plain.weights(merged);
                Tensor from = first ? state : state.add(plain.attention(fitted, state, layout));
                Tensor x = first ? plain.heads(own, state, layout) : plain.channels(own, from);
                Tensor given = from.add(first ? plain.attention(own, state, layout) : plain.feedForward(own, from));
                Tensor expected = first ? between : end;
                boolean bias = own.asMap().containsKey(part.bias());
                for (int token = 0; token < state.size(0); token++) {
                    double[] target = Tensors.doubles(expected.get(token));
                    double[] is = Tensors.doubles(given.get(token));
                    double length = Math.sqrt(Arrays.stream(target).map(value -> value * value).sum());
                    double[] inputs = Tensors.doubles(x.get(token));
                    double[] with = Arrays.copyOf(inputs, inputs.length + (bias ? 1 : 0));
                    if (bias) {
                        with[inputs.length] = 1;
                    }
                    rows.add(new Row(Arrays.stream(with).map(value -> value / length).toArray(),
                            IntStream.range(0, target.length).mapToDouble(i -> (target[i] - is[i]) / length)
                                    .toArray()));
                }
            }
        }
        return rows;
    }

    /**
     * A layer merged with itself: every channel that is left out is one that is kept, and so is every head. The least penalty is a
     * millionth, which shows where channels are hardly ever more than zero, as behind the ReLU of OPT.
     */
    @ParameterizedTest
    @FieldSource("LLAMAS")
    void whereWhatIsLeftOutIsLinearInWhatIsKeptNothingIsLost(String model) {
        with(Golden.model(model), dense -> {
            Concatenated merged = merged(dense.config(), new Original(1), new Original(1));
            calibrate(dense, drawn(dense, 40, 30), (store, calibration) -> {
                Refit refit = calibration.compensated(stack(dense, merged), 1, Together.PARALLEL).orElseThrow();
                assertThat(refit.errorBefore()).isGreaterThan(1e-4);
                assertThat(Math.sqrt(refit.errorAfter())).isLessThan(model.equals("opt") ? 1e-4 : 1e-5);
            });
        });
    }

    static Stream<String> families() {
        return Families.ALL.stream().map(family -> family.checkedBy().getFirst());
    }

    private static ConcatMerge merging(ChannelScore score, Compensate compensate) {
        return new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, MergeNorms.FOLD, score,
                compensate, Compat.NONE));
    }

    /** Merges of merges too, and what the plan names is in the folder of the model alone. */
    @ParameterizedTest
    @MethodSource("families")
    void everyFamilysResultIsSavedAsItWasMeasured(String name) {
        Path model = Golden.familyModel(name);
        with(model, dense -> {
            Sequences tokens = drawn(dense, 8, 16);
            for (Compensate how : List.of(Compensate.PARALLEL, Compensate.SEQUENCE)) {
                Path saved = folder.resolve("saved-" + how);
                calibrate(dense, tokens, (store, calibration) -> {
                    List<PruningStep> steps = new ArrayList<>();
                    Pruning.run(merging(ChannelScore.LEVERAGE, how), LayerStack.dense(dense.config().layers()),
                            dense.config().layers() - 3, calibration, steps::addAll);
                    for (PruningStep step : steps) {
                        List<Double> errors = Objects
                                .requireNonNull(step.scores().get("compensation_error_before_after"));
                        assertThat(errors.isEmpty() || errors.get(1) < errors.get(0)).isTrue();
                    }
                    LayerStack stack = steps.getLast().stack();
                    new StackWriter(store, stack).write(config -> new CheckpointWriter(saved, config));
                    try (Checkpoint reopened = UsualNames.open(saved);
                            TrainedLayers alone = new TrainedLayers(saved)) {
                        for (float[] row : WideModels.logits(reopened, LayerStack.dense(stack.size()),
                                tokens.slice(0, 1))) {
                            assertThat(row).doesNotContain(Float.NaN);
                        }
                        for (int i = 0; i < stack.size(); i++) {
                            LayerWeights expected = store.materialise(stack.get(i));
                            LayerWeights found = LayerWeights.of(reopened, dense.config(), i);
                            LayerWeights again = dense.with(alone).materialise(stack.get(i));
                            expected.asMap().forEach((part, tensor) -> {
                                assertThat(found.get(part).equal(tensor)).as("%s", part).isTrue();
                                assertThat(again.get(part).equal(tensor)).as("%s", part).isTrue();
                            });
                        }
                    }
                });
            }
        });
    }

    /** As the trace, the states of the sources stay no longer than they are needed. */
    @Test
    void noStatesStay() {
        with(Golden.model("llama-gqa"), dense -> calibrate(dense, drawn(dense), (_, calibration) -> {
            Consumer<Together> ask = how -> calibration
                    .compensated(stack(dense, merged(dense.config(), new Original(1), new Original(2))), 1, how);
            ask.accept(Together.PARALLEL);
            long held = calibration.bytesInMemory();
            ask.accept(Together.PARALLEL);
            ask.accept(Together.SEQUENCE);
            assertThat(calibration.bytesInMemory()).isEqualTo(held);
        }));
    }

    @Test
    void onlyConcatenatedLayersAreCompensated() {
        with(Golden.model("llama-gqa"), dense -> calibrate(dense, drawn(dense),
                (_, calibration) -> assertThatThrownBy(
                        () -> calibration.compensated(LayerStack.dense(6), 1, Together.PARALLEL))
                        .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("not concatenated")));
    }
}
