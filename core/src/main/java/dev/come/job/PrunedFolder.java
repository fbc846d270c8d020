package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.Shown;
import dev.come.checkpoint.TensorInfo;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.UsualNames;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * A model that was pruned before: its folder, its plan, and the weights of its layers as the plan makes them of the dense
 * model. Whoever goes by the plan must know that the folder is still what the plan makes; what someone has changed since would
 * be lost without a word.
 */
final class PrunedFolder implements AutoCloseable {
    private final Path folder;
    private final PruningPlan plan;
    private final TrainedLayers trained;
    private final LayerStore store;

    /**
     * Opens the folder, and checks that it is what its plan makes of the dense model.
     *
     * @throws InvalidInputException if it has no plan, was made from another dense model, or was changed since
     */
    PrunedFolder(Path folder, OpenModel dense) {
        Path planFile = folder.resolve(PruningPlan.FILE_NAME);
        if (Files.isDirectory(folder) && !Files.exists(planFile)) {
            throw new InvalidInputException(folder + " has no " + PruningPlan.FILE_NAME
                    + ", which tells what its layers stand for; give the folder of a model that come prune wrote");
        }
        this.folder = folder;
        this.plan = PruningPlan.read(planFile);
        requireMadeFor(dense, plan, planFile, "");
        this.trained = new TrainedLayers(folder);
        this.store = dense.store().with(trained);
        try {
            requireUnchanged();
        } catch (RuntimeException | Error e) {
            trained.close();
            throw e;
        }
    }

    /** Whether a plan was made for a model. */
    static boolean isMadeFor(OpenModel model, PruningPlan plan) {
        return model.checkpoint().fingerprint().equals(fingerprint(plan));
    }

    private static String fingerprint(PruningPlan plan) {
        return plan.settings().path(PruningPlan.MODEL).path("fingerprint").asString("");
    }

    /**
     * Checks that a plan was made for a model.
     *
     * @param otherwise what else can be done, at the end of the message
     */
    static void requireMadeFor(OpenModel model, PruningPlan plan, Path planFile, String otherwise) {
        plan.requireWhole(planFile);
        String expected = fingerprint(plan);
        String found = model.checkpoint().fingerprint();
        if (!isMadeFor(model, plan)) {
            throw new InvalidInputException(planFile + " was made for a model with fingerprint " + Shown.of(expected)
                    + ", but "
                    + model.checkpoint().folder() + " has " + found + "; give the dense model that it was made for"
                    + otherwise);
        }
        plan.requireFits(model.config(), planFile);
    }

    Path folder() {
        return folder;
    }

    PruningPlan plan() {
        return plan;
    }

    /** The layers as they lie in the folder. */
    LayerStack stack() {
        return plan.last();
    }

    /** Makes the layers of the folder and those of the dense model. */
    LayerStore store() {
        return store;
    }

    private void requireUnchanged() {
        try (Checkpoint pruned = UsualNames.open(folder)) {
            ModelConfig config = ModelConfig.of(pruned);
            if (config.layers() != stack().size()) {
                throw changed("it has " + config.layers() + " layers, and its plan tells of " + stack().size());
            }
            for (int position = 0; position < stack().size(); position++) {
                try (var _ = new PointerScope()) {
                    LayerWeights planned = store.materialise(stack().get(position));
                    LayerWeights found = LayerWeights.of(pruned, config, position);
                    for (Map.Entry<Part, Tensor> part : planned.asMap().entrySet()) {
                        if (!found.get(part.getKey()).equal(part.getValue())) {
                            throw changed("tensor " + config.tensorName(position, part.getKey())
                                    + " is not what its plan makes of the dense model");
                        }
                    }
                }
            }
            Stream<String> others = store.checkpoint().headers().others().stream().map(TensorInfo::name);
            for (String name : Stream.of(config.tensorsBefore().keySet().stream(),
                    config.tensorsAfter().keySet().stream(), others).flatMap(names -> names).toList()) {
                if (!pruned.holdsSame(name, store.checkpoint(), name)) {
                    throw changed("tensor " + name + " is not that of the dense model");
                }
            }
        }
    }

    private InvalidInputException changed(String how) {
        return new InvalidInputException(folder + " was changed after it was pruned: " + how
                + "; what was changed would be lost, because this job goes by the plan, so give the folder as it was"
                + " written");
    }

    @Override
    public void close() {
        trained.close();
    }
}
