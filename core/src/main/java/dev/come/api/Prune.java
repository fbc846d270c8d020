package dev.come.api;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.api.PrunedModel.BeforeAndAfter;
import dev.come.api.PrunedModel.Step;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.RecordNames;
import dev.come.job.ComputeChoice;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.prune.Methods;
import dev.come.prune.PruningPlan;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.SequencedMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a smaller model; {@link #run} makes it. Names and defaults are those of {@code come prune}. For use by one thread;
 * the work itself takes as many as {@link #threads} says.
 */
public final class Prune {
    private static final long MEMORY = 256L << 20;

    private final Path model;
    private String method = "concat_merge";
    private @Nullable Target size;
    private @Nullable String dataset;
    private Path data = Path.of("");
    private @Nullable Integer samples;
    private long seed = CalibrationSet.DEFAULT_SEED;
    private WindowLength length = WindowLength.DEFAULT;
    private final List<String> perplexity = new ArrayList<>();
    private int windows = PerplexityOptions.ALL_WINDOWS;
    private String dtype = "auto";
    private int threads = Runtime.getRuntime().availableProcessors();
    private @Nullable Path target;
    private boolean overwrite;
    private Progress progress = Progress.NONE;

    Prune(Path model) {
        this.model = model;
    }

    /** The method by its name, such as {@code "sleb"}; the message about a wrong one lists all. */
    public Prune method(String name) {
        method = name;
        return this;
    }

    /** How many layers are to be left. This, {@link #removalRatio} or {@link #parameters} must be said; the last one counts. */
    public Prune layers(int count) {
        size = new Target.Layers(count);
        return this;
    }

    /** Which share of the decoder layers is to go; instead of {@link #layers}. */
    public Prune removalRatio(double share) {
        size = new Target.RemovalRatio(share);
        return this;
    }

    /** How many parameters are to be left at most, embeddings included; instead of {@link #layers}. */
    public Prune parameters(long count) {
        size = new Target.Parameters(count);
        return this;
    }

    /** The text to choose by: a data set by its name, or a file. */
    public Prune calibrateOn(String nameOrFile) {
        dataset = nameOrFile;
        return this;
    }

    /** The folder that named data sets lie in. */
    public Prune dataIn(Path folder) {
        data = folder;
        return this;
    }

    /** How many rows of the text are taken. */
    public Prune samples(int rows) {
        samples = rows;
        return this;
    }

    /** Decides which rows are taken. */
    public Prune seed(long number) {
        seed = number;
        return this;
    }

    /** The number of tokens in a window, at most the number of positions of the model. */
    public Prune windowLength(int tokens) {
        length = WindowLength.of(tokens);
        return this;
    }

    /** Another text to measure perplexity on, before and after. */
    public Prune perplexityOn(String nameOrFile) {
        perplexity.add(nameOrFile);
        return this;
    }

    /** How many windows of these texts are measured at most. */
    public Prune perplexityWindows(int count) {
        windows = count;
        return this;
    }

    /** The type to compute in: auto, float32 or bfloat16. */
    public Prune dtype(String name) {
        dtype = name;
        return this;
    }

    /** How many threads work. */
    public Prune threads(int count) {
        threads = count;
        return this;
    }

    /** The folder to make; must be said. */
    public Prune saveTo(Path folder) {
        target = folder;
        return this;
    }

    /** Replaces a model that lies in the folder to make. */
    public Prune overwrite() {
        overwrite = true;
        return this;
    }

    /** Who is told how far the work is. */
    public Prune progress(Progress listener) {
        progress = listener;
        return this;
    }

    /**
     * Chooses layers, and writes the model. An interrupted run with the same settings goes on.
     *
     * @throws UsageException if something that must be said is missing, or a value cannot be
     */
    public PrunedModel run() {
        if (size == null) {
            throw new UsageException("layers(...) is missing; say how many layers are to be left");
        }
        if (target == null) {
            throw new UsageException("saveTo(...) is missing; say which folder is to be made");
        }
        Methods.Entry<?> entry = Methods.named(method).orElseThrow(() -> new UsageException("method(\"" + method
                + "\"): there is no such method; choose from " + Methods.ALL.stream().map(Methods.Entry::name)
                        .collect(Collectors.joining(", "))));
        Methods.Data usual = entry.data();
        String name = dataset == null ? usual.dataset() : dataset;
        CalibrationSet.Options calibration = new CalibrationSet.Options(source(name),
                samples == null ? usual.samples() : samples,
                name.equals(usual.dataset()) ? usual.tasks() : OptionalInt.empty(), seed, length);
        PruneJob job = new PruneJob(new PruneJob.Options(model, List.of(new PruneJob.Run(entry.method(), calibration)),
                size, new PerplexityOptions(perplexity.stream().map(this::source).toList(), length, windows),
                Optional.empty(), new ComputeChoice(dtype, "cpu", threads, MEMORY),
                new Saving(target, CheckpointWriter.DEFAULT_SHARD_BYTES, overwrite), false, Resumption.GO_ON),
                progress);
        return of(job.run(), target);
    }

    private TextSource source(String nameOrFile) {
        return new TextSource(nameOrFile, data, TextSource.DEFAULT_FIELD);
    }

    private static PrunedModel of(PruneJob.Result result, Path folder) {
        PruningPlan plan = result.plan();
        int left = plan.last().size();
        List<Step> steps = plan.steps().stream().map(step -> new Step(step.stack().size(),
                RecordNames.name(step.action()), step.position(), step.count(), step.ratio(), step.scores())).toList();
        SequencedMap<String, BeforeAndAfter> measured = new LinkedHashMap<>();
        plan.evaluations().stream().filter(after -> after.layers() == left).forEach(after -> plan.evaluations().stream()
                .filter(before -> before.layers() == plan.layers() && before.metric().equals(after.metric()))
                .forEach(before -> measured.put(after.metric(), new BeforeAndAfter(before.value(), after.value()))));
        return new PrunedModel(folder, plan.layers(), left, result.denseParameters(), result.parameters(),
                plan.last().tree(), steps, measured);
    }
}
