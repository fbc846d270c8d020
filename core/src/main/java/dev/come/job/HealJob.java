package dev.come.job;

import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.Perplexity;
import dev.come.heal.Healing;
import dev.come.heal.HealingCost;
import dev.come.model.Compute;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code come heal}: refits a model that was pruned before, in closed form, to the dense model it was made from. */
public final class HealJob {
    private final Options options;
    private final Progress progress;

    /**
     * What the user asks for.
     *
     * @param pruned the folder of the pruned model, with its come.json ({@code --model-name})
     * @param teacher the folder of the dense model ({@code --teacher})
     * @param calibration the tokens to fit and to choose by
     * @param perplexity texts to measure perplexity on; may be none
     * @param resumption what becomes of an interrupted run
     */
    public record Options(Path pruned, Path teacher, Healing.Options healing, CalibrationSet.Source calibration,
            PerplexityOptions perplexity, ComputeChoice compute, Saving saving, Resumption resumption) {
        public Options {
            OneMachine.check(compute, List.of(), Optional.of(healing));
            saving = saving.reading(Stream.of(Stream.of(pruned, teacher), calibration.paths(), perplexity.paths())
                    .flatMap(Function.identity()));
        }
    }

    /**
     * What came out.
     *
     * @param perplexities for each text those of the dense, the pruned and the healed model
     * @param dtype the type that was computed in
     * @param healing the time that healing took, without perplexity and writing
     */
    public record Result(PruningPlan plan, List<List<Perplexity>> perplexities, String dtype, Duration healing) {}

    public HealJob(Options options, Progress progress) {
        this.options = options;
        this.progress = Interruptible.asking(progress);
    }

    /**
     * Does the job.
     *
     * @throws InvalidInputException if the pruned folder has no plan, was changed since it was written, or was made from
     *         another dense model
     * @throws NothingToDoException if no layer comes nearer to the dense model
     * @throws FailedException if another run writes to the target
     * @throws InterruptedRunException if this thread is interrupted meanwhile; the same job then goes on from there
     * @throws UsageException if an interrupted run with other settings lies beside the target
     */
    public Result run() {
        return Interruptible.job(() -> run(
                () -> RunFolder.take(options.saving.folder(), RunFolder.Kind.HEAL, options.resumption, progress),
                plan -> plan));
    }

    /** Does the job as a stage of a run, whose record is added to the plan. */
    Result asStage(RunFolder whole, UnaryOperator<PruningPlan> record) {
        return run(() -> whole.stage(RunFolder.Kind.HEAL), record);
    }

    private Result run(Supplier<RunFolder> taken, UnaryOperator<PruningPlan> record) {
        try (OpenModel teacher = new OpenModel(options.teacher, options.compute.tokenizers());
                PrunedFolder pruned = new PrunedFolder(options.pruned, teacher)) {
            teacher.config().requireOutputProjection("Losses, by which healing is checked,");
            options.saving.checkPlace(pruned.store());
            try (RunFolder folder = taken.get(); Machines machines = new Machines(options.compute, progress)) {
                return run(teacher, pruned, folder, machines, record);
            }
        }
    }

    private Result run(OpenModel teacher, PrunedFolder pruned, RunFolder folder, Machines machines,
            UnaryOperator<PruningPlan> record) {
        List<PerplexityText> texts = options.perplexity.read(teacher, progress);
        CalibrationSet set;
        try (CalibrationCache calibrations = new CalibrationCache(teacher, progress)) {
            set = calibrations.set(options.calibration, "Calibration");
        }
        Compute compute = teacher.compute(options.compute);
        PruningPlan fresh = record.apply(pruned.plan().withEvaluations(List.of()).withSetting(PruningPlan.HEALING,
                RunSettings.ofHealing(teacher, options.healing, new RunSettings.Tokens(options.calibration, set),
                        compute)));
        Optional<PruningPlan> interrupted = folder.begin(fresh, teacher.config());
        Saving saving = interrupted.map(options.saving::replacingResultOf).orElse(options.saving);
        saving.check(pruned.store());
        DiskUse.of(pruned.store(), pruned.stack(), interrupted.isEmpty()).fitted(options.healing.passes())
                .requireRoom(saving.folder());
        interrupted.ifPresent(_ -> progress.note("Going on with the interrupted run"));
        PruningPlan plan = interrupted.orElse(fresh);
        expect(teacher, pruned, set, texts);
        long started = System.nanoTime();
        if (plan.steps().size() == pruned.plan().steps().size()) {
            folder.keep(plan);
            plan = machines.heal(pruned.store(), plan, set.sequences(), compute, options.healing, folder, progress);
            if (plan.steps().size() == pruned.plan().steps().size()) {
                folder.remove();
                throw new NothingToDoException("No layer of " + options.pruned
                        + " comes nearer to the dense model on text that was held out; nothing was written");
            }
            folder.keep(plan);
        }
        Duration healing = Duration.ofNanos(System.nanoTime() - started);
        try (TrainedLayers after = new TrainedLayers(folder.make())) {
            LayerStore store = pruned.store().with(after);
            List<List<Perplexity>> perplexities = perplexities(machines, store, texts, compute, pruned.stack(),
                    plan);
            PruningPlan recorded = plan.withEvaluations(evaluations(pruned.plan(), perplexities))
                    .withEvaluationsBefore(PruningPlan.HEALING, before(pruned.stack().size(), perplexities));
            // From here on a run that goes on knows its own result when it finds it.
            folder.keep(recorded);
            saving.write(store, recorded, progress);
            folder.remove();
            return new Result(recorded, perplexities, compute.dtypeName(), healing);
        }
    }

    /** Tells about how much there is to do: healing, and perplexity of the dense, the pruned and the healed model. */
    private void expect(OpenModel teacher, PrunedFolder pruned, CalibrationSet set, List<PerplexityText> texts) {
        int layers = teacher.config().layers();
        int left = pruned.stack().size();
        double runs = HealingCost.layerRuns(options.healing, layers, left) * TokenChunks.of(set.sequences()).size();
        progress.expect(runs + Perplexity.runs(texts, layers + 2.0 * left));
    }

    private List<List<Perplexity>> perplexities(Machines machines, LayerStore store, List<PerplexityText> texts,
            Compute compute, LayerStack pruned, PruningPlan healed) {
        List<LayerStack> stacks = List.of(LayerStack.dense(healed.layers()), pruned, healed.last());
        return machines.perplexities(store, stacks, texts, compute, progress);
    }

    /** What was measured on the pruned model. */
    private static List<Measurement> before(int layers, List<List<Perplexity>> perplexities) {
        return perplexities.stream().map(ofText -> Measurements.of(layers, ofText.get(1))).toList();
    }

    /** What is known of the stacks: what was measured before on the layers that changed does not hold any more. */
    private static List<Measurement> evaluations(PruningPlan plan, List<List<Perplexity>> perplexities) {
        int layers = plan.last().size();
        Set<String> again = perplexities.stream().map(ofText -> ofText.getFirst().metric()).collect(Collectors.toSet());
        List<Measurement> evaluations = new ArrayList<>(plan.evaluations().stream()
                .filter(known -> known.layers() != layers && !again.contains(known.metric())).toList());
        perplexities.forEach(ofText -> {
            evaluations.add(Measurements.of(plan.layers(), ofText.getFirst()));
            evaluations.add(Measurements.of(layers, ofText.getLast()));
        });
        return evaluations;
    }
}
