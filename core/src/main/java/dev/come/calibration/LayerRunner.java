package dev.come.calibration;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.calibration.TokenChunks.Chunk;
import dev.come.model.Compute;
import dev.come.model.DecoderLayer;
import dev.come.model.Embedding;
import dev.come.model.LanguageModelHead;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.Rotation;
import dev.come.model.Workers;
import dev.come.model.Workspace;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStore;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/** Runs one layer at a time over chunks of tokens, so that only that layer's weights are in memory. */
final class LayerRunner implements AutoCloseable {
    private final LayerStore store;
    private final Compute compute;
    private final Workers workers;
    private final Embedding embedding;
    private final LanguageModelHead head;
    private final Rotation rotation;
    private final Progress.Task progress;

    /** What happens to the chunks of tokens around a layer; called from several threads, for different chunks. */
    interface Pass {
        /** The states before the layer, of the current PointerScope; they are changed in place. */
        Tensor before(int chunk);

        /** Who watches the layer work on a chunk. */
        LayerObserver observer(int chunk);

        /** The states after the layer. */
        void after(int chunk, Tensor hidden);
    }

    /** What is known of a layer's weights while they are there. */
    interface WeightsVisitor {
        void visit(LayerWeights weights);
    }

    LayerRunner(LayerStore store, Compute compute, Progress.Task progress) {
        this.store = store;
        this.compute = compute;
        this.workers = new Workers(compute);
        this.embedding = new Embedding(store.checkpoint(), store.config(), compute);
        this.head = new LanguageModelHead(store.checkpoint(), store.config(), compute);
        this.rotation = new Rotation(store.config(), compute);
        this.progress = progress;
    }

    LanguageModelHead head() {
        return head;
    }

    Workers workers() {
        return workers;
    }

    /** The residual stream before the first layer. */
    Tensor embed(Chunk chunk) {
        return embedding.of(chunk.tokens());
    }

    /** Runs a layer over all chunks. */
    void run(LayerNode node, TokenChunks chunks, WeightsVisitor visitor, Pass pass) {
        try (var _ = new PointerScope()) {
            LayerWeights weights = store.materialise(node);
            visitor.visit(weights);
            try (DecoderLayer layer = new DecoderLayer(store.config(), weights, compute)) {
                workers.forEach(chunks.size(),
                        (index, workspace) -> run(layer, node, index, chunks.get(index), pass, workspace));
            }
        }
    }

    private void run(DecoderLayer layer, LayerNode node, int index, Chunk chunk, Pass pass, Workspace workspace) {
        Tensor hidden = pass.before(index);
        layer.forward(hidden, chunk.layout(), rotation, workspace, pass.observer(index), null);
        // A sum is finite only if all of its terms are.
        if (!Double.isFinite(hidden.sum().item_double())) {
            throw new FailedException(
                    "Layer " + node.tree() + " gives values that are not finite on the sequences from "
                            + chunk.first() + " on; its weights are damaged, or too large for " + compute.dtypeName()
                            + " (try --dtype float32)");
        }
        pass.after(index, hidden);
        progress.advance(1);
    }

    @Override
    public void close() {
        workers.close();
        embedding.close();
        head.close();
        rotation.close();
    }
}
