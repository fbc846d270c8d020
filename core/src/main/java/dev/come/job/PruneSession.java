package dev.come.job;

import dev.come.FailedException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.heal.Healing;
import dev.come.job.PruneJob.Options;
import dev.come.job.PruneJob.Run;
import dev.come.job.RunCosts.Cost;
import dev.come.job.RunFolder.Kind;
import dev.come.model.Compute;
import dev.come.model.Wrapper;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningStep;
import dev.come.report.Comparison;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** What the methods of a {@link PruneJob} share: one open model, what was measured on it, and where weights are made. */
final class PruneSession implements AutoCloseable {
    private final Options options;
    private final Progress progress;
    private final OpenModel model;
    private final BiConsumer<String, PruningStep> onStep;
    private final List<PerplexityText> texts;
    private final CalibrationCache calibrations;
    private final List<TrainedLayers> trained = new ArrayList<>();
    private final List<RunFolder> parts = new ArrayList<>();
    private final List<MethodRun> prepared = new ArrayList<>();
    private final LabelledProgress labelled;
    private LayerStore store;
    private final Machines machines;
    private @Nullable RunFolder folder;
    private Optional<RunCosts> costs = Optional.empty();

    PruneSession(OpenModel model, Options options, Progress progress, BiConsumer<String, PruningStep> onStep) {
        this.onStep = onStep;
        this.options = options;
        this.progress = progress;
        this.model = model;
        this.store = model.store();
        this.texts = options.perplexity().read(model, progress);
        this.calibrations = new CalibrationCache(model, progress);
        this.labelled = new LabelledProgress(progress);
        this.machines = new Machines(options.compute(), progress);
    }

    /**
     * Takes the target, which a session needs that does more than estimate.
     *
     * @throws FailedException if another run writes there
     * @throws UsageException if it cannot be written
     */
    void begin() {
        options.saving().checkPlace(store);
        if (fixedLayers() > 0) {
            progress.note("The layers 0 to " + (fixedLayers() - 1)
                    + " stay where they are, because what images give is added behind each of them.");
        }
        folder = RunFolder.take(options.saving().folder(), Kind.PRUNE, options.resumption(), progress);
        if (several()) {
            folder.beginParts();
            costs = Optional.of(new RunCosts(folder.path(),
                    options.saving().folder().resolve(Comparison.JSON_NAME)));
        }
    }

    /** How many of the first layers stay where they are. */
    int fixedLayers() {
        return Wrapper.fixedLayers(model.checkpoint().headers());
    }

    /** Tells of a step that a method has decided on. */
    void tell(MethodRun run, PruningStep step) {
        onStep.accept(run.name(), step);
    }

    /** Ends a run of several methods: nothing need be gone on with. */
    void end() {
        folder().remove();
    }

    /** What a method took in earlier runs to get where it is. */
    Cost cost(MethodRun run) {
        return costs.map(known -> known.of(run.name(), run.plan().last().tree())).orElse(Cost.NONE);
    }

    /** Keeps what a method took to get where it is. */
    void keepCost(MethodRun run, Cost cost) {
        costs.ifPresent(known -> {
            folder().make();
            known.keep(run.name(), run.plan().last().tree(), cost);
        });
    }

    /** Forgets what a method took that cannot get there. */
    void forgetCost(MethodRun run) {
        costs.ifPresent(known -> known.forget(run.name()));
    }

    /** A method, with everything checked that can be checked before the work. */
    MethodRun prepare(Run run) {
        prepared.add(several() ? oneOfSeveral(run) : new MethodRun(this, run, options.saving(), folder()));
        return prepared.getLast();
    }

    private MethodRun oneOfSeveral(Run run) {
        Saving saving = options.saving().belowNamed(run.method().name());
        RunFolder part = folder().part(saving.folder(), Kind.PRUNE);
        parts.add(part);
        return new MethodRun(this, run, saving, part);
    }

    /** Tells how much is still to be done, now that something was. */
    void expect() {
        double left = prepared.stream().mapToDouble(MethodRun::expected).sum();
        for (PerplexityText text : texts) {
            int chunks = TokenChunks.of(text.windows()).size();
            left += (model.config().layers() + headRuns()) * chunks;
            for (MethodRun run : prepared) {
                // What is equal to the dense model before the first change is run once.
                left += (0.7 * target(run.run()) + headRuns()) * chunks;
            }
        }
        progress.expect(left);
    }

    /** What the output projection costs, in runs of a layer. */
    double headRuns() {
        return Math.max(1.0, (double) model.config().vocabularySize() * model.config().hiddenSize()
                / model.config().layerParameters());
    }

    private RunFolder folder() {
        return Objects.requireNonNull(folder, "the target was not taken");
    }

    /** Where hidden states go that do not fit the memory. */
    Path spillFolder() {
        return folder().make();
    }

    Options options() {
        return options;
    }

    Progress progress() {
        return progress;
    }

    /** The same progress, with what is being done in front. */
    LabelledProgress labelled() {
        return labelled;
    }

    OpenModel model() {
        return model;
    }

    /** The texts to measure perplexity on. */
    List<PerplexityText> texts() {
        return texts;
    }

    /** Where all methods compute. */
    Machines machines() {
        return machines;
    }

    CalibrationCache calibrations() {
        return calibrations;
    }

    /** Makes the weights of all layers, those that methods have changed included. */
    LayerStore store() {
        return store;
    }

    /** Whether several methods are compared. */
    boolean several() {
        return options.several();
    }

    /** Has layers made from now on whose weights were changed, or will be, in a folder. */
    TrainedLayers findTrained(Path folder) {
        TrainedLayers layers = new TrainedLayers(folder);
        trained.add(layers);
        store = store.with(layers);
        return layers;
    }

    /** How a method computes. */
    Compute compute(Run run) {
        ComputeChoice choice = options.compute();
        if (run.method().needs() == Needs.GRADIENTS) {
            if (choice.dtype().equals("bfloat16")) {
                throw new UsageException("--dtype bfloat16: " + run.method().name()
                        + " takes gradients, which bfloat16 is too coarse for; use float32 or auto");
            }
            return model.compute(new ComputeChoice("float32", choice.device(), choice.threads(), choice.memory()));
        }
        return model.compute(choice);
    }

    /** How perplexities and losses of all methods are computed. */
    Compute compute() {
        return model.compute(options.compute());
    }

    /** The tokens of a method, which it is healed on too. */
    CalibrationSet set(Run run) {
        return calibrations.set(run.calibration(), "Calibration");
    }

    /** The tokens that a method measures on; nothing if it looks at weights only. */
    Optional<CalibrationSet> measured(Run run) {
        return run.needsTokens()
                ? Optional.of(run.search().map(some -> some.of(set(run))).orElseGet(() -> set(run)))
                : Optional.empty();
    }

    /**
     * What a method costs on the model.
     *
     * @throws UsageException if the model cannot have so many layers left
     */
    PruningMethod.Cost cost(Run run) {
        int layers = model.config().layers();
        if (layers < 2) {
            throw new NothingToDoException("The model has one layer, and one must be left; there is nothing to prune");
        }
        PruningMethod.Cost cost = run.method().cost(layers, target(run));
        if (cost.headRuns() > 0) {
            model.config().requireOutputProjection("Losses, by which " + run.method().name() + " chooses,");
        }
        if (options.healing().isPresent()) {
            model.config().requireOutputProjection("Losses, by which healing is checked (--heal),");
        }
        return cost;
    }

    /** How many layers are to be left by a method. */
    int target(Run run) {
        return options.target().layers(model.config(), run.method());
    }

    Estimate estimate(Run run) {
        PruningMethod.Cost cost = cost(run);
        Sequences searched = measured(run).map(CalibrationSet::sequences).orElse(Sequences.of(List.of()));
        return Estimate.of(model, compute(run), cost, target(run), searched, tokens(run),
                texts.stream().map(PerplexityText::windows).toList(),
                new Estimate.Measuring(run.method().needs() == Needs.FITS, run.method().sideBySide(),
                        run.method().needs() == Needs.GRADIENTS),
                disk(run, savedLayers(run)), options);
    }

    /** All tokens that a run holds states of: those of healing, of which a method may measure on a part. */
    private Sequences tokens(Run run) {
        return options.healing().isPresent()
                ? set(run).sequences()
                : measured(run).map(CalibrationSet::sequences).orElse(Sequences.of(List.of()));
    }

    /** How many layers the models have that a method saves. */
    IntStream savedLayers(Run run) {
        int target = target(run);
        return IntStream.range(target, options.continueSaving() ? model.config().layers() : target + 1);
    }

    /**
     * What a method puts on the disk.
     *
     * @param layers how many those models have that are not there yet
     */
    DiskUse disk(Run run, IntStream layers) {
        boolean fits = run.method().needs() == Needs.FITS;
        long states = Estimate.stateBytes(model.config(), compute(run), tokens(run), fits);
        return DiskUse.of(model.store(), layers, fits || options.healing().isPresent())
                .fitted(options.healing().map(Healing.Options::passes).orElse(1))
                .spilling(Math.max(0, states - options.compute().memory()));
    }

    /**
     * Checks that there is room for what all methods will write.
     *
     * @throws FailedException if there is not
     */
    void requireRoom(List<MethodRun> runs) {
        runs.stream().map(MethodRun::disk).reduce(DiskUse::then)
                .ifPresent(disk -> disk.requireRoom(options.saving().folder()));
    }

    @Override
    public void close() {
        try (RunFolder _ = folder; Machines _ = machines) {
            calibrations.close();
            trained.forEach(TrainedLayers::close);
            parts.forEach(RunFolder::close);
        }
    }
}
