package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.Calibration.Sensitivity;
import dev.come.calibration.Calibration.Together;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.ModelConfig;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
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
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/** The sources of a merged layer, side by side or in sequence, against each of them by itself in plain float64. */
class ParallelSourcesTests {
    static final List<String> MODELS = Stream.concat(Golden.MODELS.stream(),
            Stream.of("phi3", "olmo2", "gemma2", "gemma3", "granite", "smollm3", "starcoder2")).toList();

    /** The penalty of {@link Leverage} as a part of the mean square of a channel. */
    private static final double PENALTY = 1e-2;

    @TempDir
    private Path folder;

    private static void with(String model, Consumer<LayerStore> test) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.familyModel(model));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            test.accept(new LayerStore(checkpoint, ModelConfig.of(checkpoint)));
        }
    }

    private static Sequences tokens(LayerStore store) {
        Random random = new Random(11);
        int vocabulary = store.config().vocabularySize();
        return Sequences.of(IntStream.of(5, 30, 17, 1).mapToObj(length -> random.ints(length, 0, vocabulary).toArray())
                .toList());
    }

    /** The first half of the heads and channels of one, the others of the other; which they are is of no matter here. */
    private static Concatenated merged(ModelConfig config, LayerNode first, LayerNode second) {
        int heads = config.keyValueHeads() / 2;
        int channels = config.intermediateSize() / 2;
        return new Concatenated(
                List.of(new Share(first, 0.4, range(0, heads), range(0, channels)),
                        new Share(second, 0.6, range(heads, config.keyValueHeads()),
                                range(channels, config.intermediateSize()))),
                QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    private static List<Integer> range(int from, int to) {
        return IntStream.range(from, to).boxed().toList();
    }

    private static double tolerance(LayerStore store) {
        DType stored = store.config().storedType(store.checkpoint());
        return stored == DType.BF16 ? 3e-2 : stored == DType.F16 ? 3e-3 : 1e-5;
    }

    private static void assertClose(Tensor found, Tensor expected, double tolerance, String what) {
        double[] actual = Tensors.doubles(found);
        double[] wanted = Tensors.doubles(expected);
        double largest = Arrays.stream(wanted).map(Math::abs).max().orElseThrow();
        for (int i = 0; i < wanted.length; i++) {
            assertThat(actual[i]).as(what + " at " + i).isCloseTo(wanted[i], within(tolerance * (1 + largest)));
        }
    }

    /** What is asked of the states that a merged layer is to give. */
    private interface Check {
        void of(Tensor before, Tensor between, Tensor after, Chunk chunk);
    }

    private void target(LayerStore store, Concatenated merged, Together how, Check check) {
        TokenChunks chunks = TokenChunks.of(tokens(store));
        try (LayerRunner runner = new LayerRunner(store, TestDevice.float32(2));
                StateStore states = new StateStore(Long.MAX_VALUE, folder)) {
            List<State> before = new ArrayList<>();
            for (Chunk chunk : chunks.chunks()) {
                before.add(states.put(runner.embed(chunk)));
            }
            long held = states.bytesInMemory();
            try (MergeTarget target = MergeTarget.of(merged, how, runner, chunks, states, before)) {
                for (int i = 0; i < chunks.size(); i++) {
                    check.of(states.get(before.get(i)).cpu().to(ScalarType.Double),
                            states.get(target.betweenHalves().orElseThrow().get(i)).cpu(),
                            states.get(target.after(0).get(i)).cpu(), chunks.get(i));
                }
            }
            assertThat(states.bytesInMemory()).isEqualTo(held);
        }
    }

    /** So a merged layer that kept everything would give the sum of its sources. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void sideBySideTheyGiveTheSumOfWhatEachGives(String model) {
        with(model, store -> {
            if (!PlainSources.addUp(store.config())) {
                return;
            }
            LayerNode nested = merged(store.config(), new Original(2), new Original(3));
            for (List<LayerNode> sources : List.of(List.<LayerNode>of(new Original(1), new Original(2)),
                    List.of(new Original(1), nested))) {
                Concatenated merged = merged(store.config(), sources.get(0), sources.get(1));
                try (PlainSources plain = new PlainSources(store, 1)) {
                    target(store, merged, Together.PARALLEL, (before, between, after, chunk) -> {
                        Tensor attended = before;
                        for (LayerNode source : sources) {
                            attended = attended.add(plain.attention(source, before, chunk.layout()));
                        }
                        Tensor expected = attended;
                        for (LayerNode source : sources) {
                            expected = expected.add(plain.feedForward(source, attended));
                        }
                        assertClose(between, attended, tolerance(store), merged.tree() + " after attention");
                        assertClose(after, expected, tolerance(store), merged.tree());
                    });
                }
            }
        });
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void inSequenceTheyGiveWhatTheModelGives(String model) {
        with(model, store -> {
            List<LayerNode> sources = List.of(new Original(1), new Original(2));
            try (PlainSources plain = new PlainSources(store)) {
                target(store, merged(store.config(), sources.get(0), sources.get(1)), Together.SEQUENCE,
                        (before, between, after, chunk) -> {
                            Tensor state = before;
                            Tensor attended = before;
                            for (LayerNode source : sources) {
                                Tensor added = plain.attention(source, state, chunk.layout());
                                attended = attended.add(added);
                                state = state.add(added);
                                state = state.add(plain.feedForward(source, state));
                            }
                            assertClose(between, attended, 1e-5, "after attention");
                            assertClose(after, state, 1e-5, "after the layers");
                        });
            }
        });
    }

    /** Twin: sums token by token, and the inverse by elimination. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void leverageIsWhatThePlainDefinitionGives(String model) {
        with(model, store -> {
            ModelConfig config = store.config();
            LayerStack stack = LayerStack.dense(config.layers());
            List<LayerNode> sources = List.of(new Original(1), new Original(2));
            Concatenated merged = merged(config, sources.get(0), sources.get(1));
            Sequences tokens = tokens(store);
            List<Sensitivity> found;
            try (LocalCalibration calibration = new LocalCalibration(store, tokens, TestDevice.float32(2),
                    Reading.DEFINITION, Long.MAX_VALUE, folder, Progress.NONE)) {
                calibration.blockInfluence(stack);
                long held = calibration.bytesInMemory();
                found = calibration.leverage(stack, 1, merged);
                assertThat(calibration.leverage(stack, 1, merged)).isEqualTo(found);
                assertThat(calibration.bytesInMemory()).isEqualTo(held);
            }
            assertThat(found).hasSize(2).allSatisfy(source -> {
                assertThat(source.keyValueHeads()).hasSize(config.keyValueHeads()).allMatch(
                        leverage -> leverage > -1e-9 && leverage <= config.groupSize() * config.headDim());
                assertThat(source.channels()).hasSize(config.intermediateSize())
                        .allMatch(leverage -> leverage > -1e-9 && leverage <= 1);
            });
            if (!PlainSources.addUp(config) || tolerance(store) > 1e-5) {
                return;
            }
            List<double[]> heads = new ArrayList<>();
            List<double[]> channels = new ArrayList<>();
            try (PlainSources own = new PlainSources(store);
                    PlainSources plain = new PlainSources(store, 1);
                    LayerRunner runner = new LayerRunner(store, TestDevice.float32(1))) {
                for (Chunk chunk : TokenChunks.of(tokens).chunks()) {
                    Tensor state = runner.embed(chunk).cpu().to(ScalarType.Double);
                    state = state.add(own.attention(new Original(0), state, chunk.layout()));
                    state = state.add(own.feedForward(new Original(0), state));
                    Tensor between = state;
                    for (LayerNode source : sources) {
                        between = between.add(plain.attention(source, state, chunk.layout()));
                    }
                    for (int token = 0; token < state.size(0); token++) {
                        double[] row = Tensors.doubles(state.get(token));
                        double length = Math.sqrt(Arrays.stream(row).map(value -> value * value).sum());
                        int at = token;
                        Tensor before = state;
                        Tensor after = between;
                        heads.add(sources.stream()
                                .flatMapToDouble(source -> Arrays.stream(Tensors.doubles(
                                        plain.heads(source, before, chunk.layout()).get(at))))
                                .map(value -> value / length).toArray());
                        channels.add(sources.stream()
                                .flatMapToDouble(source -> Arrays.stream(Tensors.doubles(
                                        plain.channels(source, after).get(at))))
                                .map(value -> value / length).toArray());
                    }
                }
            }
            double[] ofHeads = leverage(heads);
            double[] ofChannels = leverage(channels);
            int width = config.groupSize() * config.headDim();
            for (int source = 0; source < 2; source++) {
                for (int head = 0; head < config.keyValueHeads(); head++) {
                    int start = (source * config.keyValueHeads() + head) * width;
                    assertThat(found.get(source).keyValueHeads().get(head)).as("head " + head).isCloseTo(
                            Arrays.stream(ofHeads, start, start + width).sum(), within(1e-3 * width));
                }
                for (int channel = 0; channel < config.intermediateSize(); channel++) {
                    assertThat(found.get(source).channels().get(channel)).as("channel " + channel)
                            .isCloseTo(ofChannels[source * config.intermediateSize() + channel], within(1e-3));
                }
            }
        });
    }

    private static double[] leverage(List<double[]> tokens) {
        int count = tokens.getFirst().length;
        double[][] moments = new double[count][count];
        for (double[] x : tokens) {
            for (int i = 0; i < count; i++) {
                for (int j = 0; j < count; j++) {
                    moments[i][j] += x[i] * x[j];
                }
            }
        }
        double penalty = PENALTY * IntStream.range(0, count).mapToDouble(i -> moments[i][i]).average().orElseThrow();
        double[][] left = new double[count][];
        double[][] inverse = new double[count][count];
        for (int i = 0; i < count; i++) {
            left[i] = moments[i].clone();
            left[i][i] += penalty;
            inverse[i][i] = 1;
        }
        for (int pivot = 0; pivot < count; pivot++) {
            double factor = 1 / left[pivot][pivot];
            for (int column = 0; column < count; column++) {
                left[pivot][column] *= factor;
                inverse[pivot][column] *= factor;
            }
            for (int row = 0; row < count; row++) {
                double times = left[row][pivot];
                for (int column = 0; row != pivot && column < count; column++) {
                    left[row][column] -= times * left[pivot][column];
                    inverse[row][column] -= times * inverse[pivot][column];
                }
            }
        }
        double[] leverages = new double[count];
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                leverages[i] += moments[i][j] * inverse[j][i];
            }
        }
        return leverages;
    }
}
