package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.prune.PruningPlan;
import dev.come.stack.TrainedLayers;
import java.nio.file.Path;
import java.util.OptionalInt;

/** {@code come apply}: makes the model of a plan again from the same dense model, byte for byte. */
public final class ApplyJob {
    private ApplyJob() {
    }

    /**
     * Does the job.
     *
     * @param planFile the come.json of a pruned model, in its folder if layers of it were trained
     * @param model the folder of the dense model that the plan was made for
     * @param targetLayers another number of layers from the plan's history
     * @return the plan of what was written
     * @throws InvalidInputException if the model is another one
     */
    public static PruningPlan run(Path planFile, Path model, OptionalInt targetLayers, Saving saving,
            Progress progress) {
        PruningPlan plan = PruningPlan.read(planFile);
        PruningPlan wanted = targetLayers.isPresent() ? plan.until(targetLayers.getAsInt()) : plan;
        try (OpenModel open = new OpenModel(model);
                TrainedLayers trained = new TrainedLayers(planFile.resolveSibling(""))) {
            requireMadeFor(open, plan, planFile);
            saving.check(open.store());
            saving.write(open.store().with(trained), wanted, progress);
            return wanted;
        }
    }

    /** Checks that a plan was made for a model. */
    static void requireMadeFor(OpenModel model, PruningPlan plan, Path planFile) {
        String expected = plan.settings().path("model").path("fingerprint").asString();
        String found = model.checkpoint().fingerprint();
        if (!found.equals(expected)) {
            throw new InvalidInputException(planFile + " was made for a model with fingerprint " + expected + ", but "
                    + model.checkpoint().folder() + " has " + found + "; give the dense model that it was made for");
        }
        plan.requireFits(model.config(), planFile);
    }
}
