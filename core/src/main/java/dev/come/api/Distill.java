package dev.come.api;

import dev.come.UsageException;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Objective;
import dev.come.distill.Students;
import dev.come.job.ComputeChoice;
import dev.come.job.DistillJob;
import dev.come.job.ModelSource;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import dev.come.prune.PruningPlan;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * Asks for the layers of a pruned model to be trained to do what those did that they stand for; {@link #run} does it. Names and
 * defaults are those of {@code come distill}.
 */
public final class Distill extends Training<Distill> {
    private static final DistillationOptions USUAL = DistillationOptions.DEFAULTS;

    private final String teacher;
    private int processes;

    Distill(String pruned, String teacher) {
        super(pruned);
        this.teacher = teacher;
    }

    @Override
    Distill self() {
        return this;
    }

    /** {@code layer}, {@code model} or {@code both} (the default): single layers that stand for several are trained, then the whole model. */
    public Distill level(String name) {
        return say("--level", name);
    }

    /** Tokens that each layer is trained on, and the whole model too where nothing else is said; the default is 500,000. */
    public Distill tokens(long count) {
        return say("--tokens", count);
    }

    /** What single layers are trained for: {@code mse} (the default), {@code kl} or {@code cosine}. */
    public Distill objective(String name) {
        return say("--objective", name);
    }

    /**
     * Which layers learn to do what removed ones did: those {@code before} them, {@code after} them or {@code both}; with
     * {@code auto} (the default) those before, and in a model with merged layers none, since then these learn alone.
     */
    public Distill seam(String which) {
        return say("--seam", which);
    }

    /**
     * The hidden states that single layers learn from: those of the {@code teacher} (the default), or the student's {@code own},
     * made by the layers below with what these have learned.
     */
    public Distill inputs(String whose) {
        return say("--inputs", whose);
    }

    /**
     * Which single layers learn: those at a {@code cut} or merged (the default), or {@code all} that were changed or are shown
     * something else than the teacher's layers are.
     */
    public Distill layerScope(String which) {
        return say("--layer-scope", which);
    }

    /** The weight of the squared error of hidden states after merged layers; the default is 0. */
    public Distill hiddenWeight(double weight) {
        return say("--hidden-weight", weight);
    }

    /** The highest learning rate of single layers; the default is 1e-3, for kl 1e-4. */
    public Distill learningRate(double rate) {
        return say("--lr", rate);
    }

    /** How many processes train single layers at once; the default is 0: this one does. */
    public Distill processes(int count) {
        if (count < 0) {
            throw new UsageException("processes(" + count + "): must be 0 or more");
        }
        processes = count;
        return say("--mode", count);
    }

    /**
     * Trains, and writes the model. An interrupted run with the same settings goes on.
     *
     * @throws UsageException if the folder to make was not said, or a value cannot be
     * @throws dev.come.InvalidInputException if the pruned folder has no come.json, was changed since it was written, or was made
     *         from another dense model
     * @throws dev.come.NothingToDoException if there is no layer to train, or none became better
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public HealedModel run() {
        return Wording.job(() -> {
            DistillationOptions options = options();
            options.requireUsed(saidOptions());
            List<DistillJob.Text> sources = texts(textsOr(List.of(DistillJob.DEFAULT_TEXT)));
            PerplexityOptions perplexity = perplexity();
            ComputeChoice choice = choice();
            DistillJob.requireIndependent(options, processes, choice);
            Saving saving = saving().reading(Stream.concat(source().onDisk().stream(),
                    new ModelSource(teacher, Optional.empty()).onDisk().stream()));
            // Last, so that a wrong value is refused before anything is downloaded.
            DistillJob.Result result = reported(watch -> new DistillJob(new DistillJob.Options(folder(),
                    folder(teacher), sources, windows(), options, processes, perplexity, choice, saving, resumption()),
                    watch).run(), _ -> List.of(saving.folder()));
            return HealedModel.of(saving.folder(), result.plan(), perplexities(result), result.dtype(),
                    result.training());
        });
    }

    private DistillationOptions options() {
        Objective objective = said("--objective", USUAL.objective(), Objective.values());
        return options(USUAL, said("--level", USUAL.level(), Level.values()), objective,
                said("--tokens", USUAL.tokens()), said("--lr", objective.rate()), students(),
                said("--hidden-weight", USUAL.hiddenWeight()));
    }

    private Students students() {
        Students usual = USUAL.students();
        return new Students(said("--seam", usual.seam(), Students.Seam.values()),
                said("--inputs", usual.inputs(), Students.Inputs.values()),
                said("--layer-scope", usual.scope(), Students.Scope.values()));
    }

    private static SequencedMap<String, HealedModel.Perplexities> perplexities(DistillJob.Result result) {
        PruningPlan plan = result.plan();
        SequencedMap<String, HealedModel.Perplexities> measured = new LinkedHashMap<>();
        result.prunedEvaluations().forEach(pruned -> measured.put(pruned.metric(), new HealedModel.Perplexities(
                HealedModel.value(plan, pruned.metric(), plan.layers()), pruned.value(),
                HealedModel.value(plan, pruned.metric(), plan.last().size()))));
        return measured;
    }
}
