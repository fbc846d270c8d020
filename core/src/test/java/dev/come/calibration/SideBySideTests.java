package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.TestDevice;
import dev.come.calibration.Trial;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.Families;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.UsualNames;
import dev.come.run.StackLosses;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A layer that is taken up again before a projection, against its slow twin, the layer run as a whole. */
class SideBySideTests {
    static final List<String> MODELS = Golden.MODELS;

    @TempDir
    private Path folder;

    /** The stack of a model without its third layer, before its second layer, which is run with several weights. */
    private final class Layer implements AutoCloseable {
        private final Checkpoint checkpoint;
        private final LayerStore store;
        private final LayerStack stack;
        private final Sequences fitted;
        private final Sequences heldOut;
        private final PointerScope scope = new PointerScope();
        private final SideBySide side;
        private final LayerNode node;
        private final LayerWeights weights;

        /** Chunks are longer than the blocks of a forward pass, and no multiple of them; sequences as far as positions go. */
        Layer(Path model, Compute compute, long memory) {
            Random random = new Random(4);
            checkpoint = UsualNames.open(model);
            store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            int vocabulary = store.config().vocabularySize();
            IntStream lengths = store.config().learnedPositions()
                    ? IntStream.range(0, 60).map(i -> 40 + i % 20)
                    : IntStream.of(3, 700, 2000, 33);
            fitted = Sequences.of(lengths.mapToObj(length -> random.ints(length, 0, vocabulary).toArray()).toList());
            heldOut = Sequences.of(List.of(random.ints(40, 0, vocabulary).toArray()));
            stack = LayerStack.dense(store.config().layers()).without(2, 1);
            side = new SideBySide(store, fitted, heldOut, compute, memory, folder);
            side.runBoth(1);
            side.runDense(3);
            node = stack.get(1);
            weights = store.materialise(node);
        }

        /** The weights with a projection, and its bias if there is one, moved at random. */
        LayerWeights moved(LayerWeights from, Part projection) {
            torch.manual_seed(17);
            return from.map((part, tensor) -> part == projection || part == projection.bias()
                    ? tensor.add(torch.rand_like(tensor).mul(new Scalar(0.1)))
                    : tensor);
        }

        @Override
        public void close() {
            scope.close();
            side.close();
            checkpoint.close();
        }
    }

    private static void assertSame(Trial found, Trial expected) {
        assertThat(found.heldOutError()).isEqualTo(expected.heldOutError());
    }

    private static void assertSameMoments(Trial found, Trial expected) {
        assertSame(found, expected);
        assertSame(found.fitted(), expected.fitted());
        assertSame(found.heldOut(), expected.heldOut());
    }

    private static void assertSame(Moments found, Moments expected) {
        assertThat(found.rows()).isEqualTo(expected.rows());
        assertThat(found.error()).isEqualTo(expected.error());
        assertThat(found.inputs().equal(expected.inputs())).isTrue();
        assertThat(found.products().equal(expected.products())).isTrue();
    }

    static Stream<Path> models() {
        return Stream.concat(MODELS.stream(), Families.ALL.stream().map(family -> family.checkedBy().getFirst()))
                .distinct().map(Golden::familyModel);
    }

    @ParameterizedTest
    @MethodSource("models")
    void aLayerThatIsTakenUpAgainGivesWhatTheWholeLayerGives(Path model) {
        // The golden models show what bfloat16 changes; many processors take ten times as long for it.
        for (DType type : model.equals(Golden.model(model.getFileName().toString()))
                ? List.of(DType.F32, DType.BF16)
                : List.of(DType.F32)) {
            try (Layer layer = new Layer(model, new Compute(type, "cpu", 2), type == DType.F32 ? Long.MAX_VALUE : 0)) {
                Trial before = layer.side.run(layer.node, layer.weights, Optional.of(Part.OUTPUT));
                LayerWeights output = layer.moved(layer.weights, Part.OUTPUT);
                Trial fromHeads = layer.side.runAgain(before, layer.node, output, Optional.of(Part.DOWN));
                assertThat(fromHeads.heldOutError()).isNotEqualTo(before.heldOutError());
                Trial whole = layer.side.run(layer.node, output, Optional.of(Part.DOWN));
                assertSameMoments(fromHeads, whole);

                LayerWeights both = layer.moved(output, Part.DOWN);
                Trial fromChannels = layer.side.runAgain(fromHeads, layer.node, both, Optional.empty());
                assertThat(fromChannels.heldOutError()).isNotEqualTo(fromHeads.heldOutError());
                assertSame(fromChannels, layer.side.run(layer.node, both, Optional.empty()));

                // What follows sees the same states.
                Trial expected = after(layer, layer.side.run(layer.node, both, Optional.empty()));
                try (Layer other = new Layer(model, new Compute(type, "cpu", 2), Long.MAX_VALUE)) {
                    Trial start = other.side.run(other.node, output, Optional.of(Part.DOWN));
                    assertSameMoments(after(other, other.side.runAgain(start, other.node, both, Optional.empty())),
                            expected);
                }
            }
        }
    }

    private static Trial after(Layer layer, Trial trial) {
        layer.side.moveOn(trial);
        layer.side.runDense(4);
        LayerNode next = layer.stack.get(2);
        return layer.side.run(next, layer.store.materialise(next), Optional.of(Part.OUTPUT));
    }

    @Test
    void whatWasNotSeenIsNotTold() {
        try (Layer layer = new Layer(Golden.model("llama-gqa"), TestDevice.float32(1), Long.MAX_VALUE)) {
            Trial heads = layer.side.run(layer.node, layer.weights, Optional.of(Part.OUTPUT));
            Trial channels = layer.side.run(layer.node, layer.weights, Optional.of(Part.DOWN));
            for (Trial trial : List.of(heads, channels)) {
                assertThatThrownBy(() -> layer.side.runAgain(trial, layer.node, layer.weights,
                        Optional.of(Part.OUTPUT))).isInstanceOf(IllegalArgumentException.class);
            }
            assertThatThrownBy(() -> layer.side.runAgain(channels, layer.node, layer.weights, Optional.of(Part.DOWN)))
                    .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("DOWN");
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theLossesAtTheEndAreThoseOfTheStacks(String golden) {
        try (Layer layer = new Layer(Golden.model(golden), TestDevice.float32(2), Long.MAX_VALUE)) {
            for (int position = 1; position < layer.stack.size(); position++) {
                layer.side.runDense(position + 2);
                LayerNode node = layer.stack.get(position);
                layer.side.moveOn(layer.side.run(node, layer.store.materialise(node), Optional.empty()));
            }
            EndLosses found = layer.side.losses(layer.stack);
            List<LayerStack> stacks = List.of(LayerStack.dense(layer.store.config().layers()), layer.stack);
            List<Double> expected = new ArrayList<>();
            try (StackLosses losses = new StackLosses(layer.store, stacks, layer.heldOut, TestDevice.float32(1),
                    Long.MAX_VALUE)) {
                losses.measure(_ -> {
                }).forEach(values -> expected.add(Arrays.stream(values).average().orElseThrow()));
            }
            assertThat(found.dense()).isCloseTo(expected.getFirst(), within(1e-9));
            assertThat(found.own()).isCloseTo(expected.getLast(), within(1e-9)).isNotEqualTo(found.dense());
        }
    }

    /** The slow twin has the dense model run on when the next layer is run. */
    @ParameterizedTest
    @ValueSource(longs = {0, Long.MAX_VALUE})
    void theDenseModelRunsOnMeanwhile(long memory) {
        Path model = Golden.model("llama-gqa");
        try (Layer layer = new Layer(model, TestDevice.float32(3), memory);
                Layer plain = new Layer(model, TestDevice.float32(1), memory)) {
            Trial trial = layer.side.run(layer.node, layer.weights, Optional.of(Part.OUTPUT));
            assertThat(layer.side.<String>whileDenseRuns(4, _ -> "done")).isEqualTo("done");
            // What is run now is still measured against the states where the dense model was.
            Trial again = layer.side.run(layer.node, layer.weights, Optional.of(Part.OUTPUT));
            assertSameMoments(again, trial);
            layer.side.discard(again);
            // Further work finds it there, and has it run no further.
            assertThat(layer.side.<Integer>whileDenseRuns(4, _ -> 7)).isEqualTo(7);
            Trial twin = plain.side.run(plain.node, plain.weights, Optional.of(Part.OUTPUT));
            assertSameMoments(after(layer, trial), after(plain, twin));
            assertThat(layer.side.bytesInMemory()).isEqualTo(plain.side.bytesInMemory());
        }
    }

    @Test
    void workThatFailsBesideTheDenseModelIsHeardOf() {
        try (Layer layer = new Layer(Golden.model("llama-gqa"), TestDevice.float32(2), Long.MAX_VALUE)) {
            layer.side.discard(layer.side.run(layer.node, layer.weights, Optional.empty()));
            assertThatThrownBy(() -> layer.side.whileDenseRuns(4, _ -> {
                throw new IllegalStateException("no solution");
            })).isInstanceOf(IllegalStateException.class).hasMessage("no solution");
        }
    }

    /** What is held besides the states on both sides counts under the memory too. */
    @Test
    void whatALayerIsTakenUpFromCountsAsHiddenStates() {
        Path model = Golden.model("llama-gqa");
        long small = 100_000;
        for (long memory : new long[]{small, Long.MAX_VALUE}) {
            try (Layer layer = new Layer(model, TestDevice.float32(2), memory)) {
                layer.side.discard(layer.side.run(layer.node, layer.weights, Optional.empty()));
                long before = layer.side.bytesInMemory();
                Trial trial = layer.side.run(layer.node, layer.weights, Optional.of(Part.DOWN));
                if (memory == small) {
                    assertThat(layer.side.bytesInMemory()).isLessThanOrEqualTo(small);
                } else {
                    long channels = (long) layer.store.config().intermediateSize()
                            + 2L * layer.store.config().hiddenSize();
                    long tokens = (long) layer.fitted.tokenCount() + layer.heldOut.tokenCount();
                    assertThat(layer.side.bytesInMemory() - before).isEqualTo(tokens * channels * Float.BYTES);
                }
                layer.side.discard(trial);
                assertThat(layer.side.bytesInMemory()).isLessThanOrEqualTo(before);
            }
        }
    }
}
