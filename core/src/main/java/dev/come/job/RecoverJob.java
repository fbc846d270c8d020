package dev.come.job;

import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.RecordJson;
import dev.come.distill.Distillation;
import dev.come.distill.TrainingCost;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.run.TokenChunks;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code come recover}: heals a pruned model in closed form, and then trains the whole of it. The stages are a {@link HealJob} and
 * a {@link DistillJob}, so the weights are those that these two give one after the other. The healed model lies in the run's
 * folder until the trained one is written.
 */
public final class RecoverJob {
    private final Options options;
    private final Progress progress;

    /**
     * What the user asks for.
     *
     * @param pruned the folder of the pruned model, with its come.json ({@code --model-name})
     * @param teacher the folder of the dense model ({@code --teacher})
     * @param recovery how it is healed and trained
     * @param text what it is healed and trained on
     * @param perplexity texts to measure perplexity on; may be none
     * @param resumption what becomes of an interrupted run
     */
    public record Options(Path pruned, Path teacher, Recovery recovery, Text text, PerplexityOptions perplexity,
            ComputeChoice compute, Saving saving, Resumption resumption) {
        public Options {
            saving = saving.reading(Stream.of(Stream.of(pruned, teacher), text.paths(), perplexity.paths())
                    .flatMap(Function.identity()));
        }
    }

    /**
     * What is healed and trained on.
     *
     * @param datasets {@code --calibration-dataset}, perhaps with shares
     * @param library where named corpora lie ({@code --data-dir})
     * @param textField {@code --text-field}
     * @param windows how long the windows are that it is healed on ({@code --seqlen})
     */
    public record Text(List<String> datasets, TextSource.Library library, String textField, WindowLength windows) {
        public Text {
            datasets = List.copyOf(datasets);
        }

        private List<DistillJob.Text> parts() {
            return DistillJob.Text.of(datasets, library, textField);
        }

        private Stream<Path> paths() {
            return parts().stream().map(DistillJob.Text::source).flatMap(TextSource::paths);
        }
    }

    /**
     * What came out.
     *
     * @param plan of the trained model
     * @param pruned what was measured on the pruned model; nothing if it could not be healed
     * @param healed what was measured on the model that training began with
     * @param healing the time that healing took; zero if an earlier run had done it
     * @param training the time that training took
     */
    public record Result(PruningPlan plan, List<Measurement> pruned, List<Measurement> healed,
            Distillation.Result trained, Duration healing, Duration training, String dtype) {}

    public RecoverJob(Options options, Progress progress) {
        this.options = options;
        this.progress = Interruptible.asking(progress);
    }

    /**
     * Does the job.
     *
     * @throws InvalidInputException if the pruned folder has no plan, was changed since it was written, or was made from
     *         another dense model
     * @throws NothingToDoException if training made nothing better
     * @throws FailedException if another run writes to the target
     * @throws InterruptedRunException if this thread is interrupted meanwhile; the same job then goes on from there
     * @throws UsageException if an interrupted run with other settings lies beside the target
     */
    public Result run() {
        return Interruptible.job(this::runToTheEnd);
    }

    private Result runToTheEnd() {
        try (OpenModel teacher = new OpenModel(options.teacher, options.compute.tokenizers());
                PrunedFolder pruned = new PrunedFolder(options.pruned, teacher);
                RunFolder whole = RunFolder.take(options.saving.folder(), RunFolder.Kind.RECOVER, options.resumption,
                        progress)) {
            options.saving.checkPlace(pruned.store());
            ObjectNode record = RecordJson.tree(options.recovery);
            PruningPlan fresh = pruned.plan().withEvaluations(List.of()).withSetting(PruningPlan.RECOVERY, record);
            Optional<PruningPlan> interrupted = whole.begin(fresh, teacher.config());
            if (interrupted.isEmpty()) {
                options.saving.check(pruned.store());
                DiskUse.of(pruned.store(), pruned.stack(), true)
                        .then(DiskUse.of(pruned.store(), pruned.stack(), true)).requireRoom(options.saving.folder());
                whole.keep(fresh);
            }
            UnaryOperator<PruningPlan> recorded = plan -> plan.withSetting(PruningPlan.RECOVERY, record);
            // Healing tells of runs over chunks of text that are longer.
            double later = TrainingCost.layerRuns(options.recovery.training(), teacher.config().layers(),
                    pruned.stack(), (double) options.recovery.training().trainingTokens()) / TokenChunks.TOKENS;
            Path healed = whole.path().resolve("healed");
            Duration healing = Files.exists(healed.resolve(PruningPlan.FILE_NAME))
                    ? Duration.ZERO
                    : heal(whole, healed, recorded, later);
            boolean isHealed = Files.exists(healed.resolve(PruningPlan.FILE_NAME));
            DistillJob.Result trained = train(whole, isHealed ? healed : options.pruned, teacher, recorded);
            whole.remove();
            return new Result(trained.plan(), isHealed ? before(trained.plan()) : List.of(),
                    trained.prunedEvaluations(), trained.trained(),
                    healing, trained.training(), trained.dtype());
        }
    }

    /** The first stage. Where no layer comes nearer to the dense model, training begins with the pruned one. */
    private Duration heal(RunFolder whole, Path healed, UnaryOperator<PruningPlan> recorded, double later) {
        HealJob job = new HealJob(new HealJob.Options(options.pruned, options.teacher, options.recovery.healing(),
                calibration(), options.perplexity, options.compute, within(healed), Resumption.GO_ON),
                new FollowedProgress(progress, later));
        try {
            return job.asStage(whole, recorded).healing();
        } catch (NothingToDoException _) {
            progress.note("Healing brought no layer nearer to the dense model, so training begins with the pruned one");
            return Duration.ZERO;
        }
    }

    /** The second stage. */
    private DistillJob.Result train(RunFolder whole, Path from, OpenModel teacher,
            UnaryOperator<PruningPlan> recorded) {
        try {
            return new DistillJob(training(from, teacher), progress).asStage(whole, recorded);
        } catch (NothingToDoException e) {
            whole.remove();
            throw e;
        }
    }

    private CalibrationSet.Source calibration() {
        Text text = options.text;
        return new CalibrationChoice(text.datasets, OptionalInt.empty(),
                OptionalLong.of(options.recovery.healingTokens()), options.recovery.training().seed(), text.library,
                text.textField, text.windows).ofHealing();
    }

    private DistillJob.Options training(Path from, OpenModel teacher) {
        int window = Math.min(options.recovery.trainingWindow(), teacher.config().positions().count());
        return new DistillJob.Options(from, options.teacher, options.text.parts(), WindowLength.of(window),
                options.recovery.training(), 0, options.perplexity, options.compute, options.saving,
                Resumption.GO_ON);
    }

    /** What the job would do and need; writes nothing. */
    public RecoveryEstimate estimate() {
        try (OpenModel teacher = new OpenModel(options.teacher, options.compute.tokenizers());
                PrunedFolder pruned = new PrunedFolder(options.pruned, teacher);
                CalibrationCache calibrations = new CalibrationCache(teacher, progress)) {
            return RecoveryEstimate.of(teacher, pruned, options.recovery, teacher.compute(options.compute),
                    options.compute.memory(), calibrations.set(calibration(), "Healing"),
                    TrainingText.take(teacher, training(options.pruned, teacher), progress));
        }
    }

    /** Where the healed model lies meanwhile. What a run that was killed has left of it is no one's. */
    private Saving within(Path folder) {
        return new Saving(folder, options.saving.maxShardBytes(), true);
    }

    private static List<Measurement> before(PruningPlan plan) {
        return plan.settings().path(PruningPlan.HEALING).path(PruningPlan.EVALUATIONS_BEFORE).valueStream()
                .map(one -> Measurement.of(one, plan.last().size())).toList();
    }
}
