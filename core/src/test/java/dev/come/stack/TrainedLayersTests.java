package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerNode.WeightedSum;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.JsonNodeFactory;

class TrainedLayersTests {
    private static final LayerNode SUM = new WeightedSum(
            List.of(new Term(new Original(1), 0.5), new Term(new Original(2), 0.5)), Scope.ALL);

    @TempDir
    private Path folder;

    private Checkpoint checkpoint;
    private ModelConfig config;
    private LayerStore store;
    private PointerScope scope;

    @BeforeEach
    void open() {
        scope = new PointerScope();
        checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
        config = ModelConfig.of(checkpoint);
        store = new LayerStore(checkpoint, config);
    }

    @AfterEach
    void close() {
        scope.close();
        checkpoint.close();
    }

    private LayerWeights changed(LayerNode node) {
        return store.materialise(node).map((_, tensor) -> tensor.add(new Scalar(1)));
    }

    private static void assertSame(LayerWeights found, LayerWeights expected) {
        for (Map.Entry<Part, Tensor> part : expected.asMap().entrySet()) {
            assertThat(found.get(part.getKey()).equal(part.getValue())).as("%s", part.getKey()).isTrue();
        }
    }

    @Test
    void aTrainedLayerHasTheWeightsThatWereWritten() {
        Trained node = TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, changed(SUM));
        assertThat(node.originals()).containsExactly(1, 2);
        assertThat(node.tree()).isEqualTo("[1, 2]");
        assertThat(node.fits(config)).isTrue();
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            assertSame(store.with(layers).materialise(node), changed(SUM));
        }
    }

    @Test
    void theSameWeightsGiveTheSameRecipeAndOthersAnother() {
        Trained node = TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, changed(SUM));
        assertThat(TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, changed(SUM))).isEqualTo(node);
        assertThat(TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, store.materialise(SUM)).sha256())
                .isNotEqualTo(node.sha256());
    }

    @Test
    void layersThatComeLaterAreFoundToo() {
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            Trained first = TrainedLayers.write(folder, config, SUM, Training.REFITTED, 1, changed(SUM));
            store.with(layers).materialise(first);
            LayerNode original = new Original(3);
            Trained second = TrainedLayers.write(folder, config, original, Training.REFITTED, 2, changed(original));
            assertSame(store.with(layers).materialise(second), changed(original));
        }
    }

    @Test
    void aSavedModelHoldsTheWeightsOfItsTrainedLayers() {
        LayerStack pruned = LayerStack.dense(config.layers()).replace(1, 2, SUM);
        Trained node = TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, changed(SUM));
        LayerStack healed = pruned.replace(1, 1, node);
        Path saved = folder.resolve("saved");
        Path again = folder.resolve("again");
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            save(healed, saved, layers, 20_000);
        }
        try (TrainedLayers layers = new TrainedLayers(saved)) {
            save(healed, again, layers, Long.MAX_VALUE);
        }
        try (Checkpoint one = Checkpoint.open(saved); Checkpoint other = Checkpoint.open(again)) {
            assertThat(one.tensors().stream().map(tensor -> tensor.file()).distinct()).hasSizeGreaterThan(1);
            assertSame(LayerWeights.of(one, config, 1), changed(SUM));
            assertSame(LayerWeights.of(other, config, 1), changed(SUM));
        }
    }

    private void save(LayerStack stack, Path target, TrainedLayers layers, long shardBytes) {
        new StackWriter(store.with(layers), stack)
                .write(tree -> new CheckpointWriter(target, tree).maxShardBytes(shardBytes));
    }

    @Test
    void weightsThatAreMissingOrOthersAreRefused() throws IOException {
        Trained node = TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, changed(SUM));
        Path empty = Files.createDirectory(folder.resolve("empty"));
        try (TrainedLayers layers = new TrainedLayers(empty)) {
            assertThatThrownBy(() -> store.with(layers).materialise(node)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll("[1, 2]", empty.toString(), "model.layers.1.", "come.json");
        }
        TrainedLayers.write(folder, config, SUM, Training.DISTILLED, 1, store.materialise(SUM));
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            assertThatThrownBy(() -> store.with(layers).materialise(node)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContainingAll("[1, 2]", node.sha256());
        }
    }

    /** Two at one position, and a third that is in a file by the position alone, as after healing. */
    @Test
    void layersThatWereAddedAtOnePositionAllStay() {
        LayerNode original = new Original(3);
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            Trained first = layers.add(config, SUM, Training.REFITTED, 1, changed(SUM));
            Trained second = layers.add(config, original, Training.REFITTED, 1, changed(original));
            Trained third = TrainedLayers.write(folder, config, SUM, Training.REFITTED, 1, store.materialise(SUM));
            for (TrainedLayers found : List.of(layers, new TrainedLayers(folder))) {
                assertSame(store.with(found).materialise(second), changed(original));
                assertSame(store.with(found).materialise(first), changed(SUM));
                assertSame(store.with(found).materialise(third), store.materialise(SUM));
            }
            assertThat(layers.add(config, SUM, Training.REFITTED, 1, changed(SUM))).isEqualTo(first);
        }
    }

    @Test
    void ofTheLayersThatWereAddedOnlyThoseStayThatAStackIsMadeFrom() {
        LayerStack dense = LayerStack.dense(config.layers());
        LayerNode original = new Original(3);
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            Trained decided = layers.add(config, SUM, Training.REFITTED, 1, changed(SUM));
            layers.keepOnly(dense.replace(1, 2, decided));
            layers.add(config, SUM, Training.REFITTED, 1, changed(SUM)); // found once more
            Trained source = layers.add(config, original, Training.REFITTED, 1, changed(original));
            Trained loser = layers.add(config, original, Training.REFITTED, 2, changed(original));
            LayerWeights weights = store.with(layers).materialise(loser);
            assertSame(weights, changed(original));
            LayerNode sum = new WeightedSum(List.of(new Term(new Original(1), 0.5), new Term(source, 0.5)), Scope.ALL);
            layers.keepOnly(dense.replace(1, 1, sum));
            assertSame(store.with(layers).materialise(decided), changed(SUM));
            assertSame(store.with(layers).materialise(source), changed(original));
            assertThatThrownBy(() -> store.with(layers).materialise(loser)).isInstanceOf(InvalidInputException.class);
            assertThat(folder).isDirectoryNotContaining("glob:**layer-2*").isDirectoryContaining("glob:**layer-1*");
        }
    }

    /** A process that is killed while it writes leaves a part under another name. */
    @Test
    void whatAKilledProcessLeftIsNoLayer() throws IOException {
        Trained node;
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            node = layers.add(config, SUM, Training.REFITTED, 1, changed(SUM));
        }
        Files.writeString(folder.resolve("layer-1.unnamed"), "half");
        Files.writeString(folder.resolve(".come-file-0123456789abcdef.tmp"), "half");
        try (TrainedLayers layers = new TrainedLayers(folder)) {
            assertSame(store.with(layers).materialise(node), changed(SUM));
            LayerNode original = new Original(3);
            assertSame(store.with(layers)
                    .materialise(layers.add(config, original, Training.REFITTED, 1, changed(original))),
                    changed(original));
        }
    }

    @Test
    void aPlanWithTrainedLayersIsReadAsItWasWritten() throws IOException {
        LayerStack dense = LayerStack.dense(config.layers());
        Trained sum = new Trained(SUM, Training.REFITTED, 1, "0".repeat(64));
        Trained twice = new Trained(sum, Training.DISTILLED, 1, "a".repeat(64));
        Trained original = new Trained(new Original(3), Training.DISTILLED, 2, "f".repeat(64));
        PruningStep merge = new PruningStep(dense.replace(1, 2, SUM), Action.MERGE, 1, 2, List.of(0.5, 0.5),
                new LinkedHashMap<>());
        PruningStep refit = PruningStep.train(merge.stack(), new TreeMap<>(Map.of(1, sum)), new LinkedHashMap<>());
        PruningStep distil = PruningStep.train(refit.stack(), new TreeMap<>(Map.of(1, twice, 2, original)),
                new LinkedHashMap<>(Map.of("validation_loss", List.of(0.25))));
        assertThat(distil.layersBefore()).isEqualTo(distil.stack().size()).isEqualTo(config.layers() - 1);
        assertThat(distil.describe(refit.stack())).isEqualTo("distilled [1, 2], 3");
        assertThat(refit.describe(merge.stack())).isEqualTo("refitted [1, 2]");

        PruningPlan plan = new PruningPlan(JsonNodeFactory.instance.objectNode(), config.layers(),
                List.of(merge, refit, distil), List.of());
        PruningPlan read = PruningPlan.read(Files.writeString(folder.resolve("come.json"), plan.toJson()));
        assertThat(read.steps()).isEqualTo(plan.steps());
        assertThat(read.toJson()).isEqualTo(plan.toJson());
        assertThat(read.until(config.layers() - 1).last()).isEqualTo(distil.stack());

        Path damaged = Files.writeString(folder.resolve("come.json"),
                plan.toJson().replace("0".repeat(64), "0".repeat(63) + "x"));
        assertThatThrownBy(() -> PruningPlan.read(damaged)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("come.json", "sha256");
    }
}
