package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.model.ModelConfig;
import dev.come.model.Wrapper;
import dev.come.prune.PruningPlan;
import dev.come.report.Licence;
import dev.come.report.ModelCard;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import dev.come.text.CorpusSummary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where and how a pruned model is written.
 *
 * @param folder the folder to make ({@code --save-path})
 * @param maxShardBytes the largest file of weights, in bytes ({@code --max-shard-size})
 * @param overwrite whether a model that lies there is replaced ({@code --overwrite})
 * @param inputs what the run reads; a folder that holds any of it is not replaced
 */
public record Saving(Path folder, long maxShardBytes, boolean overwrite, List<Path> inputs) {
    public Saving {
        if (maxShardBytes < 1) {
            throw new UsageException("--max-shard-size is " + maxShardBytes + " bytes, but must be more than 0");
        }
        inputs = List.copyOf(inputs);
    }

    /** Without any input that is known yet. */
    public Saving(Path folder, long maxShardBytes, boolean overwrite) {
        this(folder, maxShardBytes, overwrite, List.of());
    }

    /** The same for a run that reads these files and folders too. */
    public Saving reading(Stream<Path> more) {
        return new Saving(folder, maxShardBytes, overwrite, Stream.concat(inputs.stream(), more).toList());
    }

    private Saving with(Path other, boolean replaces) {
        return new Saving(other, maxShardBytes, replaces, inputs);
    }

    /** Fails now rather than after the work if nothing can be written there, whatever lies there. */
    void checkPlace(LayerStore store) {
        writer(store, Progress.NONE).apply(store.checkpoint().config()).checkPlace();
    }

    /** Fails now rather than after the work if the folder cannot be written. */
    void check(LayerStore store) {
        writer(store, Progress.NONE).apply(store.checkpoint().config()).checkTarget();
    }

    /** The same for the model of one step, in a folder below. */
    Saving below(int layers) {
        return with(folder.resolve(layers + "-layers"), overwrite);
    }

    /** The same for one of several methods, in a folder below. */
    Saving belowNamed(String method) {
        return with(folder.resolve(method), overwrite);
    }

    /** The same, but replacing what the run with this plan has saved there before. */
    Saving replacingResultOf(PruningPlan run) {
        Path record = folder.resolve(PruningPlan.FILE_NAME);
        return !overwrite && Files.exists(record) && PruningPlan.read(record).isStageOf(run)
                ? with(folder, true)
                : this;
    }

    /** Writes the last stack of a plan, with the plan and a model card. */
    void write(LayerStore store, PruningPlan plan, Progress progress) {
        LayerStack stack = plan.last();
        ModelConfig config = store.config();
        StackWriter writer = new StackWriter(store, stack);
        Stream.concat(writer.warnings().stream(), plan.warnings().stream()).forEach(progress::note);
        ConfigTree whole = store.checkpoint().headers().wholeConfig();
        Optional<String> wrapper = Wrapper.find(whole).map(Wrapper::modelType);
        String card = new ModelCard(plan, config.parameters(plan.layers()), config.parameters(stack.size()),
                wrapper.orElse(config.family().modelType()), use(wrapper.isPresent(), config),
                Licence.of(store.checkpoint().folder(), whole),
                CorpusSummary.all().stream()
                        .collect(Collectors.toMap(CorpusSummary::name, CorpusSummary::hubDataset)))
                .toMarkdown();
        writer.write(tree -> writer(store, progress).apply(tree).file(PruningPlan.FILE_NAME, plan.toJson())
                .file(ModelCard.FILE_NAME, card));
    }

    private static ModelCard.Use use(boolean seesImages, ModelConfig config) {
        if (!config.outputProjection()) {
            return ModelCard.Use.STATES;
        }
        return seesImages ? ModelCard.Use.IMAGES : ModelCard.Use.TEXT;
    }

    private StackWriter.CheckpointWriterSettings writer(LayerStore store, Progress progress) {
        return tree -> new CheckpointWriter(folder, tree).source(store.checkpoint().folder())
                .maxShardBytes(maxShardBytes).overwrite(overwrite).inputs(inputs).progress(progress);
    }
}
