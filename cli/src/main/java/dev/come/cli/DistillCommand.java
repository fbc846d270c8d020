package dev.come.cli;

import dev.come.UsageException;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.Objective;
import dev.come.distill.Students;
import dev.come.distill.TrainedParts;
import dev.come.job.ComputeChoice;
import dev.come.job.DistillJob;
import dev.come.job.PerplexityOptions;
import dev.come.job.Saving;
import dev.come.prune.PruningPlan;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come distill}: heals a pruned model. */
@Command(name = "distill",
        description = "Train the layers of a pruned model to reproduce the layers they replace.",
        footer = {"", "Example:",
            "  come distill --model small --teacher HuggingFaceTB/SmolLM2-135M",
            "      --calibration-dataset wiki2 --tokens 500000 --save-path trained"})
final class DistillCommand implements Runnable {
    private static final DistillationOptions USUAL = DistillationOptions.DEFAULTS;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PrunedModelOptions model = new PrunedModelOptions();

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nTraining:%n", order = 1)
    private TrainingOptions training = new TrainingOptions();

    @Section(heading = "%nText:%n", order = 2)
    private TextOptions text = new TextOptions();

    @Section(heading = "%nResult:%n", order = 3)
    private MeasuredOutputOptions result = new MeasuredOutputOptions();

    @Section(heading = "%nComputing:%n", order = 4)
    private ExecutionOptions execution = new ExecutionOptions();

    /** How layers are trained. */
    static final class TrainingOptions {
        @Option(names = "--level", paramLabel = "LEVEL", description = {
            "layer, model or both (default: ${DEFAULT-VALUE}).",
            "layer: train each layer that stands for several of the teacher's by itself, on the hidden states before and"
                    + " after these.",
            "model: train the whole model, on the teacher's probabilities of the next token."})
        private String level = Choice.name(USUAL.level());

        @Option(names = "--seam", paramLabel = "WHERE", description = {
            "Which layers learn to do what removed layers did: auto, before, after or both (default: ${DEFAULT-VALUE}).",
            "before, after: the layer before or after them; both: each of the two for half of them; auto: before, but in a"
                    + " model with merged layers these learn alone."})
        private String seam = Choice.name(USUAL.students().seam());

        @Option(names = "--inputs", paramLabel = "WHOSE", description = {
            "Hidden states that single layers are shown: teacher or own (default: ${DEFAULT-VALUE}).",
            "own: those that the pruned model's own layers below give, with what these have learned."})
        private String inputs = Choice.name(USUAL.students().inputs());

        @Option(names = "--layer-scope", paramLabel = "WHICH", description = {
            "Which layers learn by themselves: cut or all (default: ${DEFAULT-VALUE}).",
            "cut: those that stand for several of the teacher's; all: those too that were refitted or, with --inputs own,"
                    + " are shown something else than the teacher's layers."})
        private String scope = Choice.name(USUAL.students().scope());

        @Option(names = "--tokens", paramLabel = "N",
                description = "Tokens that each layer is trained on (default: ${DEFAULT-VALUE}).")
        private long tokens = USUAL.tokens();

        @Option(names = "--model-tokens", paramLabel = "N",
                description = "Tokens that the whole model is trained on (default: as --tokens).")
        private @Nullable Long modelTokens;

        @Option(names = "--objective", paramLabel = "NAME", description = {
            "Objective of the training of single layers: mse, kl or cosine (default: ${DEFAULT-VALUE}).",
            "kl: over the hidden dimension, as in the paper's figure."})
        private String objective = Choice.name(USUAL.objective());

        @Option(names = "--train", paramLabel = "WHAT", description = {
            "Weights that learn when the whole model is trained: merged, all, norms or last:N (default:"
                    + " ${DEFAULT-VALUE}).",
            "merged (or cut, as --heal-scope calls it): merged layers, and those beside removed ones; norms: the norms of"
                    + " all layers; last:N: the last N layers."})
        private String trained = USUAL.trained().label();

        @Option(names = "--hidden-weight", paramLabel = "W", description = {
            "Add W times the squared error of the hidden states after merged layers when the whole model is trained;"
                    + " 0: add nothing (default: ${DEFAULT-VALUE})."})
        private double hiddenWeight = USUAL.hiddenWeight();

        @Option(names = "--lr", paramLabel = "RATE",
                description = "Highest learning rate of single layers (default: 1e-3; for kl 1e-4).")
        private @Nullable Double rate;

        @Option(names = "--model-lr", paramLabel = "RATE",
                description = "Highest learning rate of the whole model (default: ${DEFAULT-VALUE}).")
        private double modelRate = USUAL.modelSchedule().peak();

        @Option(names = "--batch-tokens", paramLabel = "N",
                description = "Tokens in a step (default: ${DEFAULT-VALUE}).")
        private long batchTokens = USUAL.batchTokens();

        @Option(names = "--eval-every", paramLabel = "K", description = {
            "Steps between two measurements of the validation loss, when the state is kept too; 0: a tenth of all"
                    + " (default: ${DEFAULT-VALUE})."})
        private int evaluateEvery = USUAL.evaluateEvery();

        @Section
        private StepOptions steps = new StepOptions();

        DistillationOptions options(long validationTokens) {
            Objective trainedFor = Choice.of("--objective", objective, Objective.values());
            return steps.options(Choice.of("--level", level, Level.values()), trainedFor,
                    new StepOptions.Amounts(tokens, modelTokens == null ? tokens : modelTokens, validationTokens,
                            batchTokens, evaluateEvery),
                    new StepOptions.Rates(rate == null ? trainedFor.rate() : rate, modelRate),
                    new Students(Choice.of("--seam", seam, Students.Seam.values()),
                            Choice.of("--inputs", inputs, Students.Inputs.values()),
                            Choice.of("--layer-scope", scope, Students.Scope.values())),
                    TrainedParts.of(trained), hiddenWeight);
        }
    }

    /** What is trained on. */
    static final class TextOptions {
        @Option(names = "--calibration-dataset", arity = "1..*", paramLabel = "NAME...",
                hideParamSyntax = true, description = {
                    "wiki2, c4, pg19, bookcorpus, alpaca, mmlu or paths (default: ${DEFAULT-VALUE}). Each gives the same"
                            + " share of the tokens, or that which is said, as in wiki2:0.3 c4:0.7."})
        private List<String> datasets = List.of(DistillJob.DEFAULT_TEXT);

        @Option(names = "--validation-tokens", paramLabel = "N", description = {
            "Tokens held out from training, to find the best weights (default: ${DEFAULT-VALUE})."})
        private long validationTokens = USUAL.validationTokens();

        @Section
        private DataOptions data = new DataOptions();
    }

    /** How the work is done. */
    static final class ExecutionOptions {
        private static final Choice MODES = new Choice("--mode", List.of("sp", "mp"));

        @Option(names = "--mode", paramLabel = "MODE", description = {
            "How single layers are trained: sp, one after the other in this process, or mp, in processes of their own that "
                    + "share the teacher's states (default: ${DEFAULT-VALUE}). Both give the same weights."})
        private String mode = "sp";

        @Option(names = "--workers", paramLabel = "N", description = {
            "Processes of --mode mp; the threads are shared out, and with --device cuda the devices (default: 2)."})
        private @Nullable Integer workers;

        @Section
        private ComputeOptions computing = new ComputeOptions();

        @Section(heading = "%nCluster:%n", order = 5)
        private ClusterOptions cluster = new ClusterOptions();

        int processes() {
            boolean several = MODES.check(mode).equals("mp");
            if (!several && workers != null) {
                throw new UsageException("--workers is for --mode mp; leave it out");
            }
            if (workers != null && workers < 1) {
                throw new UsageException("--workers is " + workers + ", but must be at least 1");
            }
            return several ? workers == null ? 2 : workers : 0;
        }
    }

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        DistillationOptions options = training.options(text.validationTokens);
        options.requireUsed(spec.commandLine().getParseResult().matchedOptionsSet().stream()
                .map(matched -> matched.longestName()).toList());
        Saving saving = result.saving().reading(model.paths());
        List<DistillJob.Text> sources = DistillJob.Text.of(text.datasets, text.data.library(model.hub()),
                text.data.textField());
        PerplexityOptions perplexity = result.perplexity(text.data, model.hub());
        ComputeChoice choice = execution.computing.choice(main.progress(spec.commandLine().getErr()))
                .on(execution.cluster.choice());
        int processes = execution.processes();
        DistillJob.requireIndependent(options, processes, choice);
        // Last, so that a mistyped option is refused before anything is downloaded.
        DistillJob job = new DistillJob(new DistillJob.Options(model.folder(), model.teacher(), sources,
                text.data.windows(), options, processes, perplexity, choice, saving,
                result.resumption()),
                main.progress(spec.commandLine().getErr()));
        long started = System.nanoTime();
        print(job.run(), saving, Duration.ofNanos(System.nanoTime() - started), json.text());
        main.report(List.of(saving.folder()), spec.commandLine(), json);
    }

    private static void print(DistillJob.Result result, Saving saving, Duration total, PrintWriter out) {
        PruningPlan plan = result.plan();
        Curves.print(result.trained(), plan, out);
        out.println();
        PrunedModels.printPerplexities(plan, new LinkedHashMap<>(Map.of("pruned", result.prunedEvaluations())),
                "healed",
                out);
        PrunedModels.printMade(plan,
                "%s, of it %s to train".formatted(Units.time(total), Units.time(result.training())), result.dtype(),
                List.of(saving.folder()), out);
    }
}
