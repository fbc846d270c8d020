package dev.come.distill;

import static dev.come.distill.DistillationFixtures.apart;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

import dev.come.NativeObjects;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.PlainLayer;
import dev.come.model.Rotation;
import dev.come.model.Tensors;
import dev.come.model.TokenLayout;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A model of 4 layers of which 1 and 2 were merged, against the whole graph at once. */
class ModelStudentTests {
    private static final int LAYERS = 4;
    private static final int VOCABULARY = 64;
    private static final LayerStack STACK = LayerStack.dense(LAYERS).replace(1, 2, new WeightedSum(
            List.of(new Term(new Original(1), 0.5), new Term(new Original(2), 0.5)), Scope.ALL));

    @TempDir
    private Path folder;
    private Checkpoint checkpoint;
    private ModelConfig config;
    private LayerStore store;
    private TokenChunks chunks;

    @BeforeEach
    void openModel() {
        Random random = new Random(9);
        checkpoint = Checkpoint.open(
                new TinyLlama(LAYERS, VOCABULARY, 16, 24, 2, 2, 4, true).write(folder.resolve("model"), random));
        config = ModelConfig.of(checkpoint);
        store = new LayerStore(checkpoint, config);
        chunks = TokenChunks.of(Sequences.of(IntStream.of(16, 5, 9, 16)
                .mapToObj(length -> random.ints(length, 0, VOCABULARY).toArray()).toList()), 14);
    }

    @AfterEach
    void closeModel() {
        checkpoint.close();
    }

    private double crossEntropyWeight;

    private interface Work {
        void with(ModelStudent student, SortedMap<Integer, TrainableLayer> learning, Examples finals);
    }

    private void train(TrainedParts trained, double temperature, int threads, Work work) {
        train(STACK, trained, temperature, 0, threads, work);
    }

    private void train(LayerStack stack, TrainedParts trained, double temperature, double hiddenWeight, int threads,
            Work work) {
        train(stack, trained, temperature, hiddenWeight, TestDevice.float32(threads), work);
    }

    private void train(LayerStack stack, TrainedParts trained, double temperature, double hiddenWeight, Compute compute,
            Work work) {
        SortedMap<Integer, TrainableLayer> learning = new TreeMap<>();
        try (LayerRunner runner = new LayerRunner(store, compute);
                StateStore states = new StateStore(3_000, folder);
                TeacherStates teacher = new TeacherStates(runner, chunks.followedBy(chunks), states);
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            Set<Integer> ends = IntStream.range(0, stack.size()).map(position -> TrainedParts.last(stack, position) + 1)
                    .boxed().collect(Collectors.toSet());
            while (teacher.reached() < LAYERS) {
                teacher.next();
                teacher.keepOnly(hiddenWeight > 0 ? ends : Set.of());
            }
            for (int position : trained.positions(stack, LAYERS)) {
                learning.put(position, new TrainableLayer(position, stack.get(position),
                        store.materialise(stack.get(position)), trained.parts(config), 0, compute));
            }
            Examples finals = teacher.examples(new Students.Span(LAYERS, LAYERS), chunks.size());
            try (ModelStudent student = new ModelStudent(store, stack, learning, finals,
                    HiddenTerm.of(hiddenWeight, stack, teacher, chunks.size()), compute, states, runner.workers(),
                    options(temperature))) {
                work.with(student, learning, finals);
            }
        } finally {
            learning.values().forEach(TrainableLayer::close);
        }
    }

    private DistillationOptions options(double temperature) {
        TrainingSettings settings = new TrainingSettings();
        settings.temperature = temperature;
        settings.crossEntropyWeight = crossEntropyWeight;
        return settings.options();
    }

    private List<Integer> wholeSet() {
        return IntStream.range(0, chunks.size()).boxed().toList();
    }

    /** One layer after the other from the embeddings on: the states after each. */
    private List<Tensor> run(List<LayerWeights> layers, int chunk, Rotation rotation) {
        List<Tensor> after = new ArrayList<>();
        Tensor hidden = torch.index_select(checkpoint.tensor(config.family().names().embedding()), 0,
                torch.tensor(chunks.get(chunk).tokens()));
        TokenLayout layout = chunks.get(chunk).layout();
        for (LayerWeights layer : layers) {
            hidden = new PlainLayer(config).forward(layer, hidden, layout, rotation);
            after.add(hidden);
        }
        return after;
    }

    private Tensor logProbabilities(Tensor hidden, double temperature) {
        Tensor normed = config.norm().plain(hidden, checkpoint.tensor(config.family().names().finalNorm()), null);
        return normed.matmul(checkpoint.tensor(config.headTensor()).t()).div(new Scalar(temperature)).log_softmax(1);
    }

    @ParameterizedTest
    @CsvSource({"merged, 1, 0, 1", "merged, 2, 0, 3", "all, 1, 0, 2", "norms, 1, 0, 2", "merged, 1, 3, 1",
        "all, 2, 0.7, 3", "norms, 1, 0.3, 2"})
    void gradientsAreThoseOfTheWholeGraph(TrainedParts trained, double temperature, double hiddenWeight, int threads) {
        gradientsAreThoseOfTheWholeGraph(STACK, trained, temperature, hiddenWeight, threads);
    }

    /** The text is a part of the loss, and of the measurements. */
    @ParameterizedTest
    @CsvSource({"all, 0.5, 0, 2", "merged, 2, 0.3, 1", "last:2, 1, 0, 3"})
    void theCrossEntropyOfTheTextIsLearnedToo(TrainedParts trained, double weight, double hiddenWeight, int threads) {
        crossEntropyWeight = weight;
        gradientsAreThoseOfTheWholeGraph(STACK, trained, 1, hiddenWeight, threads);
        train(STACK, trained, 1, hiddenWeight, threads, (student, learning, _) -> {
            learning.values().forEach(TrainableLayer::clearGradients);
            Measures measures = student.validate();
            assertThat(measures.loss()).isCloseTo(student.addGradients(wholeSet()), within(1e-6));
            assertThat(measures.loss()).isCloseTo(measures.nextTokens() + weight * measures.crossEntropy()
                    + (hiddenWeight > 0 ? hiddenWeight * measures.hidden() : 0), within(1e-9));
            assertThat(measures.hasHidden()).isEqualTo(hiddenWeight > 0);
        });
    }

    /** Of two merged layers one lies last, where the gradient of the next tokens begins. */
    @ParameterizedTest
    @CsvSource({"merged, 2", "all, 1"})
    void severalMergedLayersShareTheHiddenTerm(TrainedParts trained, int threads) {
        LayerStack halves = LayerStack.dense(LAYERS).replace(2, 2, average(2, 3)).replace(0, 2, average(0, 1));
        gradientsAreThoseOfTheWholeGraph(halves, trained, 1, 2, threads);
    }

    private static LayerNode average(int one, int other) {
        return new WeightedSum(List.of(new Term(new Original(one), 0.5), new Term(new Original(other), 0.5)),
                Scope.ALL);
    }

    private void gradientsAreThoseOfTheWholeGraph(LayerStack stack, TrainedParts trained, double temperature,
            double hiddenWeight, int threads) {
        train(stack, trained, temperature, hiddenWeight, threads, (student, learning, _) -> {
            learning.values().forEach(TrainableLayer::clearGradients);
            double loss = student.addGradients(wholeSet());
            try (var _ = new AutoGradMode(true);
                    Rotation rotation = new Rotation(Compute.float32(1))) {
                List<LayerWeights> leaves = new ArrayList<>();
                TensorVector inputs = new TensorVector();
                for (int position = 0; position < stack.size(); position++) {
                    LayerWeights layer = store.materialise(stack.get(position)).map((_, tensor) -> tensor.clone());
                    leaves.add(layer);
                    TrainableLayer known = learning.get(position);
                    if (known != null) {
                        // In the order in which they lie in the vector: matrices first.
                        for (boolean matrices : new boolean[]{true, false}) {
                            for (Part part : trained.parts(config).stream().sorted().toList()) {
                                if (part.isMatrix() == matrices) {
                                    inputs.push_back(layer.get(part).set_requires_grad(true));
                                }
                            }
                        }
                    }
                }
                List<LayerWeights> dense = IntStream.range(0, LAYERS)
                        .mapToObj(layer -> store.materialise(new Original(layer))).toList();
                Tensor sum = torch.zeros(1);
                for (int chunk = 0; chunk < chunks.size(); chunk++) {
                    List<Tensor> teacher = run(dense, chunk, rotation);
                    List<Tensor> states = run(leaves, chunk, rotation);
                    Tensor expected = logProbabilities(teacher.getLast(), temperature).detach();
                    Tensor found = logProbabilities(states.getLast(), temperature);
                    sum = sum.add(expected.exp().mul(expected.sub(found)).sum());
                    int[] tokens = chunks.get(chunk).tokens();
                    int start = 0;
                    for (int length : chunks.get(chunk).layout().lengths()) {
                        for (int i = start; i < start + length - 1; i++) {
                            sum = sum.sub(found.select(0, i).select(0, tokens[i + 1])
                                    .mul(new Scalar(crossEntropyWeight)));
                        }
                        start += length;
                    }
                    List<Integer> merged = IntStream.range(0, stack.size())
                            .filter(position -> TrainedParts.isMerged(stack, position)).boxed().toList();
                    for (int position : merged) {
                        Tensor error = states.get(position)
                                .sub(teacher.get(TrainedParts.last(stack, position)).detach()).square().mean(1).sum();
                        sum = sum.add(error.mul(new Scalar(hiddenWeight / merged.size())));
                    }
                }
                Tensor mean = sum.div(new Scalar((double) chunks.tokens()));
                assertThat(loss).isCloseTo(mean.item_double(), within(1e-5 * Math.max(1, loss)));
                TensorVector gradients = torch.grad(new TensorVector(mean), inputs);
                int next = 0;
                for (TrainableLayer layer : learning.values()) {
                    List<Tensor> flat = new ArrayList<>();
                    for (long size = 0; size < layer.gradient().numel();) {
                        Tensor gradient = gradients.get(next++).reshape(-1);
                        size += gradient.numel();
                        flat.add(gradient);
                    }
                    double[] expected = Tensors.doubles(torch.cat(new TensorVector(flat.toArray(Tensor[]::new)), 0));
                    double[] found = Tensors.doubles(layer.gradient());
                    assertThat(found).hasSameSizeAs(expected);
                    for (int i = 0; i < found.length; i++) {
                        assertThat(found[i]).as("layer " + layer.position() + " at " + i).isCloseTo(expected[i],
                                within(1e-5));
                    }
                }
                assertThat(next).isEqualTo((int) inputs.size());
            }
        });
    }

    /** A sum of two halves of the same layer is that layer, so nothing differs from the teacher anywhere. */
    @Test
    void aStudentThatIsItsTeacherLearnsNothing() {
        LayerStack same = LayerStack.dense(LAYERS).replace(1, 1, average(1, 1));
        assertThat(TrainedParts.isMerged(same, 1)).isTrue();
        train(same, TrainedParts.ALL, 1, 10, 2, (student, learning, _) -> {
            learning.values().forEach(TrainableLayer::clearGradients);
            assertThat(student.addGradients(wholeSet())).isZero();
            learning.values().forEach(layer -> assertThat(layer.gradient().abs().max().item_double()).isZero());
            assertThat(student.validate().hidden()).isZero();
        });
    }

    /** Bit by bit. */
    @Test
    void threadsDoNotChangeTheGradients() {
        List<double[]> one = gradients(STACK, 3, 1);
        assertThat(gradients(STACK, 3, 3)).usingRecursiveComparison().isEqualTo(one);
        assertThat(gradients(STACK, 0, 1)).usingRecursiveComparison().isNotEqualTo(one);
    }

    private List<double[]> gradients(LayerStack stack, double hiddenWeight, int threads) {
        return gradients(stack, hiddenWeight, TestDevice.float32(threads));
    }

    private List<double[]> gradients(LayerStack stack, double hiddenWeight, Compute compute) {
        List<double[]> found = new ArrayList<>();
        train(stack, TrainedParts.ALL, 1, hiddenWeight, compute, (student, learning, _) -> {
            learning.values().forEach(TrainableLayer::clearGradients);
            found.add(new double[]{student.addGradients(wholeSet())});
            learning.values().forEach(layer -> found.add(Tensors.doubles(layer.gradient())));
        });
        return found;
    }

    /** As lengths, which rounding to eight bits changes by little; that it changes them shows that it is there. */
    @ParameterizedTest
    @ValueSource(doubles = {0, 3})
    void productsInBfloat16GiveNearlyTheGradientsOfFloat32(double hiddenWeight) {
        List<double[]> exact = gradients(STACK, hiddenWeight, TestDevice.float32(2));
        List<double[]> mixed = gradients(STACK, hiddenWeight, TestDevice.bfloat16(2));
        for (int i = 1; i < exact.size(); i++) {
            assertThat(apart(mixed.get(i), exact.get(i))).as("layer " + i).isBetween(1e-4, 0.05);
        }
        assertThat(gradients(STACK, hiddenWeight, TestDevice.bfloat16(1))).as("threads change no bit")
                .usingRecursiveComparison().isEqualTo(mixed);
    }

    /** The validation is of float32 logits in both. What is left is a fortieth, so rounding tells a little. */
    @Test
    void trainingInBfloat16EndsWhereFloat32Does() {
        double exact = trained(TestDevice.float32(2));
        assertThat(trained(TestDevice.bfloat16(2))).isCloseTo(exact, withinPercentage(3));
    }

    /** The loss after 200 steps, which take most of it away. */
    private double trained(Compute compute) {
        double[] losses = new double[2];
        train(STACK, TrainedParts.ALL, 1, 0, compute, (student, learning, finals) -> {
            TrainingLoop loop = new TrainingLoop(List.copyOf(learning.values()), student, finals.chunks(),
                    new Batches(List.of()), new Schedule(Schedule.Shape.CONSTANT, 1e-3, 0),
                    new TrainingSettings().options(),
                    new TrainingFile(folder.resolve("training.state")));
            losses[0] = student.validate().loss();
            for (int step = 0; step < 200; step++) {
                loop.step(wholeSet(), 1e-3);
            }
            losses[1] = student.validate().loss();
        });
        assertThat(losses[1]).isLessThan(losses[0] / 20);
        return losses[1];
    }

    @Test
    void validationTellsBothPartsOfTheLoss() {
        train(STACK, TrainedParts.MERGED, 1, 3, 2, (student, learning, _) -> {
            learning.values().forEach(TrainableLayer::clearGradients);
            // The same text is trained on and validated on.
            Measures measures = student.validate();
            assertThat(measures.loss()).isCloseTo(student.addGradients(wholeSet()), within(1e-9));
            assertThat(measures.loss()).isCloseTo(measures.nextTokens() + 3 * measures.hidden(), within(1e-9));
            assertThat(measures.hidden()).isPositive();
        });
        train(TrainedParts.MERGED, 1, 2, (student, _, _) -> assertThat(student.validate().hasHidden()).isFalse());
    }

    @Test
    void whatIsTrainedIsWhatWasMergedOrLiesBesideWhatWasRemoved() {
        assertThat(TrainedParts.MERGED.positions(STACK, LAYERS)).containsExactly(1);
        assertThat(TrainedParts.ALL.positions(STACK, LAYERS)).containsExactly(0, 1, 2);
        assertThat(TrainedParts.of("last:2").positions(STACK, LAYERS)).containsExactly(1, 2);
        assertThat(TrainedParts.of("last:2").parts(config)).isEqualTo(TrainedParts.ALL.parts(config));
        assertThat(TrainedParts.of("cut")).isEqualTo(TrainedParts.MERGED);
        assertThatThrownBy(() -> TrainedParts.of("last:4").positions(STACK, LAYERS))
                .isInstanceOf(UsageException.class).hasMessageContainingAll("--train last:4", "which are 3");
        assertThatThrownBy(() -> TrainedParts.of("last:0")).isInstanceOf(UsageException.class)
                .hasMessageContaining("trains no layer");
        LayerStack dense = LayerStack.dense(6);
        assertThat(TrainedParts.MERGED.positions(dense, 6)).isEmpty();
        assertThat(TrainedParts.MERGED.positions(dense.without(2, 1), 6)).containsExactly(1, 2);
        assertThat(TrainedParts.MERGED.positions(dense.without(5, 1), 6)).containsExactly(4);
        assertThat(TrainedParts.MERGED.positions(dense.without(0, 2), 6)).containsExactly(0);
        assertThat(TrainedParts.NORMS.parts(config)).containsExactlyInAnyOrder(Part.ATTENTION_NORM,
                Part.FEED_FORWARD_NORM);
    }

    @Test
    void aBatchWithoutTokensIsSkipped() {
        train(TrainedParts.MERGED, 1, 1, (student, learning, finals) -> {
            List<TrainableLayer> layers = List.copyOf(learning.values());
            TrainingLoop loop = new TrainingLoop(layers, student, finals.chunks(), new Batches(List.of()),
                    new Schedule(Schedule.Shape.CONSTANT, 1e-2, 0), new TrainingSettings().options(),
                    new TrainingFile(folder.resolve("training.state")));
            Map<Part, double[]> before = values(layers.getFirst());
            assertThat(loop.step(List.of(), 1e-2)).isZero();
            assertThat(values(layers.getFirst())).usingRecursiveComparison().isEqualTo(before);
            assertThat(loop.step(wholeSet(), 1e-2)).isPositive();
            assertThat(values(layers.getFirst())).usingRecursiveComparison().isNotEqualTo(before);
        });
    }

    private static Map<Part, double[]> values(TrainableLayer layer) {
        Map<Part, double[]> values = new EnumMap<>(Part.class);
        layer.weights().asMap().forEach((part, tensor) -> values.put(part, Tensors.doubles(tensor.reshape(-1))));
        return values;
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, 2})
    void stepsAndValidationsKeepNothing(double hiddenWeight) {
        train(STACK, TrainedParts.ALL, 1, hiddenWeight, 2, (student, learning, finals) -> {
            TrainingLoop loop = new TrainingLoop(List.copyOf(learning.values()), student, finals.chunks(),
                    new Batches(List.of()), new Schedule(Schedule.Shape.CONSTANT, 1e-3, 0),
                    new TrainingSettings().options(),
                    new TrainingFile(folder.resolve("training.state")));
            NativeObjects.assertSteady(() -> {
                loop.step(wholeSet(), 1e-3);
                student.validate();
            });
        });
    }

    @Test
    void stepsOfOneLayerKeepNothing() {
        train(TrainedParts.MERGED, 1, 2, (_, learning, finals) -> {
            TrainableLayer layer = Objects.requireNonNull(learning.get(1));
            Compute compute = TestDevice.float32(2);
            try (LayerRunner runner = new LayerRunner(store, compute);
                    Rotation rotation = new Rotation(compute)) {
                // Any states will do.
                Examples examples = new Examples() {
                    @Override
                    public TokenChunks chunks() {
                        return finals.chunks();
                    }

                    @Override
                    public int training() {
                        return finals.training();
                    }

                    @Override
                    public Tensor input(int chunk) {
                        return finals.target(chunk);
                    }

                    @Override
                    public Tensor target(int chunk) {
                        return finals.target(chunk);
                    }
                };
                LayerStudent student = new LayerStudent(layer, store, examples, runner.workers(), rotation, compute,
                        new TrainingSettings().options());
                TrainingFile file = new TrainingFile(folder.resolve("training.state"));
                TrainingLoop loop = new TrainingLoop(List.of(layer), student, finals.chunks(), new Batches(List.of()),
                        new Schedule(Schedule.Shape.CONSTANT, 1e-3, 0), new TrainingSettings().options(), file);
                NativeObjects.assertSteady(() -> {
                    loop.step(wholeSet(), 1e-3);
                    Measures measures = student.validate();
                    layer.keepBest();
                    file.save(List.of(layer), new TrainingFile.Reached(List.of(new Point(1, 1, 1, 1, measures)), 1));
                    file.restore(List.of(layer));
                });
            }
        });
    }
}
