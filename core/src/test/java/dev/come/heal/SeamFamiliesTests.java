package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.calibration.RefittedLayers;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.model.Families;
import dev.come.prune.Barriers;
import dev.come.prune.Pruning;
import dev.come.prune.PruningStep;
import dev.come.prune.SeamAuto;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.SavedStacks;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is refitted beyond the usual, and what is chosen by it, in every family. */
class SeamFamiliesTests {
    private static final SeamAuto METHOD = new SeamAuto(
            new SeamAuto.Options(Barriers.ONE_EACH, 2, MergeNorms.FOLD, 2));

    @TempDir
    private Path folder;

    static Stream<String> families() {
        return Families.ALL.stream().map(family -> family.checkedBy().getFirst());
    }

    @ParameterizedTest
    @MethodSource("families")
    void whatReadsIsHealedWithoutHarm(String name) {
        with(Golden.familyModel(name), store -> {
            Sequences tokens = drawn(store, 8, 16);
            LayerStack stack = LayerStack.dense(store.config().layers()).without(1, 1);
            Optional<PruningStep> healed = new Healing(store, TestDevice.float32(2),
                    new Options(Scope.ALL, Targets.ALL, Weights.LOSS, 2, Seam.PAIR), Long.MAX_VALUE, folder,
                    Progress.NONE)
                    .heal(stack, tokens);
            healed.ifPresent(step -> {
                try (TrainedLayers trained = new TrainedLayers(folder)) {
                    LayerStore with = store.with(trained);
                    assertThat(HealingTests.loss(with, step.stack(), HealingTests.heldOut(tokens)))
                            .isLessThan(HealingTests.loss(store, stack, HealingTests.heldOut(tokens)));
                    SavedStacks.assertSavedAsItIs(folder.resolve("saved"), with, step.stack());
                }
            });
        });
    }

    private void choose(String name, LayerPattern pattern) {
        with(Golden.familyModel(name), dense -> {
            try (TrainedLayers trained = new TrainedLayers(folder); var _ = new NoGradGuard()) {
                LayerStore store = dense.with(trained);
                int layers = store.config().layers();
                try (LocalCalibration calibration = LocalCalibration.refitting(store,
                        RefittedLayers.of(new Refits(store, trained), drawn(dense, 8, 16)), TestDevice.float32(2),
                        Reading.DEFINITION, Long.MAX_VALUE, folder, Progress.NONE)) {
                    LayerStack chosen = Pruning.run(METHOD, LayerStack.dense(layers),
                            layers - 2, calibration, pattern, _ -> {
                            });
                    assertThat(chosen.size()).isEqualTo(layers - 2);
                    assertThat(pattern.holds(chosen)).isTrue();
                    SavedStacks.assertSavedAsItIs(folder.resolve("saved"), store, chosen);
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("families")
    void itIsChosenByWhatIsLeftAfterARepair(String name) {
        choose(name, LayerPattern.ANY);
    }

    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "smollm3"})
    void aPatternIsKept(String name) {
        with(Golden.familyModel(name), store -> choose(name, LayerPattern.of(store.config().layerKinds())));
    }

}
