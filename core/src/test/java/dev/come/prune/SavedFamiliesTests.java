package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.UsageException;
import dev.come.WideModels;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.model.Families;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.model.Wrapper;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What methods make of every family, saved and opened again. */
class SavedFamiliesTests {
    private static final int TARGET = 3;

    @TempDir
    private Path folder;

    /** One model of each family. */
    static Stream<String> models() {
        return Stream.concat(Families.ALL.stream().map(family -> family.checkedBy().getFirst()),
                Wrapper.ALL.stream().flatMap(wrapper -> wrapper.checkedBy().stream())).distinct();
    }

    private static List<PruningMethod> methods() {
        return List.of(new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new ConcatMergeP(new ConcatMergeP.Options(SkipMethod.BI, 2, false, 3, Compat.NONE)),
                new Sleb(Sleb.Options.DEFAULTS),
                new ShortGpt(ShortGpt.Options.DEFAULTS), new ShortGpt(new ShortGpt.Options(true, Compat.NONE)),
                new Reverse(Reverse.Options.DEFAULTS),
                new Magnitude(Magnitude.Options.DEFAULTS), new Taylor(Taylor.Options.DEFAULTS),
                new Mka(Mka.Options.DEFAULTS),
                new Laco(new Laco.Options(Laco.Variant.RDSC, 2, 1, 0, Laco.Options.LAST, 0.9, 0.3)),
                new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 3, 2, 0)));
    }

    /** Small fixtures are of families that differ in single settings: a method that merges, one that adds up and one that removes. */
    private static List<PruningMethod> methods(ModelConfig config) {
        return config.vocabularySize() < 64
                ? methods().stream().filter(method -> method instanceof ConcatMerge || method instanceof Laco
                        || method instanceof Taylor).toList()
                : methods();
    }

    /** Sequences of tokens that every fixture knows, as many as MKA needs neighbours for. */
    private static Sequences calibration() {
        Sequences sequences = Golden.sequences("mka_ids", "mka_mask");
        List<int[]> small = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            small.add(Arrays.stream(sequences.sequence(i)).map(id -> id % 32).toArray());
        }
        return Sequences.of(small);
    }

    @ParameterizedTest
    @MethodSource("models")
    void everyMethodsResultReopensWithTheSameLogits(String name) {
        Sequences input = Sequences.of(List.of(Arrays.stream(Golden.ids("inputs.safetensors", "ids_b"))
                .map(id -> id % 32).toArray()));
        try (Checkpoint checkpoint = UsualNames.open(Golden.familyModel(name))) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            try (LocalCalibration calibration = new LocalCalibration(store, calibration(), TestDevice.float32(2),
                    Reading.DEFINITION, Long.MAX_VALUE, folder, Progress.NONE)) {
                int next = 0;
                for (PruningMethod method : methods(store.config())) {
                    LayerStack stack = Pruning.run(method, LayerStack.dense(store.config().layers()), TARGET,
                            calibration, _ -> {
                            });
                    Path saved = folder.resolve(name + "-" + next++);
                    new StackWriter(store, stack).write(config -> new CheckpointWriter(saved, config));
                    try (Checkpoint reopened = UsualNames.open(saved)) {
                        assertThat(ModelConfig.of(reopened).attentionKinds()).as(method.name()).isEqualTo(
                                stack.firstOriginals().stream().map(store.config()::attention).toList());
                        assertThat(WideModels.logits(reopened, LayerStack.dense(stack.size()), input))
                                .as(method.name()).isDeepEqualTo(WideModels.logits(checkpoint, stack, input));
                    }
                }
            }
        }
    }

    /** The kinds of the fixtures' five layers alternate, so layers go by pairs, and then the last one. */
    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "smollm3"})
    void everyMethodKeepsAPattern(String name) {
        try (Checkpoint checkpoint = UsualNames.open(Golden.familyModel(name))) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            LayerPattern pattern = LayerPattern.of(store.config().layerKinds());
            assertThat(pattern.period()).isEqualTo(2);
            LayerStack dense = LayerStack.dense(store.config().layers());
            try (LocalCalibration calibration = new LocalCalibration(store, calibration(), TestDevice.float32(2),
                    Reading.DEFINITION, Long.MAX_VALUE, folder, Progress.NONE)) {
                List<PruningMethod> methods = new ArrayList<>(methods());
                methods.removeIf(method -> method instanceof ConcatMerge || method instanceof ConcatMergeP
                        || method instanceof Laco || method instanceof Sleb);
                methods.add(new Sleb(Sleb.Options.REFERENCE)); // without barriers
                methods.add(new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 3, false, 1, 0, Compat.NONE)));
                methods.add(new ConcatMerge(new ConcatMerge.Options(SkipMethod.SLEB, 3, false, 1, 0, Compat.NONE)));
                methods.add(new Laco(new Laco.Options(Laco.Variant.RDSC, 3, 1, 0, Laco.Options.LAST, 0.9, 0.3), true));
                for (PruningMethod method : methods) {
                    // laco never comes to the last pair, so it takes whole groups only
                    for (int target : method instanceof Laco ? List.of(3) : List.of(3, 2)) {
                        List<LayerStack> stacks = new ArrayList<>();
                        Pruning.run(method, dense, target, calibration, pattern,
                                steps -> steps.forEach(step -> stacks.add(step.stack())));
                        assertThat(stacks.getLast().size()).as(method.name()).isEqualTo(target);
                        assertThat(stacks).as(method.name()).allMatch(pattern::holds);
                    }
                }
                assertThatThrownBy(
                        () -> Pruning.run(new ConcatMerge(ConcatMerge.Options.DEFAULTS), dense, 3, calibration,
                                pattern, _ -> {
                                }))
                        .isInstanceOf(NothingToDoException.class).hasMessageContaining("--merge-item 3");
                assertThatThrownBy(
                        () -> Pruning.run(new Manual(new Manual.Options(List.of(1, 3))), dense, 3, calibration,
                                pattern, _ -> {
                                }))
                        .isInstanceOf(UsageException.class).hasMessageContaining("--layers: without these layers");
            }
        }
    }
}
