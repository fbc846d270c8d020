package dev.come.model;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The gradient of KL between the next tokens of a teacher and of a student, slice by slice of the vocabulary. Logits are products
 * of the type of the projection, and are kept in it from the first pass, which sums their exponentials, to the second; what is
 * done to them is float32, on so few at a time that they stay in the cache of the processor. Threads share the slices, and the
 * bits do not depend on how many there are. Safe for use by several threads.
 */
public final class DivergenceGradient {
    private static final long SLICE = 4096;
    /** The temporaries of this many logits stay in the cache together. */
    private static final long IN_CACHE = 1 << 16;
    /** Logits of each model that are kept at once. */
    private static final long KEPT = 1 << 25;

    private final Tensor projection;
    private final Multipliers multipliers;
    private final double temperature;
    private final long slice;

    /**
     * Sees a vocabulary.
     *
     * @param projection {@code (vocabulary, embedding)}: the output projection in the type of the products; must outlive this
     * @param temperature what logits are divided by
     */
    public DivergenceGradient(Tensor projection, Multipliers multipliers, double temperature) {
        this(projection, multipliers, temperature, SLICE);
    }

    DivergenceGradient(Tensor projection, Multipliers multipliers, double temperature, long slice) {
        this.projection = projection;
        this.multipliers = multipliers;
        this.temperature = temperature;
        this.slice = slice;
    }

    /**
     * Adds up over the tokens.
     *
     * @param student {@code (tokens, embedding)}, float32: what the projection multiplies
     * @param teacher the same of the teacher
     * @param gradient {@code (tokens, embedding)}, float32: is overwritten with the gradient of the sum with respect to the
     *        student's
     * @param text what else is a part of the loss, for each token
     * @return the sum of KL(teacher || student), and of the weighted cross-entropies, in nats
     */
    public double sum(Tensor student, Tensor teacher, CrossEntropyTerm text, Tensor gradient, Workspace workspace) {
        double sum = 0;
        long most = Math.max(1, KEPT / projection.size(0));
        for (long start = 0; start < student.size(0); start += most) {
            try (var _ = new PointerScope()) {
                long count = Math.min(most, student.size(0) - start);
                Side learning = new Side("student", student.narrow(0, start, count), workspace);
                Side known = new Side("teacher", teacher.narrow(0, start, count), workspace);
                workspace.share(slices(), (index, buffers) -> {
                    learning.look(index, buffers);
                    known.look(index, buffers);
                });
                learning.finish();
                known.finish();
                sum += backward(learning, known, text.rows(start, count), gradient.narrow(0, start, count), workspace);
            }
        }
        return sum;
    }

    private double backward(Side student, Side teacher, CrossEntropyTerm text, Tensor gradient,
            Workspace workspace) {
        long count = gradient.size(0);
        Tensor losses = workspace.tensor("divergences", ScalarType.Double, slices(), count);
        Tensor parts = workspace.tensor("partialGradients", projection.scalar_type(), slices(), count,
                projection.size(1));
        workspace.share(slices(), (index, buffers) -> {
            Tensor matrix = matrix(index);
            long width = matrix.size(0);
            Tensor slopes = buffers.tensor("slopes", projection.scalar_type(), count, width);
            forRows(count, width, (start, rows) -> {
                Tensor logits = student.logits(index, start, rows, buffers);
                Tensor slope = multipliers.capsLogits() ? multipliers.slope(logits) : null;
                Tensor found = student.logProbabilities(logits, start);
                Tensor expected = teacher.logProbabilities(teacher.logits(index, start, rows, buffers), start);
                Tensor apart = buffers.floats("apart", rows, width);
                torch.sub_out(apart, expected, found);
                expected.exp_();
                Tensor sums = losses.select(0, index).narrow(0, start, rows).copy_(apart.mul_(expected).sum(1));
                Tensor byLogit = text.isWanted()
                        ? withText(text.rows(start, rows), index, found, expected, sums)
                        : found.exp_().sub_(expected);
                slopes.narrow(0, start, rows).copy_(slope == null ? byLogit : byLogit.mul_(slope));
            });
            torch.mm_out(parts.select(0, index), slopes, matrix);
        });
        gradient.copy_(parts.to(ScalarType.Float).sum(new long[]{0}).div_(new Scalar(temperature)));
        return losses.sum().item_double();
    }

    /**
     * The gradient where the text counts too.
     *
     * @param found {@code (rows, slice)}, logarithms of the student's probabilities; is overwritten with the gradient
     * @param sums {@code (rows)}: what is added to
     */
    private Tensor withText(CrossEntropyTerm text, int index, Tensor found, Tensor expected, Tensor sums) {
        long first = index * slice;
        Tensor places = text.places(first, found);
        sums.index_add_(0, text.hitRows(first, found.size(1), found),
                CrossEntropyTerm.losses(found, places).mul_(new Scalar(text.weight())));
        return text.gradient(found.exp_(), expected, places);
    }

    private int slices() {
        return Math.toIntExact(Math.ceilDiv(projection.size(0), slice));
    }

    /** The rows of the projection of a slice. */
    private Tensor matrix(int index) {
        long first = index * slice;
        return projection.narrow(0, first, Math.min(slice, projection.size(0) - first));
    }

    /** What is done with some rows. */
    private interface RowsTask {
        void run(long start, long rows);
    }

    private static void forRows(long count, long width, RowsTask task) {
        long most = Math.max(1, IN_CACHE / width);
        for (long start = 0; start < count; start += most) {
            try (var _ = new PointerScope()) {
                task.run(start, Math.min(most, count - start));
            }
        }
    }

    /** One of the two models. */
    private final class Side {
        private final String name;
        private final Tensor states;
        private final Tensor kept;
        private final Tensor tops;
        private final Tensor sums;
        private final Tensor logSums;

        Side(String name, Tensor states, Workspace workspace) {
            this.name = name;
            this.states = states.to(projection.scalar_type());
            long count = states.size(0);
            this.kept = workspace.tensor(name + "Kept", projection.scalar_type(), slices(), count * slice);
            this.tops = workspace.floats(name + "Tops", slices(), count, 1);
            this.sums = workspace.floats(name + "Sums", slices(), count, 1);
            this.logSums = workspace.floats(name + "LogSums", count, 1);
        }

        /** Makes the logits of a slice, and the sum of their exponentials less the largest. */
        void look(int index, Workspace buffers) {
            Tensor matrix = matrix(index);
            torch.mm_out(kept(index), states, matrix.t());
            forRows(states.size(0), matrix.size(0), (start, rows) -> {
                Tensor logits = logits(index, start, rows, buffers).div_(new Scalar(temperature));
                Tensor top = logits.amax(new long[]{1}, true);
                tops.select(0, index).narrow(0, start, rows).copy_(top);
                sums.select(0, index).narrow(0, start, rows)
                        .copy_(logits.sub_(top).exp_().sum(new long[]{1}, true, new ScalarTypeOptional()));
            });
        }

        /** Adds up over the slices. */
        void finish() {
            Tensor top = tops.amax(new long[]{0}, false);
            Tensor sum = sums.mul(tops.sub(top).exp_()).sum(new long[]{0});
            logSums.copy_(sum.log_().add_(top));
        }

        private Tensor kept(int index) {
            long width = matrix(index).size(0);
            return kept.select(0, index).narrow(0, 0, states.size(0) * width).view(states.size(0), width);
        }

        /** Logits as the model means them, {@code (rows, slice)}, float32; they belong to the buffers. */
        Tensor logits(int index, long start, long rows, Workspace buffers) {
            Tensor some = kept(index).narrow(0, start, rows);
            return multipliers.capped(buffers.floats(name + "Logits", rows, some.size(1)).copy_(some));
        }

        /** Makes logits logarithms of probabilities, in place. */
        Tensor logProbabilities(Tensor logits, long start) {
            return logits.div_(new Scalar(temperature)).sub_(logSums.narrow(0, start, logits.size(0)));
        }
    }
}
