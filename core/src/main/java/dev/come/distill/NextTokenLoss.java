package dev.come.distill;

import dev.come.failure.Opening;
import dev.come.memory.Retained;
import dev.come.model.Compute;
import dev.come.model.LanguageModelHead;
import dev.come.model.ModelConfig;
import dev.come.model.Multipliers;
import dev.come.stack.LayerStore;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * KL between the probabilities of the next token of teacher and student. They follow from two states after the last
 * layer; teacher and student share everything behind the layers. Where gradients are wanted, logits are products of the compute
 * type; all else is float32. Safe for use by several threads.
 */
final class NextTokenLoss implements AutoCloseable {
    /** Logits that are held at once for each thread, twice. */
    private static final long LOGITS = 1 << 23;

    private final LanguageModelHead head;
    private final Multipliers multipliers;
    private final double temperature;
    private final long rows;
    private final Retained<Tensor> projection;
    /** The same in the compute type. */
    private final Retained<Tensor> learning;

    NextTokenLoss(LayerStore store, Compute compute, double temperature) {
        ModelConfig config = store.config();
        this.head = new LanguageModelHead(store.checkpoint(), config, compute.inFloat32());
        this.multipliers = config.multipliers();
        this.temperature = temperature;
        this.rows = rows(config);
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            opening.add(head::close);
            Tensor stored = store.checkpoint().tensor(config.headTensor());
            projection = Retained.of(compute.floats(stored));
            opening.add(projection::close);
            learning = Retained.of(compute.matrix(stored));
            opening.done();
        }
    }

    /** Of how many tokens the logits are held at once. */
    static long rows(ModelConfig config) {
        return Math.max(1, LOGITS / config.vocabularySize());
    }

    /**
     * The sum over the tokens, in nats.
     *
     * @param student {@code (tokens, hidden)} after the last layer, float32
     * @param teacher the same of the teacher
     * @param gradient {@code (tokens, hidden)}: is overwritten with the gradient with respect to the student's states; null if
     *        nobody wants it
     */
    double sum(Tensor student, Tensor teacher, @Nullable Tensor gradient) {
        double sum = 0;
        for (long start = 0; start < student.size(0); start += rows) {
            try (var _ = new PointerScope()) {
                long count = Math.min(rows, student.size(0) - start);
                sum += block(student.narrow(0, start, count), teacher.narrow(0, start, count),
                        gradient == null ? null : gradient.narrow(0, start, count));
            }
        }
        return sum;
    }

    private double block(Tensor student, Tensor teacher, @Nullable Tensor gradient) {
        Tensor matrix = (gradient == null ? projection : learning).borrow();
        Tensor expected = logits(head.plainFinalStates(teacher), matrix).div_(new Scalar(temperature)).log_softmax(1);
        try (var _ = new AutoGradMode(gradient != null)) {
            Tensor input = student.detach().set_requires_grad(gradient != null);
            Tensor states = head.plainFinalStates(input);
            try (var _ = new NoGradGuard()) {
                Tensor logits = logits(states, matrix);
                Tensor found = logits.div(new Scalar(temperature)).log_softmax(1);
                Tensor probabilities = expected.exp();
                double sum = found.sub(expected).neg_().mul_(probabilities).to(ScalarType.Double).sum().item_double();
                if (gradient != null) {
                    Tensor byLogit = found.exp_().sub_(probabilities).mul_(new Scalar(1 / temperature));
                    if (multipliers.capsLogits()) {
                        byLogit.mul_(multipliers.slope(logits));
                    }
                    gradient.copy_(torch.grad(new TensorVector(states), new TensorVector(input),
                            new TensorVector(product(byLogit, matrix)), null, false, false).get(0));
                }
                return sum;
            }
        }
    }

    private Tensor logits(Tensor states, Tensor matrix) {
        return multipliers.capped(product(states, matrix.t()));
    }

    private static Tensor product(Tensor left, Tensor right) {
        return left.to(right.scalar_type()).mm(right).to(ScalarType.Float);
    }

    @Override
    public void close() {
        projection.close();
        learning.close();
        head.close();
    }
}
