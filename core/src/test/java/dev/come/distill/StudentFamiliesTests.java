package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Students.Inputs;
import dev.come.distill.Students.Seam;
import dev.come.model.Families;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.SavedStacks;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A model of every family without its second layer, of which layers learn to do what it did. */
class StudentFamiliesTests {
    @TempDir
    private Path folder;

    static Stream<Arguments> families() {
        return Families.ALL.stream().map(family -> family.checkedBy().getFirst())
                .flatMap(name -> Stream.of(Arguments.of(name, Seam.BEFORE, Inputs.OWN, Students.Scope.ALL),
                        Arguments.of(name, Seam.AFTER, Inputs.TEACHER, Students.Scope.CUT)));
    }

    @ParameterizedTest
    @MethodSource("families")
    void layersComeNearerToTheTeacherOrStayAsTheyWere(String name, Seam seam, Inputs inputs, Students.Scope scope) {
        try (Checkpoint checkpoint = UsualNames.open(Golden.familyModel(name))) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            LayerStack stack = LayerStack.dense(store.config().layers()).without(1, 1);
            TrainingSettings settings = new TrainingSettings();
            settings.level = Level.LAYER;
            settings.seam = seam;
            settings.inputs = inputs;
            settings.scope = scope;
            settings.tokens = 128;
            settings.evaluateEvery = 2;
            Distillation.Result result = new Distillation(
                    new Distillation.Subject(Golden.familyModel(name), folder.resolve("come.json"), store, stack),
                    drawn(store, 8), drawn(store, 2), settings.options(), new Distillation.Execution(
                            TestDevice.float32(2), Long.MAX_VALUE, 0, folder.resolve("run"), 0),
                    Progress.NONE).run();
            assertThat(result.layerCurves().keySet()).containsExactlyElementsOf(
                    settings.options().students().positions(stack, store.config().layers()));
            assertThat(result.layerCurves().values()).allSatisfy(curve -> {
                assertThat(curve.stopped()).isEmpty();
                assertThat(curve.best().loss()).isLessThanOrEqualTo(curve.start().loss());
            });
            assertThat(result.layers()).as("what became better").isNotEmpty();
            try (TrainedLayers trained = new TrainedLayers(result.folders().toArray(Path[]::new))) {
                LayerStack made = stack;
                for (Map.Entry<Integer, ? extends LayerNode> layer : result.layers().entrySet()) {
                    made = made.replace(layer.getKey(), 1, layer.getValue());
                }
                SavedStacks.assertSavedAsItIs(folder.resolve("saved"), store.with(trained), made);
            }
        }
    }

    private static Sequences drawn(LayerStore store, int count) {
        Random random = new Random(5);
        return Sequences.of(IntStream.range(0, count)
                .mapToObj(_ -> random.ints(16, 0, store.config().vocabularySize()).toArray()).toList());
    }

}
