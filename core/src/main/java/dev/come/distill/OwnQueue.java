package dev.come.distill;

import dev.come.Progress;
import dev.come.run.LayerRunner;

/** Trains layers in this process, one after the other (CoMe-sp). */
final class OwnQueue implements LayerQueue {
    private final Work work;
    private final LayerRunner runner;
    private final TeacherStates boundaries;

    OwnQueue(Work work, LayerRunner runner, TeacherStates boundaries) {
        this.work = work;
        this.runner = runner;
        this.boundaries = boundaries;
    }

    @Override
    public void train(LayerTraining layer) {
        Examples examples = boundaries.examples(layer.span(), work.training());
        try (Progress.Task task = work.begin(layer, examples)) {
            layer.run(examples, runner.workers(), work.compute(), work.progress(), task);
        }
    }

    @Override
    public void finish() {
    }

    @Override
    public void close() {
    }
}
