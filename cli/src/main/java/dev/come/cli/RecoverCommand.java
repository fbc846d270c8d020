package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import dev.come.distill.DistillationOptions;
import dev.come.distill.Level;
import dev.come.distill.TrainedParts;
import dev.come.job.ComputeChoice;
import dev.come.job.PerplexityOptions;
import dev.come.job.RecoverJob;
import dev.come.job.Recovery;
import dev.come.job.RecoveryEstimate;
import dev.come.job.RecoveryRecipe;
import dev.come.job.Saving;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come recover}: heals a pruned model, and trains the whole of it. */
@Command(name = "recover", description = {
    "Heal a pruned model in closed form, then train all of it on the dense model's probabilities of the next token.",
    "The same as come heal and then come distill --level model, with options that were found to work together."},
        footer = {"", "Example:",
            "  come recover --model small --teacher HuggingFaceTB/SmolLM2-135M",
            "      --recipe quick --save-path recovered"})
final class RecoverCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private PrunedModelOptions model = new PrunedModelOptions();

    @Option(names = "--dry-run",
            description = "Only tell how many tokens, how much memory and how much time it would take; write nothing.")
    private boolean dryRun;

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nRecipe:%n", order = 1)
    private RecipeOptions recipe = new RecipeOptions();

    @Section(heading = "%nHealing:%n", order = 2)
    private HealOptions healing = new HealOptions();

    @Section(heading = "%nTraining:%n", order = 3)
    private StepOptions steps = new StepOptions();

    @Section(heading = "%nText:%n", order = 4)
    private TextOptions text = new TextOptions();

    @Section(heading = "%nResult:%n", order = 5)
    private MeasuredOutputOptions result = new MeasuredOutputOptions();

    @Section(heading = "%nComputing:%n", order = 6)
    private ComputeOptions computing = new ComputeOptions();

    /** What a recipe decides. */
    static final class RecipeOptions {
        @Option(names = "--recipe", paramLabel = "NAME", description = {
            "quick, hour or gpu (default: ${DEFAULT-VALUE}); docs/healing.md says which for which budget.",
            "quick: heal on 55,296 tokens, train on 163,840 in steps of 2,048, rate 5e-4.",
            "hour: heal on 147,456, train on 737,280 in steps of 4,096.",
            "gpu: heal on 294,912, train on 30,015,488 in steps of 32,768 and windows of 1,024."})
        private String recipe = Choice.name(RecoveryRecipe.QUICK);

        @Option(names = "--calibration-tokens", paramLabel = "N",
                description = "Tokens to heal on (default: by the recipe).")
        private @Nullable Long healingTokens;

        @Option(names = "--model-tokens", paramLabel = "N",
                description = "Tokens to train on; more than there are means several times (default: by the recipe).")
        private @Nullable Long modelTokens;

        @Option(names = "--model-lr", paramLabel = "RATE",
                description = "Highest learning rate (default: by the recipe).")
        private @Nullable Double modelRate;

        @Option(names = "--batch-tokens", paramLabel = "N",
                description = "Tokens in a step (default: by the recipe).")
        private @Nullable Long batchTokens;

        @Option(names = "--train", paramLabel = "WHAT", description = {
            "Weights that learn: merged, all, norms or last:N, as in come distill (default: by the recipe, all)."})
        private @Nullable String trained;

        @Option(names = "--train-seqlen", paramLabel = "TOKENS", description = {
            "Tokens in a window that is trained on (default: by the recipe, 512 or 1024, or the model's positions if they"
                    + " are fewer)."})
        private @Nullable Integer trainingWindow;

        @Option(names = "--validation-tokens", paramLabel = "N", description = {
            "Tokens held out from training, to find the best weights (default: by the recipe)."})
        private @Nullable Long validationTokens;

        @Option(names = "--eval-every", paramLabel = "K", description = {
            "Steps between two measurements of the validation loss, when the state is kept too; 0: a tenth of all"
                    + " (default: by the recipe)."})
        private @Nullable Integer evaluateEvery;

        Recovery recovery(HealOptions healing, StepOptions steps) {
            Recovery usual = RecoveryRecipe.of(recipe).recovery();
            DistillationOptions training = usual.training();
            double rate = or(modelRate, training.modelSchedule().peak());
            return new Recovery(usual.recipe(), or(healingTokens, usual.healingTokens()), healing.options(),
                    or(trainingWindow, usual.trainingWindow()),
                    steps.options(Level.MODEL, training.objective(),
                            new StepOptions.Amounts(training.tokens(), or(modelTokens, training.modelTokens()),
                                    or(validationTokens, training.validationTokens()),
                                    or(batchTokens, training.batchTokens()),
                                    or(evaluateEvery, training.evaluateEvery())),
                            new StepOptions.Rates(rate, rate), training.students(),
                            trained == null
                                    ? training.trained()
                                    : TrainedParts.of(trained),
                            training.hiddenWeight()));
        }

        private static <V> V or(@Nullable V said, V usual) {
            return said == null ? usual : said;
        }
    }

    /** What is healed and trained on. */
    static final class TextOptions {
        @Option(names = "--calibration-dataset", arity = "1..*", paramLabel = "NAME...", hideParamSyntax = true,
                description = {
                    "wiki2, c4, pg19, bookcorpus, alpaca, mmlu or paths, with shares of the tokens or equal ones (default:"
                            + " wiki2:0.5 c4:0.5)."})
        private List<String> datasets = RecoveryRecipe.TEXTS;

        @Section
        private DataOptions data = new DataOptions();
    }

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        Progress progress = main.progress(spec.commandLine().getErr());
        Recovery recovery = recipe.recovery(healing, steps);
        Saving saving = dryRun && !result.isPlaceKnown()
                ? new Saving(Path.of("dry-run"), Long.MAX_VALUE, false)
                : result.saving().reading(model.paths());
        RecoverJob.Text sources = new RecoverJob.Text(text.datasets, text.data.library(model.hub()),
                text.data.textField(), text.data.windows());
        PerplexityOptions perplexity = result.perplexity(text.data, model.hub());
        ComputeChoice choice = computing.choice(progress);
        // Last, so that a mistyped option is refused before anything is downloaded.
        RecoverJob job = new RecoverJob(new RecoverJob.Options(model.folder(), model.teacher(), recovery, sources,
                perplexity, choice, saving, result.resumption()), progress);
        PrintWriter out = json.text();
        if (dryRun) {
            RecoveryEstimate estimate = job.estimate();
            main.clearLine();
            print(estimate, out);
            json.print(estimate::json);
            if (result.isPlaceKnown()) {
                estimate.requireRoom(saving.folder());
            }
            return;
        }
        long started = System.nanoTime();
        print(job.run(), saving, Duration.ofNanos(System.nanoTime() - started), out);
        main.report(List.of(saving.folder()), spec.commandLine(), json);
    }

    private static void print(RecoveryEstimate estimate, PrintWriter out) {
        Table table = new Table(estimate.recipe(), "tokens", "steps", "on an idle machine");
        table.row("healing", number(estimate.healingTokens()), "", time(estimate.healing()));
        table.row("training", number(estimate.trainingTokens()), number(estimate.steps()),
                time(estimate.training()));
        out.println(table);
        out.println();
        out.printf(Locale.ROOT, "Text: %,d tokens to train on, %,d held out; computed in %s.%n", estimate.textTokens(),
                estimate.validationTokens(), estimate.dtype());
        out.printf("To expect: about %s of memory, %s on disk,%nand %s beside it meanwhile.%n",
                ByteSize.format(estimate.memoryBytes()), ByteSize.format(estimate.savedBytes()),
                ByteSize.format(estimate.temporaryBytes()));
        out.println("Nothing was written.");
    }

    private static String time(RecoveryEstimate.Range range) {
        return Units.time(range.least()) + " to " + Units.time(range.most());
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static void print(RecoverJob.Result recovered, Saving saving, Duration total, PrintWriter out) {
        PruningPlan plan = recovered.plan();
        Curves.print(recovered.trained(), plan, out);
        out.println();
        SequencedMap<String, List<Measurement>> stages = new LinkedHashMap<>();
        stages.put("pruned", recovered.pruned());
        stages.put("healed", recovered.healed());
        PrunedModels.printPerplexities(plan, stages, "trained", out);
        PrunedModels.printMade(plan, "%s, of it %s to heal and %s to train".formatted(Units.time(total),
                Units.time(recovered.healing()), Units.time(recovered.training())), recovered.dtype(),
                List.of(saving.folder()), out);
    }
}
