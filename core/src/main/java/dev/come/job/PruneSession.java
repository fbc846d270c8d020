package dev.come.job;

import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.RecordJson;
import dev.come.UsageException;
import dev.come.Version;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.evaluate.Perplexity;
import dev.come.heal.Healing;
import dev.come.heal.Refits;
import dev.come.hub.Hub;
import dev.come.job.PruneJob.Failure;
import dev.come.job.PruneJob.Options;
import dev.come.job.PruneJob.Result;
import dev.come.job.PruneJob.Results;
import dev.come.job.PruneJob.Run;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.prune.Pruning;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningPlan.Evaluation;
import dev.come.prune.PruningStep;
import dev.come.run.StackLosses;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The work of a {@link PruneJob} on one open model. */
final class PruneSession implements AutoCloseable {
    private final Options options;
    private final Progress progress;
    private final OpenModel model;
    private final ModelConfig config;
    private final List<PerplexityText> texts;
    private final Map<CalibrationSet.Source, CalibrationSet> sets = new HashMap<>();
    private final Map<Shared, LocalCalibration> calibrations = new HashMap<>();
    private final LabelledProgress labelled = new LabelledProgress();
    private final RunFolder common;
    private final List<TrainedLayers> trained = new ArrayList<>();
    private LayerStore store;

    PruneSession(OpenModel model, Options options, Progress progress) {
        this.options = options;
        this.progress = progress;
        this.model = model;
        this.config = model.config();
        this.store = model.store();
        this.texts = options.perplexity().read(model, progress);
        this.common = RunFolder.beside(options.saving().folder());
    }

    private boolean several() {
        return options.runs().size() > 1;
    }

    private Compute compute(Run run) {
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

    private Optional<CalibrationSet> calibrationSet(Run run) {
        return run.needsTokens() ? Optional.of(set(run)) : Optional.empty();
    }

    /** The tokens of a method, which it is healed on too. */
    private CalibrationSet set(Run run) {
        return sets.computeIfAbsent(run.calibration(), source -> {
            CalibrationSet set = source.take(model.tokenizer(), config.positions());
            set.facts().notes().forEach(progress::note);
            progress.note("Calibration on " + set.facts().summary());
            return set;
        });
    }

    private PruningMethod.Cost cost(Run run) {
        int target = options.targetLayers();
        if (config.layers() < 2) {
            throw new NothingToDoException("The model has one layer, and one must be left; there is nothing to prune");
        }
        if (target < 1 || target >= config.layers()) {
            throw new UsageException("--target-layers is " + target + ", but the model has " + config.layers()
                    + " layers; choose from 1 to " + (config.layers() - 1));
        }
        return run.method().cost(config.layers(), target);
    }

    Estimate estimate(Run run) {
        PruningMethod.Cost cost = cost(run);
        Sequences tokens = options.healing().isPresent() ? set(run).sequences() : sequences(calibrationSet(run));
        return Estimate.of(model, compute(run), cost, tokens, texts.stream().map(PerplexityText::windows).toList(),
                run.method().needs() == Needs.FITS, options);
    }

    /** Checks everything that can be checked before the work. */
    Prepared prepare(Run run) {
        cost(run);
        Saving target = several() ? options.saving().belowNamed(run.method().name()) : options.saving();
        RunFolder folder = RunFolder.beside(target.folder());
        Compute compute = compute(run);
        Optional<CalibrationSet> set = calibrationSet(run);
        options.healing().ifPresent(_ -> Healing.requireEnough(set(run).sequences()));
        if (run.method().needs() == Needs.FITS) {
            Refits.requireEnough(set(run).sequences());
        }
        PruningPlan fresh = new PruningPlan(settings(run, compute, set), config.layers(), List.of(), List.of());

        Optional<PruningPlan> finished = finished(target, fresh);
        if (finished.isPresent()) {
            return new Prepared(run, compute, sequences(set), target, folder, finished.get(), finished, true);
        }
        Optional<PruningPlan> interrupted = interrupted(target, folder);
        IntStream.range(options.targetLayers(), options.continueSaving() ? config.layers() : options.targetLayers() + 1)
                .forEach(layers -> saving(target, layers, interrupted).check(model.store()));
        interrupted.ifPresent(plan -> checkSameRun(plan, fresh, folder));
        return new Prepared(run, compute, sequences(set), target, folder, interrupted.orElse(fresh), interrupted,
                false);
    }

    private static Sequences sequences(Optional<CalibrationSet> set) {
        return set.map(CalibrationSet::sequences).orElse(Sequences.of(List.of()));
    }

    /** Of several methods those that are done need not be done again when the run is resumed. */
    private Optional<PruningPlan> finished(Saving target, PruningPlan fresh) {
        Path record = target.folder().resolve(PruningPlan.FILE_NAME);
        if (!several() || !options.resume() || !Files.exists(record)) {
            return Optional.empty();
        }
        PruningPlan plan = PruningPlan.read(record);
        return plan.differences(fresh.settings()).isEmpty() ? Optional.of(plan) : Optional.empty();
    }

    Chosen choose(Prepared prepared) {
        if (prepared.run.method().needs() == Needs.FITS) {
            findTrained(prepared);
        }
        if (prepared.done) {
            progress.note(prepared.run.method().name() + " is done already: " + prepared.begun.last().tree());
            return new Chosen(prepared, prepared.begun, Duration.ZERO, Duration.ZERO, OptionalLong.empty());
        }
        long started = System.nanoTime();
        Machine.resetPeak();
        try {
            PruningPlan plan = prune(prepared);
            return new Chosen(prepared, plan, Duration.ofNanos(System.nanoTime() - started), Duration.ZERO,
                    Machine.peakResidentBytes());
        } catch (RuntimeException | Error e) {
            tidyUp(prepared.folder, e);
            throw e;
        }
    }

    /** Refits what a method left, if that is asked for and was not done before an interruption. */
    Chosen heal(Chosen chosen) {
        Prepared prepared = chosen.prepared;
        if (options.healing().isEmpty()) {
            return chosen;
        }
        closeCalibrations();
        PruningPlan plan = chosen.plan;
        long started = System.nanoTime();
        try {
            if (!plan.isHealed()) {
                labelled.label(several() ? prepared.run.method().name() + ", " : "", 1, 1);
                plan = PlanHealing.heal(store, plan, set(prepared.run).sequences(), prepared.compute,
                        options.healing().get(), options.compute().memory(), prepared.folder.make(), labelled);
                prepared.folder.keep(plan);
            }
        } catch (RuntimeException | Error e) {
            tidyUp(prepared.folder, e);
            throw e;
        }
        findTrained(prepared);
        return new Chosen(prepared, plan, chosen.choosing, Duration.ofNanos(System.nanoTime() - started),
                Machine.peakResidentBytes());
    }

    /** Has layers made from then on whose weights a method changes, or has changed. */
    private void findTrained(Prepared prepared) {
        TrainedLayers layers = new TrainedLayers(
                prepared.done ? prepared.saving.folder() : prepared.folder.make());
        trained.add(layers);
        store = store.with(layers);
    }

    private PruningPlan prune(Prepared prepared) {
        PruningMethod method = prepared.run.method();
        LayerStack begin = prepared.begun.last();
        if (begin.size() <= options.targetLayers()) {
            return prepared.begun;
        }
        int rounds = method.cost(begin.size(), options.targetLayers()).rounds();
        PruningPlan[] plan = {prepared.begun};
        int[] round = {1};
        String name = several() ? method.name() + ", " : "";
        LocalCalibration calibration = calibration(prepared);
        labelled.label(name, round[0], rounds);
        Pruning.run(method, begin, options.targetLayers(), calibration, steps -> {
            List<LayerStack> before = new ArrayList<>(List.of(plan[0].last()));
            plan[0] = plan[0].with(steps);
            prepared.folder.keep(plan[0]);
            for (PruningStep step : steps) {
                progress.note((several() ? name + "step " : "Step ") + (plan[0].steps().indexOf(step) + 1) + ": "
                        + step.stack().size()
                        + " layers left; " + step.describe(before.getLast()));
                before.add(step.stack());
            }
            labelled.label(name, ++round[0], rounds);
        });
        return plan[0];
    }

    private LocalCalibration calibration(Prepared prepared) {
        Shared key = Shared.of(prepared);
        LocalCalibration known = calibrations.get(key);
        if (known == null) {
            // Hidden states of one set of tokens at a time.
            calibrations.values().forEach(LocalCalibration::close);
            calibrations.clear();
            known = prepared.run.method().needs() == Needs.FITS
                    ? LocalCalibration.refitting(store, prepared.sequences, prepared.compute,
                            prepared.run.method().reading(),
                            options.compute().memory(), common.make(), labelled, new Refits(store, trained.getLast()))
                    : new LocalCalibration(model.store(), prepared.sequences, prepared.compute,
                            prepared.run.method().reading(), options.compute().memory(), common.make(), labelled);
            calibrations.put(key, known);
            if (several()) {
                known.keep(LayerStack.dense(config.layers()));
            }
        }
        return known;
    }

    /** Measures and writes the models of one method. */
    List<Result> finish(List<Chosen> chosen) {
        return finish(chosen, List.of());
    }

    private List<Result> finish(List<Chosen> chosen, List<Double> losses) {
        closeCalibrations();
        List<List<Evaluation>> evaluations = evaluate(chosen);
        List<Result> results = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            Chosen one = chosen.get(i);
            Prepared prepared = one.prepared;
            PruningPlan plan = one.plan.withEvaluations(evaluations.get(i));
            List<Path> folders = prepared.done ? List.of(prepared.saving.folder()) : save(prepared, plan);
            prepared.folder.remove();
            results.add(new Result(plan, folders, config.parameters(config.layers()),
                    config.parameters(plan.last().size()), prepared.compute.dtypeName(), one.choosing,
                    one.healing, one.peakBytes,
                    losses.isEmpty() ? OptionalDouble.empty() : OptionalDouble.of(losses.get(i)), prepared.done));
        }
        return results;
    }

    /** Measures all results on the same tokens, and writes them. */
    Results compare(List<Chosen> chosen, List<Failure> failures) {
        closeCalibrations();
        Optional<Chosen> withTokens = chosen.stream().filter(one -> one.prepared.run.needsTokens()).findFirst();
        if (withTokens.isEmpty()) {
            return new Results(finish(chosen), failures, OptionalDouble.empty(), "");
        }
        Prepared on = withTokens.get().prepared;
        List<LayerStack> stacks = Stream.concat(Stream.of(LayerStack.dense(config.layers())),
                chosen.stream().map(one -> one.plan.last())).toList();
        List<Double> losses;
        try (StackLosses measure = new StackLosses(store, stacks, on.sequences,
                model.compute(options.compute()),
                options.compute().memory());
                Progress.Task task = progress.begin("loss of all results", measure.runs(), "windows")) {
            losses = measure.measure(task).stream()
                    .map(windows -> Arrays.stream(windows).average().orElseThrow()).toList();
        }
        CalibrationSet set = sets.get(on.run.calibration());
        String name = set == null ? "" : set.facts().dataset();
        return new Results(finish(chosen, losses.subList(1, losses.size())), failures,
                OptionalDouble.of(losses.getFirst()), name);
    }

    private List<Path> save(Prepared prepared, PruningPlan plan) {
        List<Path> folders = new ArrayList<>();
        List<PruningStep> wanted = options.continueSaving() ? plan.steps() : List.of(plan.steps().getLast());
        for (int layers : wanted.stream().map(step -> step.stack().size()).distinct().toList()) {
            Saving saving = saving(prepared.saving, layers, prepared.interrupted);
            saving.write(store, plan.until(layers), progress);
            folders.add(saving.folder());
        }
        return folders;
    }

    private List<List<Evaluation>> evaluate(List<Chosen> chosen) {
        List<List<LayerStack>> wanted = chosen.stream()
                .map(one -> options.continueSaving()
                        ? one.plan.stacksBySize()
                        : List.of(LayerStack.dense(one.plan.layers()), one.plan.last()))
                .toList();
        List<LayerStack> stacks = wanted.stream().flatMap(List::stream).distinct().toList();
        List<List<Evaluation>> evaluations = new ArrayList<>();
        wanted.forEach(_ -> evaluations.add(new ArrayList<>()));
        for (PerplexityText text : texts) {
            List<Perplexity> perplexities = Perplexity.measure(store, stacks, text,
                    model.compute(options.compute()), options.compute().memory(), progress);
            for (int i = 0; i < wanted.size(); i++) {
                for (LayerStack stack : wanted.get(i)) {
                    Perplexity perplexity = perplexities.get(stacks.indexOf(stack));
                    evaluations.get(i)
                            .add(new Evaluation(stack.size(), perplexity.metric(), perplexity.value()));
                }
            }
        }
        return evaluations;
    }

    private ObjectNode settings(Run run, Compute compute, Optional<CalibrationSet> calibration) {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("tool", Version.NAME);
        ObjectNode about = settings.putObject("model");
        Path folder = model.checkpoint().folder();
        about.put("name", Hub.nameOf(folder).orElseGet(() -> String.valueOf(folder.getFileName())));
        about.put("model_type", config.family().modelType());
        about.put("stored_dtype", config.storedType(model.checkpoint()).label());
        about.put("parameters", config.parameters(config.layers()));
        about.put("fingerprint", model.checkpoint().fingerprint());
        settings.put("method", run.method().name());
        settings.set("options", RecordJson.tree(run.method().options()));
        settings.put(PruningPlan.TARGET_LAYERS, options.targetLayers());
        calibration.ifPresent(set -> {
            if (run.calibration() instanceof CalibrationSet.Options sampled) {
                settings.put("seed", sampled.seed());
            }
            settings.set("calibration", RecordJson.tree(set.facts()));
        });
        settings.putObject("compute").put("dtype", compute.dtypeName()).put("device", compute.device());
        options.healing().ifPresent(healing -> settings.set(PruningPlan.HEALING,
                PlanHealing.settings(healing, run.calibration(), set(run), compute)));
        return settings;
    }

    private void checkSameRun(PruningPlan interrupted, PruningPlan fresh, RunFolder runFolder) {
        List<String> differences = interrupted.differences(fresh.settings());
        if (!differences.isEmpty()) {
            throw new UsageException("--resume: the interrupted run had other settings ("
                    + String.join("; ", differences) + "); give the same, or start anew without --resume");
        }
        interrupted.requireFits(config, runFolder.planFile());
        progress.note("Resuming after step " + interrupted.steps().size() + ": " + interrupted.last().tree());
    }

    private void closeCalibrations() {
        calibrations.values().forEach(LocalCalibration::close);
        calibrations.clear();
    }

    @Override
    public void close() {
        closeCalibrations();
        trained.forEach(TrainedLayers::close);
        if (several()) {
            common.remove();
        }
    }

    /**
     * A method on its way.
     *
     * @param sequences empty if it needs no tokens
     * @param begun what is known before it works
     * @param done whether it had been done before
     */
    record Prepared(Run run, Compute compute, Sequences sequences, Saving saving, RunFolder folder,
            PruningPlan begun, Optional<PruningPlan> interrupted, boolean done) {}

    /** A method that has chosen. */
    record Chosen(Prepared prepared, PruningPlan plan, Duration choosing, Duration healing, OptionalLong peakBytes) {}

    /** What methods share that measure on the same tokens in the same way. */
    record Shared(Optional<CalibrationSet.Source> source, Reading reading, String dtype, boolean fits) {
        static Shared of(Prepared prepared) {
            Run run = prepared.run;
            return new Shared(run.needsTokens() ? Optional.of(run.calibration()) : Optional.empty(),
                    run.method().reading(),
                    prepared.compute.dtypeName(), run.method().needs() == Needs.FITS);
        }
    }

    /** Leaves nothing behind but steps that a later run can go on from. */
    private void tidyUp(RunFolder runFolder, Throwable failure) {
        try {
            if (runFolder.hasPlan() && !(failure instanceof NothingToDoException)) {
                progress.note("The steps that were taken are kept in " + runFolder.planFile().getParent()
                        + "; the same command with --resume goes on from there.");
            } else {
                runFolder.remove();
            }
        } catch (RuntimeException | Error e) {
            failure.addSuppressed(e);
        }
    }

    /** Where the model with so many layers goes; what an interrupted run has saved there before is replaced. */
    private Saving saving(Saving target, int layers, Optional<PruningPlan> interrupted) {
        Saving saving = options.continueSaving() ? target.below(layers) : target;
        return interrupted.map(saving::replacingResultOf).orElse(saving);
    }

    /** The plan of an interrupted run, if there is one and it is to be resumed. */
    private Optional<PruningPlan> interrupted(Saving target, RunFolder runFolder) {
        if (options.resume() && runFolder.hasPlan()) {
            return Optional.of(runFolder.plan());
        }
        if (options.resume()) {
            progress.note("No interrupted run lies beside " + target.folder() + "; starting anew.");
        } else if (runFolder.hasPlan()) {
            progress.note("An interrupted run lies beside " + target.folder()
                    + "; --resume would have gone on with it. Starting anew.");
        }
        return Optional.empty();
    }

    /** Says at each bar which method and round it belongs to. */
    private final class LabelledProgress implements Progress {
        private String label = "";

        void label(String name, int round, int rounds) {
            label = name + (rounds == 1 ? "" : "step " + Math.min(round, rounds) + " of " + rounds + ": ");
        }

        @Override
        public Task begin(String what, long total, String unit) {
            return progress.begin(label + what, total, unit);
        }

        @Override
        public void note(String line) {
            progress.note(line);
        }
    }
}
