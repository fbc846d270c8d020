package dev.come.distill;

import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.run.TokenChunks;

/** Trains layers whose states are there. */
interface LayerQueue extends AutoCloseable {
    void train(LayerTraining layer);

    /** Waits until all are trained. */
    void finish();

    @Override
    void close();

    /**
     * What training layers by themselves goes by.
     *
     * @param chunks all tokens, those that are trained on first
     * @param training how many chunks are trained on
     * @param compute the compute type of the teacher
     * @param effort what a step of training costs
     */
    record Work(TokenChunks chunks, int training, DistillationOptions options, Compute compute,
            Effort effort, Progress progress) {
        Progress.Task begin(LayerTraining layer, Examples examples) {
            return effort.begin(progress, "training layer " + layer.name(),
                    LayerTraining.batches(examples.chunks(), examples.training(), options).count());
        }
    }
}
