package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.RecordJson;
import dev.come.UsageException;
import dev.come.Version;
import dev.come.checkpoint.Checkpoint;
import dev.come.distill.Curve;
import dev.come.distill.Distillation;
import dev.come.distill.DistillationOptions;
import dev.come.evaluate.Perplexity;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Positions;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningPlan.Evaluation;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.TextFacts;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code come distill}: trains the layers of a pruned model to do what those did that they were made from. */
public final class DistillJob {
    private static final List<String> RESULTS = List.of("layers", "model", "evaluations_before");

    private final Options options;
    private final Progress progress;

    /**
     * What the user asks for.
     *
     * @param pruned the folder of the pruned model, with its come.json
     * @param teacher the folder of the dense model that it was made from
     * @param texts what is trained on; each gives the same share of the tokens
     * @param windows how long they are
     * @param processes how many processes train single layers; 0: this one does
     * @param resume go on with an interrupted run
     */
    public record Options(Path pruned, Path teacher, List<TextSource> texts, WindowLength windows,
            DistillationOptions training, int processes, PerplexityOptions perplexity, ComputeChoice compute,
            Saving saving, boolean resume) {
        public Options {
            texts = List.copyOf(texts);
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
    public record Result(PruningPlan plan, List<Evaluation> prunedEvaluations, Distillation.Result trained,
            Duration training, long tokens, String dtype) {}

    public DistillJob(Options options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /**
     * Does the job.
     *
     * @throws NothingToDoException if there is no layer to train, or none became better
     */
    public Result run() {
        Path planFile = options.pruned.resolve(PruningPlan.FILE_NAME);
        if (Files.isDirectory(options.pruned) && !Files.exists(planFile)) {
            throw new InvalidInputException(options.pruned + " has no " + PruningPlan.FILE_NAME
                    + ", so nothing says which layers of the teacher its layers stand for; give a folder that come"
                    + " prune wrote");
        }
        PruningPlan plan = PruningPlan.read(planFile);
        try (OpenModel teacher = new OpenModel(options.teacher); TrainedLayers before = trained()) {
            ApplyJob.requireMadeFor(teacher, plan, planFile);
            LayerStore store = teacher.store().with(before);
            checkWeights(store, plan.last());
            return run(plan, teacher, store);
        }
    }

    private TrainedLayers trained(Path... folders) {
        return new TrainedLayers(Stream.concat(Stream.of(folders), Stream.of(options.pruned)).toArray(Path[]::new));
    }

    private Result run(PruningPlan plan, OpenModel teacher, LayerStore store) {
        RunFolder folder = RunFolder.beside(options.saving.folder());
        // What an interrupted run has saved is replaced.
        Saving saving = options.resume && folder.hasPlan()
                ? options.saving.replacingResultOf(folder.plan())
                : options.saving;
        saving.check(store);
        Compute compute = teacher.compute(options.compute);
        Text text = text(teacher);
        List<PerplexityText> perplexityTexts = options.perplexity.read(teacher, progress);
        PruningPlan begun = begin(plan, settings(text, compute), folder, teacher.config());
        Distillation distillation = new Distillation(
                new Distillation.Subject(options.teacher, options.pruned.resolve(PruningPlan.FILE_NAME), store,
                        plan.last()),
                text.training, text.validation, options.training,
                new Distillation.Execution(compute, options.compute.memory(), options.processes, folder.path()),
                progress);
        folder.keep(begun);
        try {
            long started = System.nanoTime();
            Distillation.Result trained = distillation.run();
            Duration training = Duration.ofNanos(System.nanoTime() - started);
            if (trained.layers().isEmpty()) {
                folder.remove();
                throw new NothingToDoException("No step made the validation loss smaller, so there is nothing to save;"
                        + " give more --tokens or another --lr");
            }
            try (TrainedLayers after = trained(trained.folders().toArray(Path[]::new))) {
                LayerStore with = teacher.store().with(after);
                Healed healed = healed(plan, begun, trained, with, perplexityTexts, compute);
                // From here on a resumed run knows its own result when it finds it.
                folder.keep(healed.plan);
                saving.write(with, healed.plan, progress);
                folder.remove();
                return new Result(healed.plan, healed.prunedEvaluations, trained, training,
                        text.training.tokenCount(), compute.dtypeName());
            }
        } catch (NothingToDoException e) {
            throw e;
        } catch (RuntimeException | Error e) {
            progress.note("What was trained is kept in " + folder.path()
                    + "; the same command with --resume goes on from there.");
            throw e;
        }
    }

    /** The plan with what came out, and what was measured on the pruned model. */
    private record Healed(PruningPlan plan, List<Evaluation> prunedEvaluations) {}

    private Healed healed(PruningPlan plan, PruningPlan begun, Distillation.Result trained, LayerStore store,
            List<PerplexityText> perplexityTexts, Compute compute) {
        PruningStep step = PruningStep.train(plan.last(), trained.layers(), scores(trained));
        PruningPlan healed = begun.with(List.of(step));
        List<Evaluation> all = new ArrayList<>();
        List<Evaluation> pruned = new ArrayList<>();
        LayerStack dense = LayerStack.dense(plan.layers());
        for (PerplexityText one : perplexityTexts) {
            List<Perplexity> perplexities = Perplexity.measure(store, List.of(dense, plan.last(), healed.last()), one,
                    compute, options.compute.memory(), progress);
            String metric = perplexities.getFirst().metric();
            all.add(new Evaluation(plan.layers(), metric, perplexities.get(0).value()));
            pruned.add(new Evaluation(plan.last().size(), metric, perplexities.get(1).value()));
            all.add(new Evaluation(plan.last().size(), metric, perplexities.get(2).value()));
        }
        ObjectNode record = distillation(healed);
        ObjectNode curves = record.putObject("layers");
        trained.layerCurves().forEach((position, curve) -> curves.set("" + position, curve.toJson()));
        trained.modelCurve().ifPresent(curve -> record.set("model", curve.toJson()));
        ArrayNode beforehand = record.putArray("evaluations_before");
        pruned.forEach(evaluation -> beforehand.addObject().put("metric", evaluation.metric()).put("value",
                evaluation.value()));
        return new Healed(healed.withEvaluations(all), pruned);
    }

    private static ObjectNode distillation(PruningPlan plan) {
        return (ObjectNode) plan.settings().path(PruningPlan.DISTILLATION);
    }

    /** By position: what was reached at the last level that the layer was trained at. */
    private static SequencedMap<String, List<Double>> scores(Distillation.Result trained) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>();
        trained.modelCurve().ifPresent(curve -> scores.put("model_validation_loss", losses(curve)));
        trained.layerCurves().forEach((position, curve) -> scores.put("layer_" + position + "_validation_loss",
                losses(curve)));
        return scores;
    }

    private static List<Double> losses(Curve curve) {
        return List.of(curve.start().loss(), curve.best().loss());
    }

    /** What is trained on and what is not. */
    private record Text(Sequences training, Sequences validation, List<TextFacts> facts) {}

    private Text text(OpenModel teacher) {
        long tokens = share(options.training.trainingTokens());
        long validation = share(options.training.validationTokens());
        Positions positions = teacher.config().positions();
        int window = options.windows.within(positions).tokens();
        List<int[]> training = new ArrayList<>();
        List<int[]> held = new ArrayList<>();
        List<TextFacts> facts = new ArrayList<>();
        for (TextSource source : options.texts) {
            // Whole windows are held back, so there is one more than the tokens ask for.
            CalibrationSet set = new CalibrationSet.Budget(source, tokens + validation + window,
                    options.training.seed(), options.windows).take(teacher.tokenizer(), positions);
            set.facts().notes().forEach(progress::note);
            progress.note("Training on " + set.facts().summary());
            facts.add(set.facts());
            int first = firstHeld(set.sequences(), validation, source);
            for (int i = 0; i < set.sequences().count(); i++) {
                (i < first ? training : held).add(set.sequences().sequence(i));
            }
        }
        return new Text(Sequences.of(training), Sequences.of(held), facts);
    }

    private long share(long tokens) {
        return Math.ceilDiv(tokens, options.texts.size());
    }

    /** The first of the sequences at the end that have so many tokens, which are held back to validate on. */
    private static int firstHeld(Sequences sequences, long validation, TextSource source) {
        int first = sequences.count();
        for (long held = 0; held < validation && first > 0;) {
            held += sequences.length(--first);
        }
        if (first == 0) {
            throw new InvalidInputException("The text of " + source.dataset() + " has " + sequences.tokenCount()
                    + " tokens in " + sequences.count() + " windows, but " + validation
                    + " are held back to validate on and nothing is left to train on; give more text, or lower"
                    + " --validation-tokens or --seqlen");
        }
        return first;
    }

    private ObjectNode settings(Text text, Compute compute) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        settings.set("options", RecordJson.tree(options.training));
        settings.set("text", RecordJson.trees(text.facts));
        settings.put("training_tokens", text.training.tokenCount());
        settings.put("validation_tokens", text.validation.tokenCount());
        settings.putObject("compute").put("dtype", compute.dtypeName()).put("device", compute.device());
        return settings;
    }

    /** The plan with the settings of this run; what an earlier one left is taken up or removed. */
    private PruningPlan begin(PruningPlan plan, ObjectNode settings, RunFolder folder, ModelConfig config) {
        PruningPlan fresh = new PruningPlan(plan.settings().deepCopy(), plan.layers(), plan.steps(), List.of());
        fresh.settings().set(PruningPlan.DISTILLATION, settings);
        boolean interrupted = folder.hasPlan();
        if (interrupted && options.resume) {
            PruningPlan other = folder.plan();
            ObjectNode settled = other.settings().deepCopy();
            if (settled.path(PruningPlan.DISTILLATION) instanceof ObjectNode record) {
                record.remove(RESULTS);
            }
            List<String> differences = fresh.differences(settled);
            if (!differences.isEmpty()) {
                throw new UsageException("--resume: the interrupted run had other settings ("
                        + String.join("; ", differences) + "); give the same, or start anew without --resume");
            }
            other.requireFits(config, folder.planFile());
            progress.note("Going on with the interrupted run");
        } else {
            if (options.resume) {
                progress.note("No interrupted run lies beside " + options.saving.folder() + "; starting anew.");
            } else if (interrupted) {
                progress.note("An interrupted run lies beside " + options.saving.folder()
                        + "; --resume would have gone on with it. Starting anew.");
            }
            folder.remove();
        }
        return fresh;
    }

    /** Someone may have trained the pruned model in another way, which would silently be lost. */
    private void checkWeights(LayerStore store, LayerStack stack) {
        try (Checkpoint checkpoint = Checkpoint.open(options.pruned)) {
            ModelConfig config = ModelConfig.of(checkpoint);
            if (config.layers() != stack.size()) {
                throw new InvalidInputException(options.pruned + " has " + config.layers() + " layers, but its "
                        + PruningPlan.FILE_NAME + " gives " + stack.size()
                        + "; give the folder as come prune wrote it");
            }
            for (int position = 0; position < stack.size(); position++) {
                try (var _ = new PointerScope()) {
                    LayerWeights found = LayerWeights.of(checkpoint, config, position);
                    for (Map.Entry<Part, Tensor> expected : store.materialise(stack.get(position)).asMap().entrySet()) {
                        if (!expected.getValue().equal(found.get(expected.getKey()))) {
                            throw new InvalidInputException(
                                    options.pruned + ": tensor " + config.tensorName(position, expected.getKey())
                                            + " is not what its " + PruningPlan.FILE_NAME
                                            + " makes of the teacher; the model was changed after come prune wrote it,"
                                            + " and that would be lost");
                        }
                    }
                }
            }
        }
    }
}
