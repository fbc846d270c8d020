package dev.come.job;

import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.distill.Distillation;
import dev.come.distill.DistillationOptions;
import dev.come.evaluate.Perplexity;
import dev.come.model.Compute;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.DataShare;
import dev.come.text.PerplexityText;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** {@code come distill}: trains the layers of a pruned model to do what those did that they were made from. */
public final class DistillJob {
    /** What is trained on where nothing else is asked for. */
    public static final String DEFAULT_TEXT = "wiki2";

    private final Options options;
    private final Progress progress;

    /**
     * A text to train on.
     *
     * @param share of all tokens
     */
    public record Text(TextSource source, double share) {
        /** Those of a user's words, such as {@code wiki2:0.3 c4:0.7}. */
        public static List<Text> of(List<String> given, TextSource.Library library, String textField) {
            return DataShare.of(given).stream()
                    .map(one -> new Text(new TextSource(one.dataset(), library, textField), one.share())).toList();
        }
    }

    /**
     * What the user asks for.
     *
     * @param pruned the folder of the pruned model, with its come.json
     * @param teacher the folder of the dense model that it was made from
     * @param texts what is trained on
     * @param windows how long they are
     * @param processes how many processes train single layers; 0: this one does
     * @param resumption what becomes of an interrupted run
     */
    public record Options(Path pruned, Path teacher, List<Text> texts, WindowLength windows,
            DistillationOptions training, int processes, PerplexityOptions perplexity, ComputeChoice compute,
            Saving saving, Resumption resumption) {
        public Options {
            requireIndependent(training, processes, compute);
            texts = List.copyOf(texts);
            saving = saving.reading(
                    Stream.of(Stream.of(pruned, teacher), texts.stream().map(Text::source).flatMap(TextSource::paths),
                            perplexity.paths()).flatMap(Function.identity()));
        }
    }

    /**
     * What came out.
     *
     * @param plan of the healed model
     * @param prunedEvaluations what was measured on the pruned model
     * @param training the time that training took, the teacher's states included
     * @param tokens tokens that there were to train on
     */
    public record Result(PruningPlan plan, List<Measurement> prunedEvaluations, Distillation.Result trained,
            Duration training, long tokens, String dtype) {}

    /**
     * Refuses what would train layers beside each other that need each other.
     *
     * @throws UsageException if layers learn from what those below them give
     */
    public static void requireIndependent(DistillationOptions training, int processes, ComputeChoice compute) {
        if (processes > 0) {
            training.requireIndependent("--mode mp");
        }
        if (compute.cluster().isPresent()) {
            training.requireIndependent("--master");
        }
    }

    public DistillJob(Options options, Progress progress) {
        this.options = options;
        this.progress = Interruptible.asking(progress);
    }

    /**
     * Does the job.
     *
     * @throws InvalidInputException if the pruned folder has no plan, was changed since it was written, or was made from
     *         another dense model
     * @throws NothingToDoException if there is no layer to train, or none became better
     * @throws FailedException if another run writes to the target
     * @throws InterruptedRunException if this thread is interrupted meanwhile; the same job then goes on from there
     * @throws UsageException if an interrupted run with other settings lies beside the target
     */
    public Result run() {
        return Interruptible.job(() -> run(
                () -> RunFolder.take(options.saving.folder(), RunFolder.Kind.DISTILL, options.resumption, progress),
                plan -> plan));
    }

    /** Does the job as a stage of a run, whose record is added to the plan. */
    Result asStage(RunFolder whole, UnaryOperator<PruningPlan> record) {
        return run(() -> whole.stage(RunFolder.Kind.DISTILL), record);
    }

    private Result run(Supplier<RunFolder> taken, UnaryOperator<PruningPlan> record) {
        try (OpenModel teacher = new OpenModel(options.teacher, options.compute.tokenizers());
                PrunedFolder pruned = new PrunedFolder(options.pruned, teacher)) {
            teacher.config().requireOutputProjection("Losses, by which training is checked,");
            options.saving.checkPlace(pruned.store());
            try (RunFolder folder = taken.get(); Machines machines = new Machines(options.compute, progress)) {
                return run(teacher, pruned, folder, machines, record);
            }
        }
    }

    private Result run(OpenModel teacher, PrunedFolder pruned, RunFolder folder, Machines machines,
            UnaryOperator<PruningPlan> record) {
        Compute compute = teacher.compute(options.compute);
        TrainingText text = TrainingText.take(teacher, options, progress);
        List<PerplexityText> perplexityTexts = options.perplexity.read(teacher, progress);
        if (options.compute.cluster().isPresent() && options.training.level().hasModel()) {
            progress.note("The whole model is trained on this machine alone; others train layers by themselves");
        }
        Distillation distillation = new Distillation(
                new Distillation.Subject(options.teacher, options.pruned.resolve(PruningPlan.FILE_NAME),
                        pruned.store(), pruned.stack()),
                text.training(), text.validation(), options.training,
                new Distillation.Execution(compute, options.compute.memory(), options.processes, folder.path(),
                        Perplexity.runs(perplexityTexts, teacher.config().layers() + 2.0 * pruned.stack().size())),
                progress);
        ObjectNode settings = RunSettings.ofDistillation(teacher, options.training, text.facts(),
                text.training().tokenCount(), text.validation().tokenCount(), compute);
        if (!perplexityTexts.isEmpty()) {
            settings.set("overlap",
                    TrainingOverlap.of(text.training(), perplexityTexts, teacher.tokenizer(), progress));
        }
        PruningPlan fresh = record.apply(
                pruned.plan().withEvaluations(List.of()).withSetting(PruningPlan.DISTILLATION, settings));
        Optional<PruningPlan> interrupted = folder.begin(fresh, teacher.config());
        Saving saving = interrupted.map(options.saving::replacingResultOf).orElse(options.saving);
        saving.check(pruned.store());
        DiskUse.of(pruned.store(), pruned.stack(), interrupted.isEmpty()).requireRoom(saving.folder());
        interrupted.ifPresent(_ -> progress.note("Going on with the interrupted run"));
        if (interrupted.isEmpty()) {
            folder.keep(fresh);
        }
        long started = System.nanoTime();
        Distillation.Result trained = machines.with(pruned.store(), compute, distillation::run);
        Duration training = Duration.ofNanos(System.nanoTime() - started);
        if (trained.layers().isEmpty()) {
            folder.remove();
            throw new NothingToDoException("No step made the validation loss smaller, so there is nothing to save;"
                    + (options.training.level().hasLayers()
                            ? " give more --tokens or another --lr"
                            : " give more --model-tokens or another --model-lr"));
        }
        try (TrainedLayers after = new TrainedLayers(trained.folders().toArray(Path[]::new))) {
            LayerStore store = pruned.store().with(after);
            DistilledPlan distilled = DistilledPlan.of(fresh, trained,
                    stacks -> machines.perplexities(store, stacks, perplexityTexts, compute, progress));
            // From here on a run that goes on knows its own result when it finds it.
            folder.keep(distilled.plan());
            saving.write(store, distilled.plan(), progress);
            folder.remove();
            return new Result(distilled.plan(), distilled.prunedEvaluations(), trained, training,
                    text.training().tokenCount(), compute.dtypeName());
        }
    }
}
