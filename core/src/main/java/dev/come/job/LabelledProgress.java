package dev.come.job;

import dev.come.Progress;

/** Says at each piece of work which method and round it belongs to. */
final class LabelledProgress implements Progress {
    private final Progress progress;
    private volatile String label = "";

    LabelledProgress(Progress progress) {
        this.progress = progress;
    }

    /** Sets what is said from now on; the name is said in any case, the round where there are several. */
    void label(String name, int round, int rounds) {
        label = name + (rounds == 1 ? "" : "step " + Math.min(round, rounds) + " of " + rounds + ": ");
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return progress.begin(label + what, total, unit);
    }

    @Override
    public Task begin(String what, long steps, String unit, long units) {
        return progress.begin(label + what, steps, unit, units);
    }

    @Override
    public void expect(double steps) {
        progress.expect(steps);
    }

    @Override
    public void note(String line) {
        progress.note(line);
    }
}
