package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.model.Tensors;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ObjectiveTests {
    private static final int TOKENS = 5;
    private static final int HIDDEN = 7;

    private static float[] values(Random random) {
        float[] values = new float[TOKENS * HIDDEN];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static Tensor states(float[] values) {
        return torch.tensor(values).view(TOKENS, HIDDEN);
    }

    /** The definitions, number by number. */
    private static double plain(Objective objective, float[] student, float[] teacher, double temperature) {
        double sum = 0;
        for (int token = 0; token < TOKENS; token++) {
            double normOne = 0;
            double normOther = 0;
            double product = 0;
            double squares = 0;
            double expOne = 0;
            double expOther = 0;
            for (int i = token * HIDDEN; i < (token + 1) * HIDDEN; i++) {
                normOne += student[i] * student[i];
                normOther += teacher[i] * teacher[i];
                product += student[i] * teacher[i];
                squares += (student[i] - teacher[i]) * (student[i] - teacher[i]);
                expOne += Math.exp(student[i] / temperature);
                expOther += Math.exp(teacher[i] / temperature);
            }
            double kl = 0;
            for (int i = token * HIDDEN; i < (token + 1) * HIDDEN; i++) {
                double expected = Math.exp(teacher[i] / temperature) / expOther;
                kl += expected * Math.log(expected / (Math.exp(student[i] / temperature) / expOne));
            }
            sum += switch (objective) {
                case KL -> kl;
                case MSE -> squares / HIDDEN;
                case COSINE -> 1 - product / Math.sqrt(normOne * normOther);
            };
        }
        return sum;
    }

    @ParameterizedTest
    @CsvSource({"KL, 1", "KL, 2.5", "MSE, 1", "COSINE, 1"})
    void sumsAreTheDefinition(Objective objective, double temperature) {
        Random random = new Random(3);
        float[] student = values(random);
        float[] teacher = values(random);
        try (var _ = new PointerScope()) {
            assertThat(objective.sum(states(student), states(teacher), temperature))
                    .isCloseTo(plain(objective, student, teacher, temperature), within(1e-5));
        }
    }

    /** The slow twin is the engine's own way back through the definition. */
    @ParameterizedTest
    @CsvSource({"KL, 1", "KL, 2.5", "MSE, 1", "COSINE, 1"})
    void gradientsAreThoseOfTheDefinition(Objective objective, double temperature) {
        Random random = new Random(4);
        try (var _ = new PointerScope(); var _ = new AutoGradMode(true)) {
            Tensor student = states(values(random)).set_requires_grad(true);
            Tensor teacher = states(values(random));
            Tensor loss = switch (objective) {
                case KL -> {
                    Tensor expected = teacher.div(new Scalar(temperature)).log_softmax(1);
                    yield expected.exp().mul(expected.sub(student.div(new Scalar(temperature)).log_softmax(1))).sum();
                }
                case MSE -> student.sub(teacher).square().mean(1).sum();
                case COSINE -> torch.cosine_similarity(student, teacher, 1, 1e-12).neg().sum();
            };
            Tensor expected = torch.grad(new TensorVector(loss), new TensorVector(student)).get(0);
            double[] found = Tensors.doubles(objective.gradient(student.detach(), teacher, temperature).reshape(-1));
            double[] wanted = Tensors.doubles(expected.reshape(-1));
            for (int i = 0; i < found.length; i++) {
                assertThat(found[i]).isCloseTo(wanted[i], within(1e-5));
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void equalStatesAreNoDifference(Objective objective) {
        try (var _ = new PointerScope()) {
            Tensor states = states(values(new Random(5)));
            assertThat(objective.sum(states, states, 1)).isCloseTo(0, within(1e-6));
            assertThat(objective.gradient(states, states, 1).abs().max().item_double()).isLessThan(1e-7);
        }
    }

    @ParameterizedTest
    @EnumSource
    void zerosGiveNumbers(Objective objective) {
        try (var _ = new PointerScope()) {
            Tensor zeros = torch.zeros(TOKENS, HIDDEN);
            Tensor states = states(values(new Random(6)));
            assertThat(objective.sum(zeros, states, 1)).isFinite();
            assertThat(objective.gradient(states, zeros, 1).sum().item_double()).isFinite();
        }
    }
}
