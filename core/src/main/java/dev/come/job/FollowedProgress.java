package dev.come.job;

import dev.come.Progress;

/**
 * Tells of one stage of a run that others follow, so that what is still to come is not only this stage.
 *
 * @param steps those of the stages that follow
 */
record FollowedProgress(Progress progress, double steps) implements Progress {
    @Override
    public Task begin(String what, long total, String unit) {
        return progress.begin(what, total, unit);
    }

    @Override
    public Task begin(String what, long total, String unit, long units) {
        return progress.begin(what, total, unit, units);
    }

    @Override
    public void expect(double own) {
        progress.expect(own + steps);
    }

    @Override
    public void note(String line) {
        progress.note(line);
    }
}
