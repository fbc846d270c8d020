package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.checkpoint.Checkpoint;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The gradient of the loss slice by slice of the vocabulary against the engine's own through all logits at once. */
class LossGradientTests {
    private static final int TOKENS = 12;

    /** Slices of one token, of some, and one of all; with capped logits, and with an output bias. */
    @ParameterizedTest
    @CsvSource({"gemma, 1", "gemma, 7", "gemma, 8192", "gemma2, 7", "phi, 7"})
    void theGradientIsThatThroughAllLogits(String name, int slice) {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of("src/test/resources/fixtures/families", name));
                var _ = new NoGradGuard();
                var _ = new PointerScope();
                LanguageModelHead head = new LanguageModelHead(checkpoint, ModelConfig.of(checkpoint),
                        Compute.float32(1));
                Workspace workspace = new Workspace(Compute.float32(1))) {
            torch.manual_seed(7);
            Tensor hidden = torch.randn(TOKENS, head.config().hiddenSize()).mul(new Scalar(4.0));
            int[] tokens = IntStream.range(0, TOKENS).map(i -> (i * i * 7 + 3) % head.vocabularySize()).toArray();
            TokenLayout layout = TokenLayout.of(5, 1, 6);

            Tensor found = new CrossEntropy(head, slice).lossGradient(hidden, tokens, layout, workspace);

            Tensor expected = throughAllLogits(head, hidden, tokens, layout);
            double distance = found.sub(expected).abs().max().item_double();
            assertThat(distance).isLessThan(1e-5 * expected.abs().max().item_double());
        }
    }

    private static Tensor throughAllLogits(LanguageModelHead head, Tensor hidden, int[] tokens, TokenLayout layout) {
        try (var _ = new AutoGradMode(true)) {
            Tensor input = hidden.detach();
            input.set_requires_grad(true);
            Tensor logits = head.plainFinalStates(input).matmul(head.plainProjection().t());
            Multipliers multipliers = head.config().multipliers();
            if (multipliers.capsLogits()) {
                Scalar cap = new Scalar(multipliers.logitCap());
                logits = logits.div(cap).tanh().mul(cap);
            }
            Tensor loss = torch.zeros(1);
            int start = 0;
            for (int length : layout.lengths()) {
                if (length > 1) {
                    long[] next = Arrays.stream(tokens, start + 1, start + length).asLongStream().toArray();
                    Tensor likely = torch.log_softmax(logits.narrow(0, start, length - 1), 1);
                    Tensor targets = torch.tensor(next).to(ScalarType.Long).unsqueeze(1);
                    loss = loss.sub(likely.gather(1, targets).mean());
                }
                start += length;
            }
            return torch.grad(new TensorVector(loss), new TensorVector(input)).get(0);
        }
    }
}
