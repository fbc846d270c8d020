package dev.come.job;

import dev.come.NothingToDoException;
import dev.come.calibration.Reading;
import dev.come.calibration.RefittedLayers;
import dev.come.calibration.ShardedCalibration;
import dev.come.checkpoint.Leftovers;
import dev.come.heal.Refits;
import dev.come.job.PruneJob.Options;
import dev.come.job.PruneJob.Run;
import dev.come.job.RunCosts.Cost;
import dev.come.model.Compute;
import dev.come.prune.Measurement;
import dev.come.prune.Pruning;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.stack.DamagedWeightsException;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.SearchWindows;
import dev.come.text.Sequences;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/**
 * One method on its way: {@link #choose}, {@link #heal} if that is asked for, {@link #save}. What it has decided is kept in
 * its run folder after each step, from where an interrupted run goes on.
 */
final class MethodRun {
    private final PruneSession session;
    private final Options options;
    private final Run run;
    private final MethodSetup setup;
    private final Saving saving;
    private final RunFolder folder;
    /** Whether the model was there before, made with the same settings. */
    private final boolean done;
    private final Optional<PruningPlan> interrupted;
    private PruningPlan plan;
    private Cost cost;

    /**
     * Checks everything that can be checked before the work, and finds what was done before.
     *
     * @param saving where the model goes
     * @param folder the run folder beside it
     */
    MethodRun(PruneSession session, Run run, Saving saving, RunFolder folder) {
        this.session = session;
        this.options = session.options();
        this.run = run;
        this.saving = saving;
        this.folder = folder;
        this.setup = MethodSetup.of(session, run);
        PruningPlan fresh = new PruningPlan(setup.settings(), session.model().config().layers(), List.of(), List.of());
        Optional<PruningPlan> finished = finished(fresh);
        this.done = finished.isPresent();
        this.interrupted = done ? Optional.empty() : folder.begin(fresh, session.model().config());
        // Also in models that are done: one killed while it wrote the page may have left a part of it.
        session.savedLayers(run).mapToObj(layers -> saving(layers).folder()).forEach(Leftovers::tidyFiles);
        this.plan = finished.or(() -> interrupted).orElse(fresh);
        this.cost = done || interrupted.isPresent() ? session.cost(this) : Cost.NONE;
        if (done) {
            return;
        }
        session.savedLayers(run).forEach(layers -> saving(layers).check(session.model().store()));
        interrupted.ifPresent(found -> session.progress()
                .note("Resuming after step " + found.steps().size() + ": " + found.last().tree()));
    }

    /** Of several methods those that are done need not be done again, unless that is asked for. */
    private Optional<PruningPlan> finished(PruningPlan fresh) {
        boolean again = options.resumption() == Resumption.RESTART
                || (saving.overwrite() && options.resumption() == Resumption.GO_ON);
        Path record = saving.folder().resolve(PruningPlan.FILE_NAME);
        if (!session.several() || again || !Files.exists(record)) {
            return Optional.empty();
        }
        PruningPlan found = PruningPlan.read(record);
        return found.differences(fresh.settings()).isEmpty() ? Optional.of(found) : Optional.empty();
    }

    Run run() {
        return run;
    }

    /** What it will put on the disk yet. An interrupted run has some of what lies beside its models already. */
    DiskUse disk() {
        DiskUse all = session.disk(run, done
                ? IntStream.empty()
                : session.savedLayers(run)
                        .filter(layers -> saving.overwrite()
                                || !Files.exists(saving(layers).folder().resolve(PruningPlan.FILE_NAME))));
        return done || interrupted.isPresent() ? new DiskUse(all.saved(), 0, 0) : all;
    }

    String name() {
        return run.method().name();
    }

    Compute compute() {
        return setup.compute();
    }

    /** The tokens that all that is asked for works on. */
    Sequences tokens() {
        return session.set(run).sequences();
    }

    PruningPlan plan() {
        return plan;
    }

    /** Whether the model was there before, made with the same settings. */
    boolean isDone() {
        return done;
    }

    Duration choosing() {
        return cost.choosing();
    }

    Duration healing() {
        return cost.healing();
    }

    OptionalLong peakBytes() {
        return cost.peakBytes();
    }

    /** Methods with equal keys measure the same tokens in the same way. */
    Object sharedKey() {
        return new Shared(run.needsTokens() ? Optional.of(run.calibration()) : Optional.empty(), run.method().reading(),
                run.search(), setup.compute().dtypeName(), run.method().needs() == Needs.FITS);
    }

    private record Shared(Optional<CalibrationSet.Source> source, Reading reading, Optional<SearchWindows> search,
            String dtype, boolean fits) {}

    /**
     * Chooses what goes, step by step.
     *
     * @throws NothingToDoException if the method finds nothing to merge or remove; then nothing is kept
     */
    void choose() {
        PruningMethod method = run.method();
        Optional<TrainedLayers> refits = method.needs() == Needs.FITS
                ? Optional.of(session.findTrained(done ? saving.folder() : folder.make()))
                : Optional.empty();
        if (done) {
            session.progress().note(name() + " is done already: " + plan.last().tree());
            return;
        }
        LayerStack begin = plan.last();
        if (begin.size() <= setup.target() || setup.hasDecidedAtOnce(plan)) {
            return;
        }
        long started = System.nanoTime();
        Machine.resetPeak();
        try {
            choose(begin, session.calibrations().calibration(sharedKey(), () -> measuring(refits)), started);
        } catch (NothingToDoException e) {
            folder.remove();
            session.forgetCost(this);
            throw e;
        }
    }

    private void choose(LayerStack begin, ShardedCalibration calibration, long started) {
        Cost soFar = cost;
        int rounds = run.method().cost(begin.size(), setup.target()).rounds();
        int before = plan.steps().size(); // a run that goes on counts from where it was
        int[] round = {before + 1};
        session.labelled().label(label(), round[0], before + rounds);
        Pruning.run(run.method(), begin, setup.target(), calibration, setup.pattern(), steps -> {
            LayerStack earlier = plan.last();
            plan = plan.with(steps);
            folder.keep(plan);
            cost = soFar.plusChoosing(Duration.ofNanos(System.nanoTime() - started), Machine.peakResidentBytes());
            session.keepCost(this, cost);
            for (PruningStep step : steps) {
                session.progress().note((label().isEmpty() ? "Step " : label() + "step ")
                        + (plan.steps().indexOf(step) + 1) + ": " + step.stack().size() + " layers left; "
                        + step.describe(earlier));
                session.tell(this, step);
                earlier = step.stack();
            }
            session.labelled().label(label(), ++round[0], before + rounds);
            session.expect();
        });
    }

    /** About how many steps of progress are still to come, without perplexity. */
    double expected() {
        if (done) {
            return 0;
        }
        return setup.expected(plan);
    }

    /** What is said before each step where there are several methods. */
    private String label() {
        return session.several() ? name() + ", " : "";
    }

    private ShardedCalibration measuring(Optional<TrainedLayers> refits) {
        Sequences tokens = setup.measured().map(CalibrationSet::sequences).orElse(Sequences.of(List.of()));
        LayerStore store = refits.isPresent() ? session.store() : session.model().store();
        RefittedLayers fits = refits.map(trained -> RefittedLayers.of(new Refits(store, trained), tokens)).orElse(null);
        ShardedCalibration calibration = session.machines().calibration(store, tokens, fits, setup.compute(),
                run.method().reading(), session.spillFolder(), session.labelled());
        if (session.several()) {
            calibration.keep(LayerStack.dense(plan.layers()));
        }
        return calibration;
    }

    /** Refits what the method left, if that is asked for and was not done before. */
    void heal() {
        if (options.healing().isEmpty()) {
            return;
        }
        session.calibrations().forget();
        long started = System.nanoTime();
        if (!plan.isHealed()) {
            session.labelled().label(label(), 1, 1);
            plan = session.machines().heal(session.store(), plan, tokens(), setup.compute(), options.healing().get(),
                    folder, session.labelled());
            folder.keep(plan);
        }
        session.findTrained(done ? saving.folder() : folder.make());
        cost = cost.plusHealing(Duration.ofNanos(System.nanoTime() - started), Machine.peakResidentBytes());
        if (!done) {
            session.keepCost(this, cost);
        }
    }

    /**
     * Writes the models, and ends the run.
     *
     * @param evaluations what was measured on them
     * @param beforeHealing what was measured on what the method left, if it was healed
     * @return their folders
     */
    List<Path> save(List<Measurement> evaluations, List<Measurement> beforeHealing) {
        plan = plan.withEvaluations(evaluations).withEvaluationsBefore(PruningPlan.HEALING, beforeHealing);
        List<Path> folders = new ArrayList<>();
        if (done) {
            folders.add(saving.folder());
        } else {
            // From here on a run that goes on knows its own results when it finds them.
            folder.keep(plan);
            List<PruningStep> wanted = options.continueSaving() ? plan.steps() : List.of(plan.steps().getLast());
            for (int layers : wanted.stream().map(step -> step.stack().size()).distinct().toList()) {
                Saving one = saving(layers);
                write(one, plan.until(layers));
                folders.add(one.folder());
            }
        }
        folder.remove();
        return folders;
    }

    private void write(Saving target, PruningPlan wanted) {
        try {
            target.write(session.store(), wanted, session.progress());
        } catch (DamagedWeightsException e) {
            if (run.method().needs() == Needs.WEIGHTS) {
                folder.remove(); // nothing was measured that would be lost, and a sound model is another one
            }
            throw e;
        }
    }

    /**
     * The place for the model with this number of layers. It replaces what an interrupted run has saved there before.
     */
    private Saving saving(int layers) {
        Saving one = options.continueSaving() ? saving.below(layers) : saving;
        return interrupted.map(one::replacingResultOf).orElse(one);
    }
}
