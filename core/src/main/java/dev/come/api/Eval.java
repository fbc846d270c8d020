package dev.come.api;

import dev.come.UsageException;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.job.ComputeChoice;
import dev.come.job.EvalCard;
import dev.come.job.EvalFiles;
import dev.come.job.EvalJob;
import dev.come.job.PerplexityOptions;
import dev.come.job.Resumption;
import dev.come.vocabulary.TokenizerCompat;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a model to be measured: on tasks as lm-evaluation-harness defines them, and by its perplexity on texts. {@link #run}
 * does it. Names and defaults are those of {@code come eval}.
 */
public final class Eval extends Measuring<Eval> {
    private final List<String> tasks = new ArrayList<>();
    private @Nullable String baseline;
    private @Nullable String compared;
    private int shots = EvaluationOptions.USUAL;
    private int limit = EvaluationOptions.ALL;
    private @Nullable HarnessVersion harness;
    private @Nullable String bos;
    private int maxLength = EvaluationOptions.ALL;
    private @Nullable Path output;
    private boolean samples;
    private @Nullable Path losses;
    private boolean card;
    private boolean overwrite;
    private Resumption resumption = Resumption.GO_ON;

    Eval(String model) {
        super(model);
    }

    @Override
    Eval self() {
        return this;
    }

    /**
     * More tasks: boolq, piqa, hellaswag, winogrande, arc_easy, arc_challenge, openbookqa, race, mmlu, one subject as in
     * mmlu_anatomy, one part as in mmlu_stem, wikitext, lambada_openai, or a file that describes a task (.json). For
     * triviaqa, nq_open, gsm8k and gsm8k_cot the model writes texts, and all of it is in memory.
     */
    public Eval tasks(String... names) {
        tasks.addAll(List.of(names));
        return this;
    }

    /** A model that is measured too, usually the dense one: its path, or a name on the hub. */
    public Eval baseline(String other) {
        baseline = other;
        return this;
    }

    /**
     * A model to run beside it on the texts for perplexity, token by token, usually the dense one: its path, or a name on the
     * hub. It must have the same tokens.
     */
    public Eval compareWith(String other) {
        compared = other;
        return this;
    }

    /** Solved examples in front of each question; the default is 0, for gsm8k 5 and for gsm8k_cot 8. */
    public Eval shots(int count) {
        shots = count;
        return this;
    }

    /** Takes only the first documents of each task. */
    public Eval limit(int documents) {
        limit = documents;
        return this;
    }

    /**
     * The release of lm-evaluation-harness to imitate: 0.4.13 (the default), 0.4.9.1 or 0.4.1. Where it is said,
     * {@link #tokenizerCompat} is transformers5 with 0.4.13, and file with the others.
     */
    public Eval harnessVersion(String number) {
        harness = Wording.job(() -> HarnessVersion.of(number));
        return this;
    }

    @Override
    TokenizerCompat tokenizersOtherwise() {
        return harness == null ? super.tokenizersOtherwise() : harness.tokenizers();
    }

    /** Whether the BOS token stands in front: tokenizer, always or never; the default is what the release does. */
    public Eval bos(String rule) {
        bos = rule;
        return this;
    }

    /** Most tokens that the model sees at once. */
    public Eval maxLength(int tokens) {
        maxLength = tokens;
        return this;
    }

    /** Writes the results as JSON. Scores are kept beside it as they come, so that an interrupted run goes on. */
    public Eval output(Path file) {
        output = file;
        return this;
    }

    /** Writes every question with its scores beside the results too. */
    public Eval logSamples() {
        samples = true;
        return this;
    }

    /** Writes the loss of every scored token of the texts as CSV. */
    public Eval losses(Path file) {
        losses = file;
        return this;
    }

    /** Writes the results into README.md of the model's folder, for people and for the hub. */
    public Eval card() {
        card = true;
        return this;
    }

    /** Replaces files that are to be written. */
    public Eval overwrite() {
        overwrite = true;
        return this;
    }

    /** Discards the scores of an interrupted run, and begins anew. */
    public Eval restart() {
        resumption = Resumption.RESTART;
        return this;
    }

    /**
     * Measures.
     *
     * @throws UsageException if neither tasks nor texts were said, or a value cannot be
     * @throws dev.come.InvalidInputException if a model, a task or a text cannot be used
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     * @throws dev.come.FailedException if anything else goes wrong, such as a disk that is full
     */
    public Evaluation run() {
        return Wording.job(() -> {
            HarnessVersion version = harness == null ? HarnessVersion.DEFAULT : harness;
            EvaluationOptions options = new EvaluationOptions(tasks, shots, limit, version,
                    bos == null ? version.bosRule() : BosRule.of(bos), maxLength, library());
            if (limit != EvaluationOptions.ALL && tasks.isEmpty()) {
                throw new UsageException("limit(...) takes the first documents of tasks, but tasks(...) is missing; for"
                        + " texts it is perplexityWindows(...)");
            }
            PerplexityOptions texts = perplexity();
            ComputeChoice choice = choice();
            EvalFiles files = new EvalFiles(Optional.ofNullable(output), samples, Optional.ofNullable(losses),
                    overwrite, resumption);
            EvalJob.Request.check(options, texts, compared != null, files);
            Optional<EvalCard> results = card ? Optional.of(EvalCard.of(source().onDisk())) : Optional.empty();
            // Last, so that a wrong value is refused before anything is downloaded.
            EvaluationReport report = EvalJob.run(new EvalJob.Request(folder(), Optional.ofNullable(baseline)
                    .map(this::folder), Optional.ofNullable(compared).map(this::folder), options, texts, files),
                    choice, progress(), measured -> results.ifPresent(into -> into.write(measured, options)));
            return Evaluation.of(report);
        });
    }
}
