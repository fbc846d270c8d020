package dev.come.run;

import dev.come.failure.Shortage;
import dev.come.model.Compute;
import dev.come.model.DecoderLayer;
import dev.come.model.LayerWeights;
import dev.come.run.LayerRunner.Step;
import dev.come.stack.LayerStore;
import java.util.BitSet;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.jspecify.annotations.Nullable;

/**
 * A layer that is made when the first chunk reaches it, and goes when the last one has passed. Called from many threads.
 */
final class StepLayer implements AutoCloseable {
    private final LayerStore store;
    private final Compute compute;
    private final Step step;
    private final BitSet finished = new BitSet();
    private final int chunks;
    private @Nullable DecoderLayer layer;

    /**
     * Makes nothing yet.
     *
     * @param chunks how many it will be run over
     */
    StepLayer(LayerStore store, Compute compute, Step step, int chunks) {
        this.store = store;
        this.compute = compute;
        this.step = step;
        this.chunks = chunks;
    }

    /** The step that it belongs to. */
    Step step() {
        return step;
    }

    /** The layer, made by the first who asks. */
    DecoderLayer open() {
        return open(() -> {
        });
    }

    /**
     * Makes the layer before anybody asks. Whether that fails is for whoever asks to find out.
     *
     * @param ended whether nobody will ask any more
     */
    synchronized void prepare(BooleanSupplier ended) {
        if (isGone()) {
            return;
        }
        try (var _ = new NoGradGuard()) {
            open(() -> {
                if (ended.getAsBoolean()) {
                    throw new CancellationException();
                }
            });
        } catch (RuntimeException | Error _) {
            // nothing is kept, so the layer will be made again
        }
    }

    /** @param before is run before each tensor is read */
    private synchronized DecoderLayer open(Runnable before) {
        if (layer == null) {
            try (var _ = new PointerScope()) {
                layer = Shortage.named(() -> "Loading layer " + step.node().tree(), () -> {
                    LayerWeights weights = step.weights().orElseGet(() -> store.materialise(step.node(), before));
                    step.visitor().visit(weights);
                    return new DecoderLayer(store.config().sizedAs(weights), weights, compute);
                });
            }
        }
        return layer;
    }

    /** Tells that it has been run over a chunk. */
    synchronized void finished(int chunk) {
        finished.set(chunk);
        if (finished.cardinality() == chunks) {
            close();
        }
    }

    /** Whether it has been run over a chunk. */
    synchronized boolean isThrough(int chunk) {
        return finished.get(chunk);
    }

    /** Whether it is there. */
    synchronized boolean isOpen() {
        return layer != null;
    }

    /** Whether it has been run over all chunks. */
    synchronized boolean isGone() {
        return finished.cardinality() == chunks;
    }

    @Override
    public synchronized void close() {
        if (layer != null) {
            layer.close();
            layer = null;
        }
    }
}
