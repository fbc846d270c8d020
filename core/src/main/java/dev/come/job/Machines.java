package dev.come.job;

import dev.come.Progress;
import dev.come.calibration.Calibration;
import dev.come.calibration.Cluster;
import dev.come.calibration.ClusterCalibration;
import dev.come.calibration.HealingOnCluster;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.calibration.Recipe;
import dev.come.calibration.RefittedLayers;
import dev.come.calibration.ShardedCalibration;
import dev.come.evaluate.Perplexity;
import dev.come.heal.Healing;
import dev.come.model.Compute;
import dev.come.prune.PruningPlan;
import dev.come.run.ModelRecipe;
import dev.come.run.OtherMachines;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where a job computes: on this machine, or on others too, which are taken when they are first needed and given back when this is
 * closed. What comes out is the same to the bit.
 */
final class Machines implements AutoCloseable {
    private final ComputeChoice choice;
    private final Progress progress;
    private @Nullable Cluster cluster;

    Machines(ComputeChoice choice, Progress progress) {
        this.choice = choice;
        this.progress = progress;
    }

    private Optional<Cluster> cluster() {
        if (cluster == null && choice.cluster().isPresent()) {
            cluster = choice.cluster().get().connect(progress);
        }
        return Optional.ofNullable(cluster);
    }

    /**
     * Measures calibration tokens; closed by the caller.
     *
     * @param fits which of them layers are refitted on; null if none are
     * @param spill the folder for hidden states that the memory does not hold
     * @param told is told of everything that takes long
     * @see Calibration
     */
    ShardedCalibration calibration(LayerStore store, Sequences tokens, @Nullable RefittedLayers fits, Compute compute,
            Reading reading, Path spill, Progress told) {
        long memory = choice.memory();
        Optional<Cluster> others = tokens.count() == 0 ? Optional.empty() : cluster();
        if (others.isPresent()) {
            TokenChunks chunks = fits == null ? TokenChunks.of(tokens) : fits.chunks();
            Recipe recipe = Recipe.of(store.checkpoint(), chunks, compute, reading, memory);
            return new ClusterCalibration(others.get().shards(recipe, store), store, chunks, fits, compute, reading,
                    memory, told);
        }
        return fits == null
                ? new LocalCalibration(store, tokens, compute, reading, memory, spill, told)
                : LocalCalibration.refitting(store, fits, compute, reading, memory, spill, told);
    }

    /**
     * Heals the last stack of a plan; layers that an interrupted run has fitted are not fitted again.
     *
     * @param folder keeps the fits; {@link RunSettings#ofHealing} is among the settings that it was begun with
     * @return the plan with one more step, or as it was if no layer came nearer to the dense model
     */
    PruningPlan heal(LayerStore store, PruningPlan plan, Sequences tokens, Compute compute, Healing.Options options,
            RunFolder folder, Progress told) {
        Path fits = folder.make();
        Optional<Cluster> others = cluster();
        if (others.isEmpty()) {
            return healed(plan, new Healing(store, compute, options, choice.memory(), fits, told), tokens);
        }
        Healing.requireEnough(tokens);
        try (TrainedLayers found = new TrainedLayers(fits);
                HealingOnCluster states = new HealingOnCluster(store, HeldOut.of(tokens), compute, told,
                        chunks -> others.get().shards(Recipe.of(store.checkpoint(), chunks, compute,
                                Reading.DEFINITION, choice.memory()), store.with(found)),
                        () -> others.get().with(ModelRecipe.of(store.checkpoint(), compute), store.with(found),
                                choice.memory()))) {
            return healed(plan, new Healing(store, states, options, fits, told), tokens);
        }
    }

    private static PruningPlan healed(PruningPlan plan, Healing healing, Sequences tokens) {
        return healing.heal(plan.last(), tokens).map(step -> plan.with(List.of(step))).orElse(plan);
    }

    /**
     * Does work with other machines that have a model too, if there are any.
     *
     * @param store makes its layers
     */
    <T> T with(LayerStore store, Compute compute, Function<Optional<OtherMachines>, T> work) {
        Optional<Cluster> others = cluster();
        if (others.isEmpty()) {
            return work.apply(Optional.empty());
        }
        try (OtherMachines machines = others.get().with(ModelRecipe.of(store.checkpoint(), compute), store,
                choice.memory())) {
            return work.apply(Optional.of(machines));
        }
    }

    /**
     * The perplexities of stacks on texts.
     *
     * @return by text one for each stack
     */
    List<List<Perplexity>> perplexities(LayerStore store, List<LayerStack> stacks, List<PerplexityText> texts,
            Compute compute, Progress told) {
        return texts.isEmpty()
                ? List.of()
                : with(store, compute, others -> texts.stream().map(text -> Perplexity.measure(store, stacks, text,
                        compute, choice.memory(), others, told)).toList());
    }

    @Override
    public void close() {
        if (cluster != null) {
            cluster.close();
        }
    }
}
