package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.NativeObjects;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Calibration.Tokens;
import dev.come.calibration.Trial;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.CausalLanguageModel;
import dev.come.model.Compute;
import dev.come.model.DecoderLayer;
import dev.come.model.Embedding;
import dev.come.model.KeyValueCache;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Workspace;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Pruning;
import dev.come.run.Continuation;
import dev.come.run.ContinuationScores;
import dev.come.run.ModelPair;
import dev.come.run.StackLosses;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tensors lie outside the Java heap, so a lost one is noticed by no garbage collector in time. */
class NativeObjectsTests {
    private static final int LAYERS = 3;
    private static final int VOCABULARY = 64;

    @TempDir
    private Path folder;
    private Checkpoint checkpoint;
    private LayerStore store;
    private ModelConfig config;
    private Sequences tokens;

    @BeforeEach
    void openModel() {
        Random random = new Random(9);
        checkpoint = Checkpoint.open(new TinyLlama(LAYERS, VOCABULARY, 16, 24, 2, 2, 4, true)
                .write(folder.resolve("model"), random));
        config = ModelConfig.of(checkpoint);
        store = new LayerStore(checkpoint, config);
        tokens = Sequences.of(IntStream.range(0, 4).mapToObj(i -> random.ints(16, 0, VOCABULARY).toArray()).toList());
    }

    @AfterEach
    void closeModel() {
        checkpoint.close();
    }

    @Test
    void aTensorThatIsKeptIsNoticed() {
        // Reachable, because the collector frees what nobody can reach, and would hide the leak.
        List<Tensor> kept = new ArrayList<>();
        assertThatThrownBy(() -> NativeObjects.assertSteady(() -> {
            try (var _ = new PointerScope()) {
                Tensor tensor = torch.zeros(new long[]{4}, new TensorOptions(ScalarType.Float));
                kept.add(tensor.retainReference());
            }
        })).isInstanceOf(AssertionError.class).hasMessageContaining("native objects kept by steps 1 to");
        kept.forEach(Tensor::releaseReference);
    }

    @Test
    void aLayerKeepsNothingOfItsForwardPasses() {
        Compute compute = TestDevice.float32(1);
        try (var _ = new NoGradGuard();
                Rotation rotation = new Rotation(compute);
                Workspace workspace = new Workspace(compute);
                Embedding embedding = new Embedding(checkpoint, config, compute);
                DecoderLayer layer = new DecoderLayer(config, LayerWeights.of(checkpoint, config, 0), compute)) {
            NativeObjects.assertSteady(() -> {
                try (var _ = new PointerScope()) {
                    Tensor hidden = embedding.of(tokens.tokens(), TokenLayout.of(tokens.tokenCount()));
                    layer.forward(hidden, TokenLayout.of(tokens.tokenCount()), rotation, workspace, LayerObserver.NONE,
                            null);
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void aClosedLayerGivesItsWeightsBack(String type) {
        Compute compute = new Compute(DType.valueOf(type), "cpu", 1);
        NativeObjects.assertSteady(() -> {
            try (var _ = new PointerScope()) {
                new DecoderLayer(config, LayerWeights.of(checkpoint, config, 0), compute).close();
            }
        });
    }

    private LocalCalibration calibration(long memory) {
        return new LocalCalibration(store, tokens, TestDevice.float32(2), Reading.DEFINITION, memory, folder,
                Progress.NONE);
    }

    /** With all states in memory, and with all of them in a file. */
    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, 0})
    void aCalibrationKeepsNothingOfWhatItIsToForget(long memory) {
        LayerStack dense = LayerStack.dense(LAYERS);
        LayerStack other = dense.replace(1, 2, dense.get(2));
        try (LocalCalibration calibration = calibration(memory)) {
            NativeObjects.assertSteady(() -> {
                for (LayerStack stack : List.of(dense, other)) {
                    calibration.blockInfluence(stack);
                    calibration.angularDistance(stack, 2, Tokens.LAST);
                    calibration.angularDistance(stack, 1, Tokens.ALL);
                    calibration.sensitivity(stack, 1);
                    calibration.loss(stack);
                    calibration.searchLosses(List.of(stack, dense, other));
                    calibration.magnitudes(stack);
                    calibration.pooledStates(stack);
                    calibration.focus(stack);
                }
            });
        }
    }

    /** With graphs kept, and with layers that are run again. */
    @ParameterizedTest
    @CsvSource({"SUM_FIRST, 0", "SUM_FIRST, 9223372036854775807", "ABS_FIRST, 0", "NEVER_ZEROED, 0"})
    void gradientsKeepNothing(GradientOrder order, long memory) {
        try (LocalCalibration calibration = calibration(memory)) {
            NativeObjects.assertSteady(() -> calibration.gradientProducts(LayerStack.dense(LAYERS), order));
        }
    }

    @Test
    void aWholeRunKeepsNothing() {
        ConcatMerge method = new ConcatMerge(ConcatMerge.Options.DEFAULTS);
        NativeObjects.assertSteady(() -> {
            try (LocalCalibration calibration = calibration(Long.MAX_VALUE)) {
                Pruning.run(method, LayerStack.dense(LAYERS), 2, calibration, step -> {
                });
            }
        });
    }

    @Test
    void lossesOfSeveralStacksKeepNothing() {
        LayerStack dense = LayerStack.dense(LAYERS);
        List<LayerStack> stacks = List.of(dense, dense.replace(1, 2, dense.get(2)), dense.replace(2, 1, dense.get(0)));
        NativeObjects.assertSteady(() -> {
            try (StackLosses losses = new StackLosses(store, stacks, tokens, TestDevice.float32(2), 2_000)) {
                losses.measure(Progress.NONE.begin("", 0, ""));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(longs = {Long.MAX_VALUE, 0})
    void layersThatAreTakenUpAgainKeepNothing(long memory) {
        LayerStack stack = LayerStack.dense(LAYERS);
        try (SideBySide side = new SideBySide(store, tokens, tokens, TestDevice.float32(2), memory, folder)) {
            side.runDense(LAYERS);
            NativeObjects.assertSteady(() -> {
                try (var _ = new PointerScope()) {
                    LayerNode node = stack.get(0);
                    LayerWeights weights = store.materialise(node);
                    Trial first = side.run(node, weights, Optional.of(Part.OUTPUT));
                    Trial second = side.runAgain(first, node, weights, Optional.of(Part.DOWN));
                    side.discard(first);
                    second.fitted().inputs();
                    side.<Boolean>whileDenseRuns(LAYERS, _ -> true);
                    Trial third = side.runAgain(second, node, weights, Optional.empty());
                    side.discard(second);
                    side.moveOn(third);
                    side.losses(stack);
                }
            });
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void twoModelsSideBySideKeepNothing(String type) {
        Compute compute = new Compute(DType.valueOf(type), "cpu", 2);
        NativeObjects.assertSteady(() -> {
            try (ModelPair pair = new ModelPair(store, compute, store, compute, tokens, 0)) {
                pair.measure(StackLosses.ALL, (_, _, _, _) -> {
                }, Progress.NONE.begin("", 0, ""));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void scoresOfContinuationsKeepNothing(String type) {
        List<List<Continuation>> items = List.of(
                List.of(new Continuation(new int[]{1, 2, 3, 4, 5, 6, 7}, 2),
                        new Continuation(new int[]{1, 2, 3, 4, 5, 8, 9}, 2)),
                List.of(new Continuation(new int[]{1, 2}, 1)));
        NativeObjects.assertSteady(() -> {
            try (ContinuationScores scores = new ContinuationScores(store, LayerStack.dense(LAYERS),
                    new Compute(DType.valueOf(type), "cpu", 2), 0)) {
                scores.score(ContinuationScores.batches(items), item -> "" + item, Progress.NONE.begin("", 0, ""),
                        found -> {
                        });
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"F32", "BF16"})
    void aModelThatGeneratesKeepsNothing(String type) {
        Compute compute = TestDevice.of(DType.valueOf(type), 1);
        NativeObjects.assertSteady(() -> {
            try (CausalLanguageModel model = new CausalLanguageModel(checkpoint, config, compute);
                    KeyValueCache cache = model.cache(20)) {
                model.nextTokenLogits(new int[]{1, 2, 3}, cache);
                model.nextTokenLogits(new int[]{4}, cache);
            }
        });
    }
}
