package dev.come.distill;

import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;

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
     * @param stack the pruned model
     * @param chunks all tokens, those that are trained on first
     * @param training how many chunks are trained on
     * @param compute the compute type of the teacher
     * @param effort what a step of training costs
     */
    record Work(LayerStack stack, TokenChunks chunks, int training, DistillationOptions options, Compute compute,
            Effort effort, Progress progress) {
        /** The first of the teacher's layers that a layer stands for. */
        int first(LayerTraining layer) {
            return TrainedParts.first(stack, layer.position());
        }

        /** The last of the teacher's layers that a layer stands for. */
        int last(LayerTraining layer) {
            return TrainedParts.last(stack, layer.position());
        }

        Progress.Task begin(LayerTraining layer, Examples examples) {
            return effort.begin(progress, "training layer " + stack.get(layer.position()).tree(),
                    LayerTraining.batches(examples.chunks(), examples.training(), options).count());
        }
    }
}
