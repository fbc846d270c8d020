package dev.come.distill;

import dev.come.checkpoint.DType;
import dev.come.failure.Opening;
import dev.come.memory.Retained;
import dev.come.model.Compute;
import dev.come.model.CrossEntropyTerm;
import dev.come.model.DivergenceGradient;
import dev.come.model.LanguageModelHead;
import dev.come.model.ModelConfig;
import dev.come.model.Multipliers;
import dev.come.model.Workspace;
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
 * KL between the probabilities of the next token of teacher and student, and the cross-entropy of the text where that is asked for. They follow from two states after the last
 * layer; teacher and student share everything behind the layers. All is float32, but where gradients are wanted and the compute
 * type is another: then products are of that type. Safe for use by several threads.
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
    private final Retained<Tensor> narrow;
    private final DivergenceGradient mixed;
    private final boolean isMixed;

    NextTokenLoss(LayerStore store, Compute compute, double temperature) {
        ModelConfig config = store.config();
        this.head = new LanguageModelHead(store.checkpoint(), config, compute.inFloat32());
        this.multipliers = config.multipliers();
        this.temperature = temperature;
        this.rows = rows(config);
        this.isMixed = compute.type() != DType.F32;
        try (var _ = new PointerScope(); Opening opening = new Opening()) {
            opening.add(head::close);
            Tensor matrix = head.plainProjection();
            projection = Retained.of(matrix);
            opening.add(projection::close);
            narrow = Retained.of(compute.matrix(matrix));
            mixed = new DivergenceGradient(narrow.borrow(), multipliers, temperature);
            opening.done();
        }
    }

    /** Of how many tokens the logits are held at once. */
    static long rows(ModelConfig config) {
        return Math.max(1, LOGITS / config.vocabularySize());
    }

    /**
     * The sums over the tokens, in nats.
     *
     * @param crossEntropy of the tokens that come next in the text, without its weight
     */
    record Sums(double divergence, double crossEntropy) {
        private Sums plus(Sums other) {
            return new Sums(divergence + other.divergence, crossEntropy + other.crossEntropy);
        }
    }

    /**
     * The loss, the sum over the tokens, in nats.
     *
     * @param student {@code (tokens, hidden)} after the last layer, float32
     * @param teacher the same of the teacher
     * @param text what else is a part of the loss
     * @param gradient {@code (tokens, hidden)}: is overwritten with the gradient with respect to the student's states
     * @param workspace of the thread that calls
     */
    double sum(Tensor student, Tensor teacher, CrossEntropyTerm text, Tensor gradient, Workspace workspace) {
        if (isMixed) {
            return mixed(student, teacher, text, gradient, workspace);
        }
        Sums sums = sums(student, teacher, text, gradient);
        return text.isWanted() ? sums.divergence + text.weight() * sums.crossEntropy : sums.divergence;
    }

    /** Its parts, without a gradient. */
    Sums parts(Tensor student, Tensor teacher, CrossEntropyTerm text) {
        return sums(student, teacher, text, null);
    }

    private Sums sums(Tensor student, Tensor teacher, CrossEntropyTerm text, @Nullable Tensor gradient) {
        Sums sum = new Sums(0, 0);
        for (long start = 0; start < student.size(0); start += rows) {
            try (var _ = new PointerScope()) {
                long count = Math.min(rows, student.size(0) - start);
                sum = sum.plus(block(student.narrow(0, start, count), teacher.narrow(0, start, count),
                        text.rows(start, count), gradient == null ? null : gradient.narrow(0, start, count)));
            }
        }
        return sum;
    }

    private double mixed(Tensor student, Tensor teacher, CrossEntropyTerm text, Tensor gradient,
            Workspace workspace) {
        try (var _ = new PointerScope(); var _ = new AutoGradMode(true)) {
            Tensor input = student.detach().set_requires_grad(true);
            Tensor states = head.plainFinalStates(input);
            try (var _ = new NoGradGuard()) {
                Tensor byState = torch.empty_like(states);
                double sum = mixed.sum(states, head.plainFinalStates(teacher), text, byState, workspace);
                gradient.copy_(torch.grad(new TensorVector(states), new TensorVector(input),
                        new TensorVector(byState), null, false, false).get(0));
                return sum;
            }
        }
    }

    private Sums block(Tensor student, Tensor teacher, CrossEntropyTerm text, @Nullable Tensor gradient) {
        Tensor expected = logits(head.plainFinalStates(teacher)).div_(new Scalar(temperature)).log_softmax(1);
        try (var _ = new AutoGradMode(gradient != null)) {
            Tensor input = student.detach().set_requires_grad(gradient != null);
            Tensor states = head.plainFinalStates(input);
            try (var _ = new NoGradGuard()) {
                Tensor logits = logits(states);
                Tensor found = logits.div(new Scalar(temperature)).log_softmax(1);
                Tensor wanted = expected.exp();
                double sum = found.sub(expected).neg_().mul_(wanted).to(ScalarType.Double).sum().item_double();
                Tensor places = text.isWanted() ? text.places(0, found) : null;
                double crossEntropy = places == null
                        ? 0
                        : CrossEntropyTerm.losses(found, places).sum().item_double();
                if (gradient != null) {
                    Tensor byLogit = (places == null
                            ? found.exp_().sub_(wanted)
                            : text.gradient(found.exp_(), wanted, places)).mul_(new Scalar(1 / temperature));
                    if (multipliers.capsLogits()) {
                        byLogit.mul_(multipliers.slope(logits));
                    }
                    gradient.copy_(torch.grad(new TensorVector(states), new TensorVector(input),
                            new TensorVector(byLogit.mm(projection.borrow())), null, false, false).get(0));
                }
                return new Sums(sum, crossEntropy);
            }
        }
    }

    private Tensor logits(Tensor states) {
        return multipliers.capped(states.mm(projection.borrow().t()));
    }

    @Override
    public void close() {
        projection.close();
        narrow.close();
        head.close();
    }
}
