package dev.come.distill;

import static dev.come.distill.DistillationFixtures.apart;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Rotation;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Golden: distill.json and distill.safetensors, from PyTorch; the layer that is trained is the one concatenated of 1 and 2. */
class GoldenDistillationTests {
    private static final String TENSORS = "distill.safetensors";
    private static final int FIRST = 1;
    private static final int LAST = 2;

    @TempDir
    private Path folder;
    private final JsonNode golden = Golden.json("distill.json");
    private Checkpoint checkpoint;
    private ModelConfig config;
    private LayerStore store;

    @BeforeEach
    void openModel() {
        checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
        config = ModelConfig.of(checkpoint);
        store = new LayerStore(checkpoint, config);
    }

    @AfterEach
    void closeModel() {
        checkpoint.close();
    }

    private static Sequences tokens(String set) {
        return set.equals("calib") ? Golden.calibration() : Golden.sequences("ragged_ids", "ragged_mask");
    }

    private static LayerNode pair() {
        JsonNode merge = Golden.expected("llama-gqa", "merge.json").get("pair");
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            shares.add(new Share(new Original(FIRST + i), merge.get("ratio").get(i).asDouble(),
                    Golden.integers(merge.get("groups").get(i)), Golden.integers(merge.get("neurons").get(i))));
        }
        return new Concatenated(shares, QueryHeads.GROUPED);
    }

    /** What a test does with a layer that learns from the teacher's states on the golden tokens. */
    private interface Work {
        void with(TrainableLayer layer, LayerStudent student, Examples examples);
    }

    /** Whether products are of bfloat16. */
    private boolean mixed;

    /**
     * The same tokens are trained on and validated on.
     *
     * @param chunkTokens tokens in a chunk
     */
    private void train(String set, LayerNode node, int last, TrainingSettings settings, int chunkTokens, int threads,
            Work work) {
        TokenChunks chunks = TokenChunks.of(tokens(set), chunkTokens);
        Compute compute = TestDevice.float32(threads);
        try (LayerRunner runner = new LayerRunner(store, compute);
                StateStore states = new StateStore(0, folder);
                TeacherStates teacher = new TeacherStates(runner, chunks.followedBy(chunks), states);
                Rotation rotation = new Rotation(compute);
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            while (teacher.reached() <= last) {
                teacher.next();
            }
            Examples examples = teacher.examples(new Students.Span(FIRST, last + 1), chunks.size());
            try (TrainableLayer layer = new TrainableLayer(FIRST, node, store.materialise(node), config.parts(), 0,
                    compute)) {
                work.with(layer, new LayerStudent(layer, store, examples, runner.workers(), rotation,
                        mixed ? TestDevice.bfloat16(threads) : compute, settings.options()), examples);
            }
        }
    }

    private static List<Integer> wholeSet(Examples examples) {
        return IntStream.range(0, examples.training()).boxed().toList();
    }

    private String name(Part part) {
        return String.valueOf(config.family().parts().get(part));
    }

    private static TrainingSettings plain() {
        TrainingSettings settings = new TrainingSettings();
        settings.objective = Objective.KL;
        settings.clip = 0;
        return settings;
    }

    @Test
    void theTeachersStatesAreGolden() {
        train("calib", pair(), LAST, plain(), Integer.MAX_VALUE, 1, (_, _, examples) -> {
            assertClose(examples.input(0), Golden.tensor(TENSORS, "teacher_in"), 1e-5);
            assertClose(examples.target(0), Golden.tensor(TENSORS, "teacher_out"), 1e-4);
        });
    }

    @ParameterizedTest
    @CsvSource({"1000, 1", "40, 1", "40, 3"})
    void gradientsAreGolden(int chunkTokens, int threads) {
        train("calib", pair(), LAST, plain(), chunkTokens, threads, (layer, student, examples) -> {
            layer.clearGradients();
            double loss = student.addGradients(wholeSet(examples));
            assertThat(loss).isCloseTo(golden.path("calib").path("kl_steps").get(0).asDouble(), within(1e-4 * 6));
            long start = 0;
            for (Map.Entry<Part, Tensor> part : byStoredOrder(layer)) {
                long length = part.getValue().numel();
                Tensor gradient = layer.gradient().narrow(0, start, length);
                start += length;
                assertClose(gradient, Golden.tensor(TENSORS, "gradient." + name(part.getKey())), 1e-5);
                double norm = golden.path("calib").path("gradient_norms").path(name(part.getKey())).asDouble();
                assertThat(gradient.norm().item_double()).isCloseTo(norm, within(1e-4 * norm));
            }
            assertThat(start).isEqualTo(layer.gradient().numel());
        });
    }

    @Test
    void gradientsOfProductsInBfloat16AreNearlyGolden() {
        mixed = true;
        train("calib", pair(), LAST, plain(), 40, 2, (layer, student, examples) -> {
            layer.clearGradients();
            student.addGradients(wholeSet(examples));
            long start = 0;
            for (Map.Entry<Part, Tensor> part : byStoredOrder(layer)) {
                long length = part.getValue().numel();
                double[] found = Tensors.doubles(layer.gradient().narrow(0, start, length));
                start += length;
                assertThat(apart(found, Golden.tensor(TENSORS, "gradient." + name(part.getKey())).values()))
                        .as(name(part.getKey())).isBetween(1e-4, 0.05);
            }
        });
    }

    /** Matrices first, then the others, as they lie in the vector of a layer in training. */
    private static List<Map.Entry<Part, Tensor>> byStoredOrder(TrainableLayer layer) {
        List<Map.Entry<Part, Tensor>> parts = new ArrayList<>();
        layer.weights().asMap().entrySet().stream().filter(part -> part.getKey().isMatrix()).forEach(parts::add);
        layer.weights().asMap().entrySet().stream().filter(part -> !part.getKey().isMatrix()).forEach(parts::add);
        return parts;
    }

    @ParameterizedTest
    @CsvSource({"calib, 1000, 1", "calib, 40, 3", "ragged, 1000, 1", "ragged, 20, 2"})
    void stepsOfAdamwAreGolden(String set, int chunkTokens, int threads) {
        train(set, pair(), LAST, plain(), chunkTokens, threads, (layer, student, examples) -> {
            JsonNode expected = golden.path(set);
            Batches batches = new Batches(List.of(wholeSet(examples)));
            TrainingLoop loop = new TrainingLoop(List.of(layer), student, examples.chunks(), batches,
                    new Schedule(Schedule.Shape.CONSTANT, 1e-3, 0), plain().options(),
                    new TrainingFile(folder.resolve("none.state")));
            for (int step = 0; step <= 3; step++) {
                double kl = expected.path("kl_steps").get(step).asDouble();
                assertThat(student.validate().kl()).as("after step " + step).isCloseTo(kl, within(1e-4 * kl));
                if (step == 0) {
                    double mse = expected.path("mse").asDouble();
                    assertThat(student.validate().mse()).isCloseTo(mse, within(1e-4 * mse));
                }
                if (step < 3) {
                    assertThat(loop.step(wholeSet(examples), golden.path("lr").asDouble())).isCloseTo(kl,
                            within(1e-4 * kl));
                }
            }
            layer.weights().asMap().forEach((part, tensor) -> assertClose(tensor,
                    Golden.tensor(TENSORS, set + ".after3." + name(part)), 1e-5));
        });
    }

    @ParameterizedTest
    @CsvSource({"calib", "ragged"})
    void theTemperatureDividesBothAndIsNotMultipliedBack(String set) {
        TrainingSettings settings = plain();
        settings.temperature = 2;
        train(set, pair(), LAST, settings, 1000, 1, (_, student, _) -> {
            double kl = golden.path(set).path("kl_tau2").asDouble();
            assertThat(student.validate().loss()).isCloseTo(kl, within(1e-4 * kl));
            double plain = golden.path(set).path("kl_steps").get(0).asDouble();
            assertThat(student.validate().kl()).isCloseTo(plain, within(1e-4 * plain));
        });
    }

    /** Golden: "identity". */
    @ParameterizedTest
    @CsvSource({"KL", "MSE", "COSINE"})
    void aLayerThatIsTheTeachersLearnsNothing(Objective objective) {
        TrainingSettings settings = plain();
        settings.objective = objective;
        train("calib", new Original(FIRST), FIRST, settings, 40, 2, (layer, student, examples) -> {
            layer.clearGradients();
            assertThat(student.addGradients(wholeSet(examples))).isCloseTo(0, within(1e-6));
            assertThat(layer.gradient().abs().max().item_double()).isLessThan(1e-6);
        });
    }

    private static void assertClose(Tensor found, Values expected, double tolerance) {
        double[] actual = Tensors.doubles(found.reshape(-1));
        assertThat(actual).hasSameSizeAs(expected.values());
        for (int i = 0; i < actual.length; i++) {
            assertThat(actual[i]).as("at " + i).isCloseTo(expected.values()[i], within(tolerance));
        }
    }
}
