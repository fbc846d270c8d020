package dev.come.calibration;

import dev.come.model.LayerObserver;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * Adds up the second moments of what goes into both output projections of a layer. Each token is divided by the length of its
 * state before the layer, so that the first tokens, whose states are hundreds of times longer, count no more than others.
 */
final class LeveragePass implements LayerRunner.Pass, AutoCloseable {
    private static final long ROWS = 2048;

    private final StateStore states;
    private final List<State> before;
    private final MomentsInOrder heads;
    private final MomentsInOrder channels;
    private final Watching[] watching;

    /**
     * Over chunks.
     *
     * @param before the states before the layer, by chunk
     * @param heads takes those of the output projection of attention
     * @param channels takes those of the down projection
     */
    LeveragePass(StateStore states, List<State> before, MomentsInOrder heads, MomentsInOrder channels) {
        this.states = states;
        this.before = before;
        this.heads = heads;
        this.channels = channels;
        this.watching = new Watching[before.size()];
    }

    @Override
    public Tensor before(int chunk) {
        Tensor hidden = states.copy(before.get(chunk));
        watching[chunk] = new Watching(chunk, hidden);
        return hidden;
    }

    @Override
    public LayerObserver observer(int chunk) {
        return watching[chunk];
    }

    @Override
    public void after(int chunk, Tensor hidden) {
        channels.add(chunk, Objects.requireNonNull(watching[chunk].ofChannels));
        watching[chunk].ofChannels = null;
    }

    /** Forgets the sums of chunks that were not run to their end. */
    @Override
    public void close() {
        for (Watching one : watching) {
            if (one != null && one.ofChannels != null) {
                one.ofChannels.close();
            }
        }
    }

    /** Watches the layer work on a chunk. */
    private final class Watching implements LayerObserver {
        private final int chunk;
        private final Tensor scale;
        private @Nullable Moments ofChannels;
        private long rows;

        Watching(int chunk, Tensor hidden) {
            this.chunk = chunk;
            this.scale = torch.linalg_vector_norm(hidden, new Scalar(2.0), new long[]{1}, true,
                    new ScalarTypeOptional(ScalarType.Float)).reciprocal_();
            scale.masked_fill_(scale.isinf(), new Scalar(0.0));
        }

        @Override
        public void attentionOutput(Tensor x) {
            Moments sums = Moments.of(x.size(1), noOutputs());
            for (long start = 0; start < x.size(0); start += ROWS) {
                add(sums, x.narrow(0, start, Math.min(ROWS, x.size(0) - start)), start);
            }
            heads.add(chunk, sums);
        }

        @Override
        public void feedForwardChannels(Tensor x) {
            if (ofChannels == null) {
                ofChannels = Moments.of(x.size(1), noOutputs());
            }
            add(ofChannels, x, rows);
            rows += x.size(0);
        }

        private Tensor noOutputs() {
            return scale.narrow(1, 0, 0);
        }

        private void add(Moments sums, Tensor x, long start) {
            try (var _ = new PointerScope()) {
                Tensor scaled = x.to(ScalarType.Float).mul(scale.narrow(0, start, x.size(0)));
                sums.add(scaled, scaled.narrow(1, 0, 0));
            }
        }
    }
}
