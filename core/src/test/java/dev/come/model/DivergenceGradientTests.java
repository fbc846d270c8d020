package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.NativeObjects;
import dev.come.TestDevice;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DivergenceGradientTests {
    private static final int VOCABULARY = 53;
    private static final int WIDTH = 8;
    private static final int TOKENS = 11;

    private final Random random = new Random(4);
    private PointerScope scope;
    private Tensor projection;
    private Tensor student;
    private Tensor teacher;
    private CrossEntropyTerm text = CrossEntropyTerm.NONE;

    @BeforeEach
    void makeStates() {
        scope = new PointerScope();
        projection = normal(VOCABULARY);
        student = normal(TOKENS);
        teacher = normal(TOKENS);
    }

    @AfterEach
    void close() {
        scope.close();
    }

    private Tensor normal(int rows) {
        float[] values = new float[rows * WIDTH];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return torch.tensor(values).view(rows, WIDTH);
    }

    private static Multipliers multipliers(double cap) {
        return new Multipliers(1, 1, 1, 1, Double.POSITIVE_INFINITY, cap);
    }

    /** The loss, and then the gradient. */
    private double[] found(Tensor matrix, double cap, double temperature, long slice, int threads) {
        List<double[]> result = new ArrayList<>();
        try (Workers workers = new Workers(TestDevice.float32(threads))) {
            workers.forEach(1, (_, workspace) -> {
                Tensor gradient = torch.empty_like(student);
                double sum = new DivergenceGradient(matrix, multipliers(cap), temperature, slice).sum(student, teacher,
                        text, gradient, workspace);
                result.add(Tensors.doubles(torch.cat(
                        new TensorVector(torch.full(new long[]{1}, new Scalar(sum)), gradient.reshape(-1)), 0)));
            });
        }
        return result.getFirst();
    }

    /** The definition in float64, whose gradient the engine finds. */
    private double[] plain(double cap, double temperature) {
        try (var _ = new AutoGradMode(true)) {
            Tensor states = student.to(ScalarType.Double).set_requires_grad(true);
            Tensor found = logProbabilities(states, cap, temperature);
            Tensor expected = logProbabilities(teacher.to(ScalarType.Double), cap, temperature);
            Tensor sum = expected.exp().mul(expected.sub(found)).sum();
            for (int row = 0; row < text.next().length; row++) {
                if (text.next()[row] >= 0) {
                    sum = sum.sub(found.select(0, row).select(0, text.next()[row]).mul(new Scalar(text.weight())));
                }
            }
            Tensor gradient = torch.grad(new TensorVector(sum), new TensorVector(states)).get(0);
            return Tensors.doubles(torch.cat(new TensorVector(sum.detach().view(1), gradient.reshape(-1)), 0));
        }
    }

    private Tensor logProbabilities(Tensor states, double cap, double temperature) {
        Tensor logits = states.mm(projection.to(ScalarType.Double).t());
        if (cap != Double.POSITIVE_INFINITY) {
            logits = logits.div(new Scalar(cap)).tanh().mul(new Scalar(cap));
        }
        return logits.div(new Scalar(temperature)).log_softmax(1);
    }

    @ParameterizedTest
    @CsvSource({"Infinity, 1, 4096, 1", "Infinity, 1, 10, 2", "3, 1, 10, 2", "Infinity, 2.5, 53, 2", "3, 0.5, 7, 3",
        "Infinity, 1, 1, 1"})
    void lossAndGradientAreThoseOfTheDefinition(double cap, double temperature, long slice, int threads) {
        assertThatTheyAreThoseOfTheDefinition(cap, temperature, slice, threads);
    }

    private void assertThatTheyAreThoseOfTheDefinition(double cap, double temperature, long slice, int threads) {
        double[] expected = plain(cap, temperature);
        double[] found = found(projection, cap, temperature, slice, threads);
        assertThat(found).hasSameSizeAs(expected);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).as("number " + i).isCloseTo(expected[i], within(1e-5 * Math.max(1, expected[0])));
        }
    }

    /** Next tokens lie in every slice, at its edges too, and after one token none comes. */
    @ParameterizedTest
    @CsvSource({"Infinity, 0.7, 4096, 1", "Infinity, 2, 10, 2", "3, 0.5, 7, 3"})
    void theTextCountsBesideTheTeacher(double cap, double weight, long slice, int threads) {
        text = new CrossEntropyTerm(weight, new int[]{0, 52, -1, 9, 10, 6, 7, 13, 14, 52, 30});
        assertThatTheyAreThoseOfTheDefinition(cap, 1, slice, threads);
        assertThat(found(projection, cap, 1, slice, 3)).containsExactly(found(projection, cap, 1, slice, 1));
        assertThatBfloat16GivesNearlyTheSame();
        assertThatNothingIsKept();
    }

    @Test
    void productsInBfloat16GiveNearlyTheSame() {
        assertThatBfloat16GivesNearlyTheSame();
    }

    private void assertThatBfloat16GivesNearlyTheSame() {
        double[] expected = plain(Double.POSITIVE_INFINITY, 1);
        double[] found = found(projection.to(ScalarType.BFloat16), Double.POSITIVE_INFINITY, 1, 10, 2);
        for (int i = 0; i < found.length; i++) {
            assertThat(found[i]).as("number " + i).isCloseTo(expected[i], within(0.02 * Math.max(1, expected[0])));
        }
    }

    @Test
    void theBitsDoNotDependOnTheNumberOfThreads() {
        double[] one = found(projection, 5, 1, 7, 1);
        assertThat(found(projection, 5, 1, 7, 3)).containsExactly(one);
    }

    @Test
    void nothingIsKept() {
        assertThatNothingIsKept();
    }

    private void assertThatNothingIsKept() {
        try (Workspace workspace = new Workspace(TestDevice.float32(1))) {
            DivergenceGradient divergence = new DivergenceGradient(projection, multipliers(5), 1, 7);
            Tensor gradient = torch.empty_like(student);
            NativeObjects.assertSteady(() -> divergence.sum(student, teacher, text, gradient, workspace));
        }
    }
}
