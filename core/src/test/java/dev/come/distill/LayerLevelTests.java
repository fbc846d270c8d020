package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Students.Inputs;
import dev.come.distill.Students.Seam;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.run.Message;
import dev.come.run.OtherMachines;
import dev.come.run.Piece;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.ObjIntConsumer;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Layers that learn by themselves in a model of six layers, beside a loop that runs one sequence at a time through one layer at a
 * time: what a layer is shown, what it should give, and how far it is from that before and after.
 */
class LayerLevelTests {
    private static final int LAYERS = 6;
    private static final int VOCABULARY = 64;

    @TempDir
    private Path folder;
    private Checkpoint checkpoint;
    private LayerStore store;
    private Sequences training;
    private Sequences validation;

    @BeforeEach
    void openModel() {
        Random random = new Random(11);
        checkpoint = Checkpoint.open(
                new TinyLlama(LAYERS, VOCABULARY, 16, 24, 2, 2, 4, true).write(folder.resolve("model"), random));
        store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
        training = draw(random, 24, 17, 9);
        validation = draw(random, 16, 12);
    }

    @AfterEach
    void closeModel() {
        checkpoint.close();
    }

    private static Sequences draw(Random random, int... lengths) {
        return Sequences.of(
                IntStream.of(lengths).mapToObj(length -> random.ints(length, 0, VOCABULARY).toArray()).toList());
    }

    private static TrainingSettings settings(Seam seam, Inputs inputs, Students.Scope scope) {
        TrainingSettings settings = new TrainingSettings();
        settings.level = Level.LAYER;
        settings.seam = seam;
        settings.inputs = inputs;
        settings.scope = scope;
        settings.tokens = 400;
        settings.rate = 1e-2;
        return settings;
    }

    private Distillation.Result train(LayerStack stack, TrainingSettings settings, String name, int threads) {
        return distillation(stack, settings, name, threads).run();
    }

    private Distillation distillation(LayerStack stack, TrainingSettings settings, String name, int threads) {
        return new Distillation(
                new Distillation.Subject(folder.resolve("model"), folder.resolve("come.json"), store, stack), training,
                validation, settings.options(), new Distillation.Execution(TestDevice.float32(threads), 3_000, 0,
                        folder.resolve(name), 0),
                Progress.NONE);
    }

    /** The mean of the squared error over all validation tokens. */
    private interface Distance {
        double of(LayerNode node);
    }

    @ParameterizedTest
    @CsvSource({"BEFORE, TEACHER, CUT", "AFTER, TEACHER, CUT", "BOTH, TEACHER, CUT", "BEFORE, OWN, CUT",
        "AFTER, OWN, CUT",
        "BOTH, OWN, CUT", "BEFORE, OWN, ALL", "BOTH, OWN, ALL", "AUTO, TEACHER, CUT"})
    void aLayerLearnsFromWhatItIsToBeShownToGiveWhatItStandsFor(Seam seam, Inputs inputs, Students.Scope scope) {
        LayerStack stack = LayerStack.dense(LAYERS).without(2, 2); // 0, 1, 4, 5
        TrainingSettings settings = settings(seam, inputs, scope);
        Distillation.Result result = train(stack, settings, "run", 2);
        Students students = settings.options().students();
        assertThat(result.layerCurves().keySet()).containsExactlyElementsOf(students.positions(stack, LAYERS));
        LayerStack made = stack;
        try (TrainedLayers trained = new TrainedLayers(result.folders().toArray(Path[]::new));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            LayerStore with = store.with(trained);
            for (int position : students.positions(stack, LAYERS)) {
                Students.Span span = students.spans(stack, LAYERS).get(position);
                LayerStack prefix = inputs == Inputs.OWN ? made : LayerStack.dense(LAYERS);
                int before = inputs == Inputs.OWN ? position : span.begin();
                Distance distance = node -> meanSquaredError(with, prefix, before, node, span.end());
                Curve curve = Objects.requireNonNull(result.layerCurves().get(position));
                assertThat(curve.start().mse()).as("position %d", position)
                        .isCloseTo(distance.of(stack.get(position)), within(1e-5 * curve.start().mse()));
                LayerNode learned = result.layers().get(position);
                if (learned != null) {
                    assertThat(curve.best().mse()).as("position %d", position).isLessThan(curve.start().mse())
                            .isCloseTo(distance.of(learned), within(1e-5 * curve.start().mse()));
                    made = made.replace(position, 1, learned);
                }
            }
            assertThat(result.layers()).isNotEmpty();
        }
    }

    /** A layer after the first layers of a stack, beside the teacher at a boundary. */
    private double meanSquaredError(LayerStore with, LayerStack stack, int before, LayerNode node, int boundary) {
        double sum = 0;
        long tokens = 0;
        for (Chunk chunk : TokenChunks.of(validation, 1).chunks()) {
            Tensor found = states(with, stack, before, chunk);
            found = layer(with, node, found, chunk);
            Tensor expected = states(with, LayerStack.dense(LAYERS), boundary, chunk);
            sum += found.sub(expected).square().mean(1).sum().item_double();
            tokens += chunk.tokens().length;
        }
        return sum / tokens;
    }

    /** The states after the first layers of a stack. */
    private Tensor states(LayerStore with, LayerStack stack, int count, Chunk chunk) {
        Tensor hidden = torch.index_select(checkpoint.tensor(store.config().family().names().embedding()), 0,
                torch.tensor(chunk.tokens()));
        for (int position = 0; position < count; position++) {
            hidden = layer(with, stack.get(position), hidden, chunk);
        }
        return hidden;
    }

    private static Tensor layer(LayerStore with, LayerNode node, Tensor hidden, Chunk chunk) {
        LayerWeights weights = with.materialise(node).map((_, tensor) -> tensor.to(torch.ScalarType.Float));
        try (Rotation rotation = new Rotation(TestDevice.float32(1))) {
            return new PlainLayer(with.config()).forward(weights, hidden, chunk.layout(), rotation);
        }
    }

    /** What is merged learns as it did before there were students for what was removed. */
    @Test
    void mergedLayersLearnAloneUnlessOthersAreAskedTo() {
        LayerStack stack = LayerStack.dense(LAYERS).without(4, 1).replace(1, 2, new WeightedSum(
                List.of(new Term(new Original(1), 0.5), new Term(new Original(2), 0.5)), Scope.ALL));
        Distillation.Result alone = train(stack, settings(Seam.AUTO, Inputs.TEACHER, Students.Scope.CUT), "alone", 1);
        assertThat(alone.layerNames()).hasToString("{1=[1, 2]}");
        Distillation.Result both = train(stack, settings(Seam.BEFORE, Inputs.TEACHER, Students.Scope.CUT), "both", 3);
        assertThat(both.layerNames()).hasToString("{1=[1, 2], 2=3 for 3 to 4}");
        assertThat(both.layers().get(1)).isEqualTo(alone.layers().get(1));
    }

    /** What a layer has learned is what those above are shown; neither threads nor an interruption change it. */
    @Test
    void ownStatesAreMadeAgainOfWhatWasLearned() {
        LayerStack stack = LayerStack.dense(LAYERS).without(2, 2);
        TrainingSettings settings = settings(Seam.BEFORE, Inputs.OWN, Students.Scope.ALL);
        Distillation.Result whole = train(stack, settings, "whole", 1);
        assertThat(whole.layerCurves()).hasSize(3);
        train(stack, settings, "again", 3);
        for (int position : List.of(2, 3)) {
            assertThat(folder.resolve("again/layers/outcome-" + position + ".json").toFile().delete()).isTrue();
        }
        Distillation.Result again = train(stack, settings, "again", 2);
        assertThat(again.layers()).isEqualTo(whole.layers());
        assertThat(again.layerCurves()).isEqualTo(whole.layerCurves());
    }

    /** A cluster's work, done here, with every message through serialisation. */
    private record PiecesInTurn(LayerStore store, int parallel, Path folder) implements OtherMachines {
        @Override
        @SuppressWarnings("unchecked") // what was sent
        public <R extends Serializable> void each(List<? extends Piece<R>> pieces, Progress.Task task,
                ObjIntConsumer<R> taker) {
            assertThat(pieces).hasSize(2);
            for (int i = 0; i < pieces.size(); i++) {
                Piece<R> sent = (Piece<R>) Message.read(Message.of(pieces.get(i)).bytes());
                taker.accept(sent.run(new Piece.Place(store, TestDevice.float32(1), 1000, folder), task), i);
            }
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    @Test
    void otherMachinesTrainTheSameStudents() {
        LayerStack stack = LayerStack.dense(LAYERS).without(2, 2);
        TrainingSettings settings = settings(Seam.BOTH, Inputs.TEACHER, Students.Scope.CUT);
        Distillation.Result here = train(stack, settings, "here", 2);
        Distillation.Result elsewhere = distillation(stack, settings, "elsewhere", 1)
                .run(Optional.of(new PiecesInTurn(store, 2, folder)));
        assertThat(elsewhere.layers()).isEqualTo(here.layers()).isNotEmpty();
        assertThat(elsewhere.layerCurves()).isEqualTo(here.layerCurves()).hasSize(2);
    }

    @Test
    void layersThatNeedEachOtherAreNotTrainedBesideEachOther() {
        DistillationOptions own = settings(Seam.AUTO, Inputs.OWN, Students.Scope.CUT).options();
        assertThatThrownBy(() -> own.requireIndependent("--master")).isInstanceOf(UsageException.class)
                .hasMessage(
                        "--inputs own shows each layer what those below it have learned to give, so layers learn one"
                                + " after the other and not by --master; leave one out");
        settings(Seam.AUTO, Inputs.TEACHER, Students.Scope.CUT).options().requireIndependent("--master");
    }
}
