package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.evaluate.Perplexity;
import dev.come.heal.Healing;
import dev.come.model.Compute;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.prune.PruningPlan;
import dev.come.prune.PruningPlan.Evaluation;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
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
     */
    public record Options(Path pruned, Path teacher, Healing.Options healing, CalibrationSet.Source calibration,
            PerplexityOptions perplexity, ComputeChoice compute, Saving saving) {}

    /**
     * What came out.
     *
     * @param perplexities for each number its values: dense, pruned, healed
     * @param dtype the type that was computed in
     * @param healing the time that healing took, without perplexity and writing
     */
    public record Result(PruningPlan plan, SequencedMap<String, List<Double>> perplexities, String dtype,
            Duration healing) {}

    public HealJob(Options options, Progress progress) {
        this.options = options;
        this.progress = progress;
    }

    /**
     * Does the job.
     *
     * @throws InvalidInputException if the pruned folder has no plan, was changed since it was written, or was made from
     *         another dense model
     * @throws NothingToDoException if no layer comes nearer to the dense model
     */
    public Result run() {
        Path planFile = options.pruned.resolve(PruningPlan.FILE_NAME);
        if (!Files.exists(planFile)) {
            throw new InvalidInputException(options.pruned + " has no " + PruningPlan.FILE_NAME
                    + ", which tells what its layers stand for; give the folder of a model that come prune wrote");
        }
        PruningPlan plan = PruningPlan.read(planFile);
        RunFolder folder = RunFolder.forHealing(options.saving.folder());
        try (OpenModel teacher = new OpenModel(options.teacher);
                TrainedLayers before = new TrainedLayers(options.pruned)) {
            ApplyJob.requireMadeFor(teacher, plan, planFile);
            LayerStore store = teacher.store().with(before);
            requireUnchanged(store, plan.last());
            options.saving.check(store);
            List<PerplexityText> texts = options.perplexity.read(teacher, progress);
            CalibrationSet set = options.calibration.take(teacher.tokenizer(), teacher.config().positions());
            set.facts().notes().forEach(progress::note);
            progress.note("Calibration on " + set.facts().summary());
            try (TrainedLayers after = new TrainedLayers(folder.make())) {
                return heal(teacher, store, store.with(after), plan, set, texts, folder);
            }
        } finally {
            folder.remove();
        }
    }

    private Result heal(OpenModel teacher, LayerStore before, LayerStore after, PruningPlan plan, CalibrationSet set,
            List<PerplexityText> texts, RunFolder folder) {
        Compute compute = teacher.compute(options.compute);
        long started = System.nanoTime();
        PruningPlan healed = PlanHealing.heal(before, plan, set.sequences(), compute, options.healing,
                options.compute.memory(), folder.make(), progress);
        Duration healing = Duration.ofNanos(System.nanoTime() - started);
        if (healed.steps().size() == plan.steps().size()) {
            throw new NothingToDoException("No layer of " + options.pruned
                    + " comes nearer to the dense model on text that was held out; nothing was written");
        }
        List<LayerStack> stacks = List.of(LayerStack.dense(plan.layers()), plan.last(), healed.last());
        SequencedMap<String, List<Double>> perplexities = new LinkedHashMap<>();
        for (PerplexityText text : texts) {
            List<Perplexity> measured = Perplexity.measure(after, stacks, text, compute, options.compute.memory(),
                    progress);
            perplexities.put(measured.getFirst().metric(), measured.stream().map(Perplexity::value).toList());
        }
        PruningPlan recorded = healed
                .withSetting(PruningPlan.HEALING,
                        PlanHealing.settings(options.healing, options.calibration, set, compute))
                .withEvaluations(evaluations(plan, perplexities));
        options.saving.write(after, recorded, progress);
        return new Result(recorded, perplexities, compute.dtypeName(), healing);
    }

    /** What is known of the stacks: what was measured before on the layers that changed does not hold any more. */
    private static List<Evaluation> evaluations(PruningPlan plan, Map<String, List<Double>> perplexities) {
        int layers = plan.last().size();
        List<Evaluation> evaluations = new ArrayList<>(plan.evaluations().stream()
                .filter(known -> known.layers() != layers && !perplexities.containsKey(known.metric())).toList());
        perplexities.forEach((metric, values) -> {
            evaluations.add(new Evaluation(plan.layers(), metric, values.getFirst()));
            evaluations.add(new Evaluation(layers, metric, values.getLast()));
        });
        return evaluations;
    }

    /** Checks that the pruned folder holds the layers that its plan tells of, so that what is healed is what lies there. */
    private void requireUnchanged(LayerStore store, LayerStack stack) {
        try (OpenModel pruned = new OpenModel(options.pruned)) {
            ModelConfig config = pruned.config();
            if (config.layers() != stack.size()) {
                throw changed("it has " + config.layers() + " layers, and its plan tells of " + stack.size());
            }
            for (int position = 0; position < stack.size(); position++) {
                try (var _ = new PointerScope()) {
                    LayerWeights planned = store.materialise(stack.get(position));
                    LayerWeights found = LayerWeights.of(pruned.checkpoint(), config, position);
                    for (Map.Entry<Part, Tensor> part : planned.asMap().entrySet()) {
                        if (!found.get(part.getKey()).equal(part.getValue())) {
                            throw changed(config.tensorName(position, part.getKey())
                                    + " is not what its plan makes of the dense model");
                        }
                    }
                }
            }
            for (String name : Stream.concat(config.tensorsBefore().keySet().stream(),
                    config.tensorsAfter().keySet().stream()).toList()) {
                try (var _ = new PointerScope()) {
                    if (!pruned.checkpoint().tensor(name).equal(store.checkpoint().tensor(name))) {
                        throw changed(name + " is not that of the dense model");
                    }
                }
            }
        }
    }

    private InvalidInputException changed(String how) {
        return new InvalidInputException(options.pruned + " was changed after it was pruned: " + how
                + "; healing goes by the plan, so give the folder as it was written");
    }
}
