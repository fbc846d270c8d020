package dev.come.job;

import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.Version;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.evaluate.Perplexity;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.prune.Pruning;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningPlan.Evaluation;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerStack;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code come prune}: chooses what goes, writes the smaller model and the record of how it was made. */
public final class PruneJob {
    private final Options options;
    private final Progress progress;

    /**
     * What the user asks for.
     *
     * @param model the folder of the dense model
     * @param targetLayers layers that are to be left
     * @param perplexity texts to measure perplexity on; may be none
     * @param continueSaving also write the model of every step, each into a folder of its own below the target
     * @param resume go on with an interrupted run
     */
    public record Options(Path model, PruningMethod method,
            int targetLayers, Reading reading, CalibrationSet.Options calibration, PerplexityOptions perplexity,
            ComputeChoice compute, Saving saving, boolean continueSaving, boolean resume) {}

    /**
     * What came out.
     *
     * @param denseParameters parameters before
     * @param parameters parameters after
     * @param dtype the type that was computed in
     * @param choosing the time that choosing the layers took, without perplexity and writing
     */
    public record Result(PruningPlan plan, List<Path> folders, long denseParameters, long parameters, String dtype,
            Duration choosing) {}

    public PruneJob(Options options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /** Does the job. */
    public Result run() {
        try (OpenModel model = new OpenModel(options.model)) {
            ModelConfig config = model.config();
            checkTargetLayers(config.layers());
            RunFolder runFolder = RunFolder.beside(options.saving.folder());
            Optional<PruningPlan> interrupted = interrupted(runFolder);
            IntStream.range(options.targetLayers, options.continueSaving ? config.layers() : options.targetLayers + 1)
                    .forEach(layers -> saving(layers, interrupted).check(model.store()));
            Compute compute = model.compute(options.compute);
            CalibrationSet calibration = calibrationSet(model);
            List<PerplexityText> texts = options.perplexity.read(model, progress);

            PruningPlan fresh = new PruningPlan(settings(model, compute, calibration), config.layers(), List.of(),
                    List.of());
            interrupted.ifPresent(plan -> checkSameRun(plan, fresh, config, runFolder));
            try {
                long started = System.nanoTime();
                PruningPlan chosen = choose(model, compute, calibration, interrupted.orElse(fresh), runFolder);
                Duration choosing = Duration.ofNanos(System.nanoTime() - started);
                PruningPlan plan = chosen.withEvaluations(evaluate(model, compute, texts, chosen));
                List<Path> folders = save(model, plan, interrupted);
                runFolder.remove();
                return new Result(plan, folders, config.parameters(config.layers()),
                        config.parameters(plan.last().size()), compute.dtypeName(), choosing);
            } catch (RuntimeException e) {
                tidyUp(runFolder, e);
                throw e;
            }
        }
    }

    /** Leaves nothing behind but steps that a later run can go on from. */
    private void tidyUp(RunFolder runFolder, RuntimeException failure) {
        try {
            if (runFolder.hasPlan() && !(failure instanceof NothingToDoException)) {
                progress.note("The steps that were taken are kept in " + runFolder.planFile().getParent()
                        + "; the same command with --resume goes on from there.");
            } else {
                runFolder.remove();
            }
        } catch (RuntimeException e) {
            failure.addSuppressed(e);
        }
    }

    private List<Path> save(OpenModel model, PruningPlan plan, Optional<PruningPlan> interrupted) {
        List<Path> folders = new ArrayList<>();
        for (PruningStep step : options.continueSaving ? plan.steps() : List.of(plan.steps().getLast())) {
            int layers = step.stack().size();
            Saving saving = saving(layers, interrupted);
            saving.write(model.store(), plan.until(layers), progress);
            folders.add(saving.folder());
        }
        return folders;
    }

    /** Where the model with so many layers goes; what an interrupted run has saved there before is replaced. */
    private Saving saving(int layers, Optional<PruningPlan> interrupted) {
        Saving saving = options.continueSaving ? options.saving.below(layers) : options.saving;
        return interrupted.map(saving::replacingResultOf).orElse(saving);
    }

    /** What the job would do and need; writes nothing. */
    public Estimate estimate() {
        try (OpenModel model = new OpenModel(options.model)) {
            checkTargetLayers(model.config().layers());
            CalibrationSet calibration = calibrationSet(model);
            List<PerplexityText> texts = options.perplexity.read(model, progress);
            return Estimate.of(model, model.compute(options.compute), calibration.sequences(),
                    texts.stream().map(PerplexityText::windows).toList(), options);
        }
    }

    private void checkTargetLayers(int layers) {
        int target = options.targetLayers;
        if (target < 1 || target >= layers) {
            throw new UsageException("--target-layers is " + target + ", but the model has " + layers
                    + " layers; choose from 1 to " + (layers - 1));
        }
        options.method.steps(layers, target);
    }

    private CalibrationSet calibrationSet(OpenModel model) {
        CalibrationSet calibration = CalibrationSet.sample(options.calibration, model.tokenizer());
        model.tokenizer().requireBelow(model.config().vocabularySize(), calibration.sequences());
        calibration.facts().notes().forEach(progress::note);
        progress.note("Calibration on " + calibration.facts().summary());
        return calibration;
    }

    private ObjectNode settings(OpenModel model, Compute compute, CalibrationSet calibration) {
        JsonMapper json = new JsonMapper();
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        ObjectNode about = settings.putObject("model");
        about.put("name", String.valueOf(model.checkpoint().folder().getFileName()));
        about.put("model_type", model.config().family().modelType());
        about.put("stored_dtype", model.config().storedType(model.checkpoint()).name());
        about.put("parameters", model.config().parameters(model.config().layers()));
        about.put("fingerprint", model.checkpoint().fingerprint());
        settings.put("method", options.method.name());
        settings.set("options", json.valueToTree(options.method.record()));
        settings.put(PruningPlan.TARGET_LAYERS, options.targetLayers);
        settings.put("seed", options.calibration.seed());
        settings.set("calibration", json.valueToTree(calibration.facts()));
        settings.putObject("compute").put("dtype", compute.dtypeName()).put("device", compute.device());
        return settings;
    }

    /** The plan of an interrupted run, if there is one and it is to be resumed. */
    private Optional<PruningPlan> interrupted(RunFolder runFolder) {
        if (options.resume && runFolder.hasPlan()) {
            return Optional.of(runFolder.plan());
        }
        if (options.resume) {
            progress.note("No interrupted run lies beside " + options.saving.folder() + "; starting anew.");
        } else if (runFolder.hasPlan()) {
            progress.note("An interrupted run lies beside " + options.saving.folder()
                    + "; --resume would have gone on with it. Starting anew.");
        }
        return Optional.empty();
    }

    private void checkSameRun(PruningPlan interrupted, PruningPlan fresh, ModelConfig config, RunFolder runFolder) {
        List<String> differences = interrupted.differences(fresh.settings());
        if (!differences.isEmpty()) {
            throw new UsageException("--resume: the interrupted run had other settings ("
                    + String.join("; ", differences) + "); give the same, or start anew without --resume");
        }
        interrupted.requireFits(config, runFolder.planFile());
        progress.note("Resuming after step " + interrupted.steps().size() + ": " + interrupted.last().tree());
    }

    private PruningPlan choose(OpenModel model, Compute compute, CalibrationSet calibration, PruningPlan begun,
            RunFolder runFolder) {
        int left = begun.last().size();
        if (left <= options.targetLayers) {
            return begun;
        }
        int steps = options.method.steps(left, options.targetLayers);
        PruningPlan[] plan = {begun};
        try (StepProgress measured = new StepProgress();
                LocalCalibration local = new LocalCalibration(model.store(), calibration.sequences(), compute,
                        options.reading, options.compute.memory(), runFolder.make(), measured)) {
            measured.begin(begun.steps().size() + 1, begun.steps().size() + steps, left,
                    (long) left * local.chunks());
            Pruning.run(options.method, begun.last(), options.targetLayers, local, step -> {
                plan[0] = plan[0].with(step);
                runFolder.keep(plan[0]);
                measured.end();
                progress.note(describe(step, plan[0].steps().size()));
                LayerStack stack = step.stack();
                if (stack.size() > options.targetLayers) {
                    measured.begin(plan[0].steps().size() + 1, begun.steps().size() + steps, stack.size(),
                            (long) (stack.size() - step.position()) * local.chunks());
                }
            });
        }
        return plan[0];
    }

    private static String describe(PruningStep step, int number) {
        return String.format(Locale.ROOT, "Step %d: %d layers left; %s %s, ratio %s", number, step.stack().size(),
                "merged", step.stack().get(step.position()).tree(),
                step.ratio().stream().map(share -> String.format(Locale.ROOT, "%.3f", share))
                        .collect(Collectors.joining(" : ")));
    }

    private List<Evaluation> evaluate(OpenModel model, Compute compute, List<PerplexityText> texts,
            PruningPlan plan) {
        List<LayerStack> stacks = options.continueSaving
                ? plan.history()
                : List.of(LayerStack.dense(plan.layers()), plan.last());
        List<Evaluation> evaluations = new ArrayList<>();
        for (PerplexityText text : texts) {
            List<Perplexity> perplexities = Perplexity.measure(model.store(), stacks, text, compute,
                    options.compute.memory(), progress);
            for (int i = 0; i < stacks.size(); i++) {
                evaluations.add(
                        new Evaluation(stacks.get(i).size(), perplexities.get(i).metric(),
                                perplexities.get(i).value()));
            }
        }
        return evaluations;
    }

    /** Passes progress on to the bar of the step at hand. */
    private final class StepProgress implements Progress.Task {
        private static final Progress.Task NO_BAR = steps -> {
        };

        private Progress.Task bar = NO_BAR;

        void begin(int step, int steps, int layers, long runs) {
            bar = progress.begin("step " + step + " of " + steps + ": measuring " + layers + " layers", runs,
                    "windows");
        }

        @Override
        public void advance(long runs) {
            bar.advance(runs);
        }

        /** Ends the bar; it may have ended before. */
        void end() {
            Progress.Task ended = bar;
            bar = NO_BAR;
            ended.close();
        }

        @Override
        public void close() {
            end();
        }
    }
}
