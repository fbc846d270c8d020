package dev.come.distill;

import static dev.come.distill.DistillationFixtures.apart;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.CrossEntropyTerm;
import dev.come.model.LanguageModelHead;
import dev.come.model.ModelConfig;
import dev.come.model.Tensors;
import dev.come.model.Workspace;
import dev.come.stack.LayerStore;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A loss by logits that {@code come generate} takes too: of models with a bias of the projection, with a cap, with neither. */
class NextTokenLossTests {
    private static final int TOKENS = 7;
    private static final double STEP = 1e-2;

    private static Tensor states(ModelConfig config, long seed) {
        Random random = new Random(seed);
        float[] values = new float[TOKENS * config.hiddenSize()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return torch.tensor(values).view(TOKENS, config.hiddenSize());
    }

    @ParameterizedTest
    @ValueSource(strings = {"phi", "gemma2", "qwen2", "opt-350m-like"})
    void theLossIsThatOfTheLogits(String name) {
        Compute compute = TestDevice.float32(1);
        Compute mixed = TestDevice.bfloat16(1);
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Checkpoint checkpoint = Checkpoint.open(Golden.familyModel(name));
                Workspace workspace = new Workspace(compute)) {
            ModelConfig config = ModelConfig.of(checkpoint);
            LayerStore store = new LayerStore(checkpoint, config);
            Tensor student = states(config, 1);
            Tensor teacher = states(config, 2);
            try (LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute);
                    NextTokenLoss exact = new NextTokenLoss(store, compute, 2);
                    NextTokenLoss narrow = new NextTokenLoss(store, mixed, 2)) {
                double expected = plain(head, student, teacher, workspace);
                assertThat(exact.parts(student, teacher, CrossEntropyTerm.NONE).divergence()).isCloseTo(expected,
                        within(1e-4));
                assertThat(narrow.parts(student, teacher, CrossEntropyTerm.NONE).divergence()).isCloseTo(expected,
                        within(1e-4));

                Tensor gradient = torch.empty_like(student);
                Tensor nearly = torch.empty_like(student);
                assertThat(exact.sum(student, teacher, CrossEntropyTerm.NONE, gradient, workspace)).isCloseTo(expected,
                        within(1e-4));
                assertThat(narrow.sum(student, teacher, CrossEntropyTerm.NONE, nearly, workspace)).isCloseTo(expected,
                        within(0.02 * Math.max(1, expected)));
                assertThat(apart(Tensors.doubles(nearly.reshape(-1)), Tensors.doubles(gradient.reshape(-1))))
                        .isBetween(1e-4, 0.05);
                // A step along the gradient changes the loss by as much as it says.
                Tensor direction = gradient.div(gradient.norm());
                double change = plain(head, student.add(direction.mul(new Scalar(STEP))), teacher,
                        workspace)
                        - plain(head, student.sub(direction.mul(new Scalar(STEP))), teacher,
                                workspace);
                double length = gradient.norm().item_double();
                assertThat(change / (2 * STEP)).isCloseTo(length, within(0.01 * length));
            }
        }
    }

    /** The plain twin, with a temperature of 2. */
    private static double plain(LanguageModelHead head, Tensor student, Tensor teacher, Workspace workspace) {
        Tensor expected = logProbabilities(head.logits(teacher, workspace));
        Tensor found = logProbabilities(head.logits(student, workspace));
        return expected.exp().mul(expected.sub(found)).sum().item_double();
    }

    private static Tensor logProbabilities(Tensor logits) {
        return logits.to(ScalarType.Double).div(new Scalar(2.0)).log_softmax(1);
    }
}
