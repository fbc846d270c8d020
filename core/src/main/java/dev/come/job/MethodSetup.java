package dev.come.job;

import dev.come.UsageException;
import dev.come.heal.Healing;
import dev.come.heal.HealingCost;
import dev.come.heal.Refits;
import dev.come.job.PruneJob.Options;
import dev.come.job.PruneJob.Run;
import dev.come.model.Compute;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningPlan;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerPattern;
import dev.come.text.CalibrationSet;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the run of a method works with, and what comes out of it depends on.
 *
 * @param target how many layers are to be left
 * @param measured the tokens that layers are chosen on; nothing if the method looks at weights only
 * @param pattern what the kinds of layers that are left must repeat
 * @param settings as the plan records them
 */
record MethodSetup(PruneSession session, Run run, int target, Compute compute, Optional<CalibrationSet> measured,
        LayerPattern pattern, ObjectNode settings) {
    /**
     * Checks everything that can be checked before the work.
     *
     * @throws UsageException if options do not go with each other, the text or the model
     */
    static MethodSetup of(PruneSession session, Run run) {
        Options options = session.options();
        session.cost(run);
        int target = session.target(run);
        Compute compute = session.compute(run);
        Optional<CalibrationSet> measured = session.measured(run);
        options.healing().ifPresent(_ -> Healing.requireEnough(session.set(run).sequences()));
        if (run.method().needs() == Needs.FITS) {
            Refits.requireEnough(measured.map(CalibrationSet::sequences).orElseThrow());
        }
        ObjectNode settings = RunSettings.ofPruning(session.model(), run.method(), target, compute,
                measured.map(set -> new RunSettings.Tokens(run.calibration(), set)),
                options.healing().map(how -> RunSettings.ofHealing(session.model(), how,
                        new RunSettings.Tokens(run.calibration(), session.set(run)), compute)));
        if (options.keepPattern()) {
            settings.put(PruningPlan.KEEP_PATTERN, true);
        }
        return new MethodSetup(session, run, target, compute, measured, pattern(session, target), settings);
    }

    /** What the layers that are left must be like. */
    private static LayerPattern pattern(PruneSession session, int target) {
        int fixed = session.fixedLayers();
        if (target < fixed) {
            throw new UsageException(
                    "%s layers are to be left of %s, but its first %s stay where they are, because what "
                            .formatted(target, session.options().model(), fixed)
                            + "images give is added behind each of them; ask for more layers");
        }
        return pattern(session).fixing(fixed);
    }

    private static LayerPattern pattern(PruneSession session) {
        if (!session.options().keepPattern()) {
            return LayerPattern.ANY;
        }
        String kinds = session.model().config().layerKinds();
        LayerPattern pattern = LayerPattern.of(kinds);
        if (!kinds.isEmpty() && pattern.equals(LayerPattern.ANY)) {
            throw new UsageException(session.options().model() + ": its layers are of several kinds (" + kinds
                    + ") that repeat in no groups, so there is no pattern to keep");
        }
        return pattern;
    }

    /** About how many steps of progress are still to come after a plan, without perplexity. */
    double expected(PruningPlan plan) {
        int layers = plan.last().size();
        double runs = 0;
        if (layers > target && !hasDecidedAtOnce(plan)) {
            PruningMethod.Cost left = run.method().cost(layers, target);
            runs += (left.layerRuns() + left.headRuns() * session.headRuns()) * chunks(measured);
        }
        if (session.options().healing().isPresent() && !plan.isHealed()) {
            runs += HealingCost.layerRuns(session.options().healing().get(), plan.layers(), target)
                    * chunks(Optional.of(session.set(run)));
        }
        return runs;
    }

    private static int chunks(Optional<CalibrationSet> tokens) {
        return tokens.map(set -> TokenChunks.of(set.sequences()).size()).orElse(0);
    }

    /** Whether a method that decides on all its steps at once has done so, which may be before the target. */
    boolean hasDecidedAtOnce(PruningPlan plan) {
        return !plan.steps().isEmpty() && run.method().cost(plan.layers(), target).rounds() == 1;
    }
}
