package dev.come.cli;

import dev.come.UsageException;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.evaluate.TaskSummary;
import dev.come.job.ComputeChoice;
import dev.come.job.EvalCard;
import dev.come.job.EvalFiles;
import dev.come.job.EvalJob;
import dev.come.job.PerplexityOptions;
import dev.come.job.ResultFile;
import dev.come.vocabulary.TokenizerCompat;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come eval}: measures a model. */
@Command(name = "eval", description = "Measure a model: tasks of lm-evaluation-harness, and perplexity.",
        footer = {"", "Example:",
            "  come eval --model small --baseline HuggingFaceTB/SmolLM2-135M",
            "      --tasks piqa,arc_easy --limit 200 --ppl-data wiki2 --ppl-windows 8"})
final class EvalCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--baseline", paramLabel = "MODEL",
            description = "Folder or hub name of a model that is measured too, usually the dense one: adds its values and"
                    + " the differences.")
    private @Nullable String baseline;

    @Option(names = "--compare", paramLabel = "MODEL", description = {
        "Folder or hub name of a model to run beside it on the texts of --ppl-data, usually the dense one. It must"
                + " have the same tokens.",
        "Adds, token by token, the KL divergence from its next-token probabilities and the share of equal likeliest"
                + " tokens. Also adds the difference in log perplexity with its error."})
    private @Nullable String compared;

    @Option(names = "--tasks", arity = "1..*", split = ",", paramLabel = "NAME...", hideParamSyntax = true,
            completionCandidates = Tasks.class, description = {
                "boolq, piqa, hellaswag, winogrande, arc_easy, arc_challenge, openbookqa, race, mmlu,"
                        + " one subject as in mmlu_anatomy, one part as in mmlu_stem, wikitext, lambada_openai, or a file that"
                        + " describes a task (.json).",
                "triviaqa, nq_open, gsm8k and gsm8k_cot have the model write texts, for which all of it is in memory."})
    private List<String> tasks = List.of();

    @Option(names = "--num-fewshot", paramLabel = "K",
            description = "Solved examples in front of each question (default: 0; gsm8k 5, gsm8k_cot 8).")
    private @Nullable Integer shots;

    @Option(names = "--limit", paramLabel = "N", description = "Take only the first N documents (default: all).")
    private @Nullable Integer limit;

    @Option(names = "--bos", paramLabel = "RULE", description = {
        "Whether the BOS token stands in front of every text: tokenizer (as it does by itself), always or never.",
        "Default: as the release of the harness does."})
    private @Nullable String bos;

    @Option(names = "--harness-version", paramLabel = "VERSION", description = {
        "The release of lm-evaluation-harness to imitate: 0.4.13, 0.4.9.1 or 0.4.1 (default: 0.4.13).",
        "They differ in the tokens in front of a text, and in race. Where it is given, --tokenizer-compat is"
                + " transformers5 with 0.4.13, and file with the others."})
    private @Nullable String harness;

    @Option(names = "--max-length", paramLabel = "TOKENS",
            description = "Most tokens that the model sees at once (default: those it was made for).")
    private @Nullable Integer maxLength;

    @Option(names = "--output", paramLabel = "FILE", description = {
        "Write the results as JSON. Scores are kept beside it as they come, so that the same command goes on with a"
                + " run that was killed."})
    private @Nullable Path output;

    @Option(names = "--log-samples",
            description = "Write every question with its scores beside the results (.samples.jsonl), and long texts with"
                    + " their bits too (.documents.csv).")
    private boolean samples;

    @Option(names = "--losses", paramLabel = "FILE", description = {
        "Write the loss of every scored token of --ppl-data as CSV, with --compare the divergence there too."})
    private @Nullable Path losses;

    @Option(names = "--card",
            description = "Write the results into README.md of the model's folder: a table, and what the hub reads."
                    + " All else in it stays.")
    private boolean card;

    @Option(names = "--overwrite", description = "Replace files that --output and --losses name.")
    private boolean overwrite;

    @Mixin
    private JsonOption json = new JsonOption();

    @Mixin
    private ResumptionOptions interrupted = new ResumptionOptions();

    @Mixin
    private PerplexityData perplexity = new PerplexityData();

    @Section(heading = "%nData:%n", order = 1)
    private DataOptions data = new DataOptions();

    @Section(heading = "%nComputing:%n", order = 2)
    private ComputeOptions computing = new ComputeOptions();

    @Section(heading = "%nCluster:%n", order = 3)
    private ClusterOptions cluster = new ClusterOptions();

    /** The tasks that come with the project, for completion. */
    static final class Tasks extends NamesOf {
        Tasks() {
            super(TaskSummary.names());
        }
    }

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        if (limit != null && tasks.isEmpty()) {
            throw new UsageException(
                    "--limit takes the first documents of tasks, but --tasks is missing; for the texts of"
                            + " --ppl-data it is --ppl-windows");
        }
        HarnessVersion version = harness == null ? HarnessVersion.DEFAULT : HarnessVersion.of(harness);
        EvaluationOptions options = new EvaluationOptions(tasks, shots == null ? EvaluationOptions.USUAL : shots,
                limit == null ? EvaluationOptions.ALL : limit,
                version, bos == null ? version.bosRule() : BosRule.of(bos),
                maxLength == null ? EvaluationOptions.ALL : maxLength, data.library(model.hub()));
        PerplexityOptions texts = perplexity.options(data, model.hub());
        ComputeChoice choice = computing.choice(main.progress(spec.commandLine().getErr()),
                harness == null ? TokenizerCompat.FILE : version.tokenizers()).on(cluster.choice()); // what is mistyped is told before anything is downloaded
        EvalFiles files = new EvalFiles(Optional.ofNullable(output), samples, Optional.ofNullable(losses),
                overwrite, interrupted.resumption());
        EvalJob.Request.check(options, texts, compared != null, files);
        Optional<EvalCard> results = card ? Optional.of(EvalCard.of(model.paths().findFirst())) : Optional.empty();
        EvaluationReport report = EvalJob.run(
                new EvalJob.Request(model.folder(), Optional.ofNullable(baseline).map(model::folder),
                        Optional.ofNullable(compared).map(model::folder), options, texts, files),
                choice,
                main.progress(spec.commandLine().getErr()),
                measured -> results.ifPresent(into -> into.write(measured, options)));
        Evaluations.print(report, json.text());
        if (output != null) {
            json.text().println("Report: " + new ResultFile("--output", output, overwrite).page().file());
        }
        json.print(report::toJson);
    }
}
