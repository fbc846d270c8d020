package dev.come.run;

import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Makes the next layer while one is run, so that nobody waits for its weights to be read. It is one layer ahead at the most: never are
 * there more than two. What fails here is tried again by whoever needs the layer, who tells why.
 */
final class LayerAhead implements AutoCloseable {
    /**
     * Parameters of a layer from which on it is worth it. A smaller one is made in milliseconds, and a thread more than there are
     * processors made runs of SmolLM2-135M 4 to 17 % longer.
     */
    static final long LARGE = 32L << 20;

    private final List<StepLayer> layers;
    private final ExecutorService thread = Executors
            .newSingleThreadExecutor(Thread.ofPlatform().name("come-ahead").daemon().factory());
    private volatile boolean ended;
    /** The first layer that is not gone. */
    private int current;
    /** The last layer that was asked for here. */
    private int asked;

    /** @param layers in the order in which they will be run, or none; whoever made them closes them after this */
    LayerAhead(List<StepLayer> layers) {
        this.layers = layers;
    }

    /** Looks whether there is room for the next layer; to be called whenever one was made or may have gone. */
    synchronized void look() {
        while (current < layers.size() && layers.get(current).isGone()) {
            current++;
        }
        int next = current + 1;
        if (next < layers.size() && next > asked && layers.get(current).isOpen()) {
            asked = next;
            thread.execute(() -> layers.get(next).prepare(() -> ended));
        }
    }

    /** Waits for the tensor that is being read, not for its layer; an interrupt would close the file under others. */
    @Override
    public void close() {
        ended = true;
        thread.shutdown();
        boolean interrupted = false;
        boolean over = false;
        while (!over) {
            try {
                over = thread.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
            } catch (InterruptedException _) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
