package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.stream.Stream;

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
    public static PruningPlan run(Path planFile, Path model, OptionalInt targetLayers, Saving to,
            Progress progress) {
        Saving saving = to.reading(Stream.of(planFile, model));
        PruningPlan plan = PruningPlan.read(planFile);
        PruningPlan wanted = targetLayers.isPresent() ? plan.until(targetLayers.getAsInt()) : plan;
        try (OpenModel open = new OpenModel(model);
                TrainedLayers trained = new TrainedLayers(planFile.resolveSibling(""))) {
            PrunedFolder.requireMadeFor(open, plan, planFile);
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
}
