package dev.come.model;

import java.util.Arrays;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Float32 logits slice by slice of the vocabulary and block by block of the tokens: a matrix of tokens x vocabulary never
 * exists. States are those of {@link LanguageModelHead#finalStates}. Safe for use by several threads.
 */
final class VocabularySlices {
    /** Rows of the projection that are multiplied together. */
    static final int SLICE = 8192;

    private final Rows projection;
    private final Multipliers multipliers;
    private final int sliceRows;

    /**
     * Sees a part of the vocabulary or all of it.
     *
     * @param projection the rows of the output projection of the tokens that may come next; must outlive this
     */
    VocabularySlices(Rows projection, Multipliers multipliers) {
        this(projection, multipliers, SLICE);
    }

    /** The same in slices of a size. */
    VocabularySlices(Rows projection, Multipliers multipliers, int sliceRows) {
        this.projection = projection;
        this.multipliers = multipliers;
        this.sliceRows = sliceRows;
    }

    /** How many tokens may come next. */
    long tokens() {
        return projection.count();
    }

    /** Sees the logits of some rows for one slice of the vocabulary, and may overwrite them; called from several threads. */
    interface Visitor {
        /**
         * Sees the logits of one block of rows.
         *
         * @param firstId the token of the first row of the slice
         * @param slice {@code (slice, embedding)}: the rows of the projection
         * @param logits {@code (rows, slice)}
         * @param block the number of these rows among those that are seen one after the other
         */
        void visit(long firstId, Tensor slice, Tensor logits, int block, long start, long rows);
    }

    /** Shows all logits of some states, {@code (tokens, embedding)}. */
    void forEach(Tensor states, Workspace workspace, Visitor visitor) {
        long tokens = states.size(0);
        for (long first = 0; first < projection.count(); first += sliceRows) {
            long width = Math.min(sliceRows, projection.count() - first);
            try (var _ = new PointerScope()) {
                Tensor slice = projection.copy(first, workspace.floats("projection", width, states.size(1)), workspace);
                long firstId = first;
                workspace.shareRows(tokens, (block, start, rows, buffers) -> {
                    Tensor logits = buffers.floats("logits", rows, width);
                    torch.mm_out(logits, states.narrow(0, start, rows), slice.t());
                    multipliers.capped(logits);
                    visitor.visit(firstId, slice, logits, block, start, rows);
                });
            }
        }
    }

    /**
     * Makes exp(logits - largest) of one slice and adds them to the running sums, which follow when a larger logit turns up.
     *
     * @return by how much what was made of earlier slices shrinks, {@code (rows, 1)}
     */
    static Tensor addExponentials(Tensor logits, Tensor largest, Tensor sum) {
        Tensor top = torch.maximum(logits.amax(new long[]{1}, true), largest);
        Tensor shrink = largest.sub(top).exp_();
        sum.mul_(shrink).add_(logits.sub_(top).exp_().sum(1).unsqueeze(1));
        largest.copy_(top);
        return shrink;
    }

    /** The logarithm of the sum of the exponentials of the logits, {@code (tokens, 1)}. */
    Tensor logSumExp(Tensor states, Workspace workspace) {
        long tokens = states.size(0);
        Tensor largest = workspace.floats("largest", tokens, 1).fill_(new Scalar(Float.NEGATIVE_INFINITY));
        Tensor sum = workspace.floats("sum", tokens, 1).zero_();
        forEach(states, workspace, (_, _, logits, _, start, rows) -> addExponentials(logits,
                largest.narrow(0, start, rows), sum.narrow(0, start, rows)));
        return sum.log().add_(largest);
    }

    /**
     * Copies those targets' logits that a block of logits holds, so that they are compared with others as they were computed.
     *
     * @param logits {@code (rows, slice)}
     * @param firstId the token of the first column
     * @param start the row of the first row
     */
    static void readTargets(Tensor logits, long firstId, long start, int[] rows, int[] targets,
            float[] result) {
        long width = logits.size(1);
        int[] here = IntStream.range(0, targets.length)
                .filter(i -> targets[i] >= firstId && targets[i] < firstId + width
                        && rows[i] >= start && rows[i] < start + logits.size(0))
                .toArray();
        if (here.length == 0) {
            return;
        }
        try (var _ = new PointerScope()) {
            long[] places = Arrays.stream(here).mapToLong(i -> (rows[i] - start) * width + targets[i] - firstId)
                    .toArray();
            Tensor index = torch.tensor(places).to(logits.device(), ScalarType.Long);
            float[] found = Tensors.floats(logits.view(-1).index_select(0, index));
            for (int i = 0; i < here.length; i++) {
                result[here[i]] = found[i];
            }
        }
    }
}
