package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.Shown;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.nio.file.Path;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** {@code come apply}: makes the model of a plan again from the same dense model, byte for byte, or does the same to another. */
public final class ApplyJob {
    private ApplyJob() {
    }

    /**
     * Does the job.
     *
     * @param planFile the come.json of a pruned model, in its folder if layers of it were trained
     * @param model the folder of the dense model that the plan was made for
     * @param targetLayers another number of layers from the plan's history
     * @param otherWeights whether the model may be another one of the same shape ({@code --allow-other-weights})
     * @return the plan of what was written
     * @throws InvalidInputException if the model is another one
     */
    public static PruningPlan run(Path planFile, Path model, OptionalInt targetLayers,
            boolean otherWeights, Saving to, Progress progress) {
        return Interruptible.job(
                () -> apply(planFile, model, targetLayers, otherWeights, to, Interruptible.asking(progress)));
    }

    private static PruningPlan apply(Path planFile, Path model, OptionalInt targetLayers, boolean otherWeights,
            Saving to, Progress progress) {
        Saving saving = to.reading(Stream.of(planFile, model));
        PruningPlan plan = PruningPlan.read(planFile);
        try (OpenModel open = new OpenModel(model);
                TrainedLayers trained = new TrainedLayers(planFile.resolveSibling(""))) {
            PruningPlan wanted = wanted(open, targetLayers.isPresent() ? plan.until(targetLayers.getAsInt()) : plan,
                    planFile, otherWeights, progress);
            saving.checkPlace(open.store());
            try (RunLock _ = RunLock.take(saving.folder(), "--save-path", "apply", progress)) {
                saving.check(open.store());
                LayerStore store = open.store().with(trained);
                DiskUse.of(store, wanted.last(), false).requireRoom(saving.folder());
                saving.write(store, wanted, progress);
                return wanted;
            }
        }
    }

    private static PruningPlan wanted(OpenModel model, PruningPlan plan, Path planFile, boolean otherWeights,
            Progress progress) {
        if (!otherWeights || PrunedFolder.isMadeFor(model, plan)) {
            PrunedFolder.requireMadeFor(model, plan, planFile, isOfSameShape(model, plan)
                    ? ", or add --allow-other-weights, since it is of the same shape"
                    : "");
            return plan;
        }
        plan.requireWhole(planFile);
        if (!isOfSameShape(model, plan)) {
            throw new InvalidInputException("--allow-other-weights: " + planFile + " was made for "
                    + shape(plan.settings().path(PruningPlan.MODEL), plan.layers()) + ", but "
                    + model.checkpoint().folder() + " has "
                    + shape(RunSettings.ofModel(model), model.config().layers())
                    + "; give a model of the same shape");
        }
        plan.requireFits(model.config(), planFile);
        PruningPlan other = plan.forModel(RunSettings.ofModel(model));
        progress.note(
                "The layers were chosen on " + Shown.of(other.settings().path(PruningPlan.PLAN_MODEL).path("name"))
                        + ", and nothing was measured on this model: come eval tells how good it is");
        return other;
    }

    private static boolean isOfSameShape(OpenModel model, PruningPlan plan) {
        return shape(plan.settings().path(PruningPlan.MODEL), plan.layers())
                .equals(shape(RunSettings.ofModel(model), model.config().layers()));
    }

    /** What two checkpoints of one architecture share; the recipes of merged layers are checked besides. */
    private static String shape(JsonNode model, int layers) {
        return String.format(Locale.ROOT, "model_type %s, %d layers and %,d parameters",
                Shown.of(model.path("model_type")), layers, model.path("parameters").asLong(0));
    }
}
