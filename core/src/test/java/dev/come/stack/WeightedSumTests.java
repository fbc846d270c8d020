package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Layers all of whose numbers are 1, 2 and 4, in this order. */
class WeightedSumTests {
    private static final List<LayerNode> LAYERS = List.of(new Original(0), new Original(1), new Original(2));

    @TempDir
    private Path folder;

    @BeforeEach
    void writeModel() {
        new TinyLlama(3, 8, 4, 6, 1, 2, 2, true).write(folder, spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            for (int layer = 0; layer < 3; layer++) {
                if (spec.name().startsWith("model.layers." + layer + ".")) {
                    Arrays.fill(values, 1 << layer);
                }
            }
            return values;
        });
    }

    private void assertWeights(LayerNode node, double matrices, double others) {
        try (Checkpoint checkpoint = Checkpoint.open(folder); var _ = new PointerScope()) {
            LayerWeights weights = new LayerStore(checkpoint, ModelConfig.of(checkpoint)).materialise(node);
            weights.asMap().forEach((part, tensor) -> assertThat(Tensors.doubles(tensor)).as(part.toString())
                    .containsOnly(part.isMatrix() ? matrices : others));
        }
    }

    private static LayerNode sum(Scope scope, double... factors) {
        return new WeightedSum(List.of(new Term(LAYERS.get(0), factors[0]), new Term(LAYERS.get(1), factors[1]),
                new Term(LAYERS.get(2), factors[2])), scope);
    }

    /** LaCo's formula: 1 + (2 - 1) + (4 - 1). */
    @Test
    void differencesToTheFirstAddUpToFive() {
        assertWeights(sum(Scope.MATRICES, -1, 1, 1), 5, 1);
    }

    /** What LaCo's notebook computes. */
    @Test
    void differencesToTheRunningSumLeaveTheLast() {
        assertWeights(sum(Scope.MATRICES, 0, 0, 1), 4, 1);
    }

    @Test
    void everythingIsAddedUpWhereThatIsAskedFor() {
        assertWeights(sum(Scope.ALL, 0.5, 0.25, 0.25), 2, 2);
    }

    @Test
    void sumsOfSumsAreRoundedOnce() {
        LayerNode inner = new WeightedSum(List.of(new Term(LAYERS.get(0), 1.0 / 3), new Term(LAYERS.get(1), 2.0 / 3)),
                Scope.ALL);
        LayerNode outer = new WeightedSum(List.of(new Term(inner, 0.3), new Term(LAYERS.get(2), 0.7)), Scope.ALL);
        assertWeights(outer, (float) (0.3 * (1.0 / 3 + 4.0 / 3) + 2.8), (float) (0.3 * (1.0 / 3 + 4.0 / 3) + 2.8));
        assertThat(outer.tree()).isEqualTo("[[0, 1], 2]");
        assertThat(outer.originals()).containsExactly(0, 1, 2);
    }

    @Test
    void aMatrixIsNeitherNormNorBias() {
        Map<Boolean, List<Part>> matrices = Arrays.stream(Part.values())
                .collect(Collectors.partitioningBy(Part::isMatrix));
        assertThat(matrices.get(true)).containsExactly(Part.QUERY, Part.KEY, Part.VALUE, Part.OUTPUT, Part.GATE,
                Part.UP, Part.DOWN);
    }

    /** Otherwise ten layers in one would need the memory of many float64 layers. */
    @Test
    void ofADeepRecipeNothingIsKeptButTheResult() {
        LayerNode deep = LAYERS.get(0);
        for (int level = 0; level < 12; level++) {
            deep = new WeightedSum(List.of(new Term(deep, 0.5), new Term(LAYERS.get(level % 3), 0.5)), Scope.ALL);
        }
        LayerNode last = deep;
        assertThat(objectsHeld(last)).isEqualTo(objectsHeld(sum(Scope.ALL, 1, 1, 1)));
    }

    private long objectsHeld(LayerNode node) {
        try (Checkpoint checkpoint = Checkpoint.open(folder); var _ = new PointerScope()) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            store.materialise(new Original(0)); // opens what is opened once
            long before = Pointer.totalCount();
            store.materialise(node);
            return Pointer.totalCount() - before;
        }
    }

    /** LaCo's differences may grow; float16 ends at 65,504, float32 at 3e38. */
    @Test
    void aSumThatIsTooLargeForItsStoredTypeIsRefusedByName() {
        for (Path model : List.of(folder, Golden.model("llama-fp16"))) {
            double factor = model.equals(folder) ? 1e39 : 1e8;
            try (Checkpoint checkpoint = Checkpoint.open(model); var _ = new PointerScope()) {
                LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
                assertThatThrownBy(() -> store.materialise(sum(Scope.MATRICES, factor, 1, 1)))
                        .isInstanceOf(FailedException.class)
                        .hasMessageStartingWith("Layer [0, 1, 2] would have weights in ").hasMessageContaining(
                                " that are too large for " + (model.equals(folder) ? "F32" : "F16"));
            }
        }
    }
}
