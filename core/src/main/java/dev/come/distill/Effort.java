package dev.come.distill;

import dev.come.Progress;

/**
 * What a step of training costs, in runs of one layer over a chunk of tokens: the steps of all progress here, so that the share
 * of the whole run that is done can be told.
 *
 * @param step runs for each step of training
 */
record Effort(long step) {
    /** Forward, and backward with the products for two gradients and a second run forward. */
    private static final int BACKWARD = 3;

    /**
     * A step for some layers.
     *
     * @param chunks chunks in a batch
     * @param forward layers that are run
     * @param backward layers that are gone back through
     */
    static Effort of(long chunks, int forward, int backward) {
        return new Effort(Math.max(1, chunks) * (forward + (long) BACKWARD * backward));
    }

    /** Begins a task that takes so many steps of training, and is told of each. */
    Progress.Task begin(Progress progress, String what, int steps) {
        Progress.Task task = progress.begin(what, steps * step, "steps", steps);
        return new Progress.Task() {
            @Override
            public void advance(long done) {
                task.advance(done * step);
            }

            @Override
            public void skip(long left) {
                task.skip(left * step);
            }

            @Override
            public void close() {
                task.close();
            }
        };
    }
}
