package dev.come.job;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.evaluate.Evaluation;
import dev.come.evaluate.Evaluation.Results;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Measured;
import dev.come.evaluate.Journal;
import dev.come.evaluate.Perplexity;
import dev.come.evaluate.ScoredModel;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.text.PerplexityText;
import dev.come.text.SpecialTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code come eval}: measures a model. */
public final class EvalJob {
    private final Request request;
    private final ComputeChoice choice;
    private final Progress progress;

    /**
     * What is asked for.
     *
     * @param model folder of the model
     * @param baseline folder of a model to compare it with ({@code --baseline})
     * @param tasks the tasks and their rules; may have none
     * @param perplexity the texts to measure perplexity on; may be none
     * @param output where the results go as JSON ({@code --output})
     * @param samples whether every document is written too ({@code --log-samples})
     */
    public record Request(Path model, Optional<Path> baseline, EvaluationOptions tasks, PerplexityOptions perplexity,
            Optional<Path> output, boolean samples) {
        /** @throws UsageException if there is nothing to measure, or samples have nowhere to go */
        public Request {
            check(tasks, perplexity, output, samples);
        }

        /**
         * Checks what can be checked without the model.
         *
         * @throws UsageException as the constructor does
         */
        public static void check(EvaluationOptions tasks, PerplexityOptions perplexity, Optional<Path> output,
                boolean samples) {
            if (tasks.tasks().isEmpty() && perplexity.texts().isEmpty()) {
                throw new UsageException(
                        "--tasks and --ppl-data are missing: name tasks, or texts to measure perplexity on");
            }
            if (samples && output.isEmpty()) {
                throw new UsageException("--log-samples writes beside --output, which is missing");
            }
        }
    }

    private EvalJob(Request request, ComputeChoice choice, Progress progress) {
        this.request = request;
        this.choice = choice;
        this.progress = progress;
    }

    /**
     * Measures. With an output, scores are kept beside it as they come: a run that was killed goes on where it was when it is
     * asked for again.
     */
    public static EvaluationReport run(Request request, ComputeChoice choice, Progress progress) {
        return new EvalJob(request, choice, progress).run();
    }

    private EvaluationReport run() {
        if (request.output.isPresent() && Files.exists(request.output.get())) {
            throw new UsageException("--output: " + request.output.get()
                    + " is there already; remove it, or give another name");
        }
        Evaluation evaluation = Evaluation.of(request.tasks, progress);
        ObjectNode settings = EvaluationReport.settings(request.tasks);
        settings.put("tasks_fingerprint", evaluation.fingerprint());
        try (Journal journal = journal(settings)) {
            Measured model = measure(request.model, ScoredModel.MODEL, evaluation, journal);
            Optional<Measured> baseline = request.baseline
                    .map(folder -> measure(folder, ScoredModel.BASELINE, evaluation, journal));
            EvaluationReport report = new EvaluationReport(settings, model, baseline);
            request.output.ifPresent(output -> {
                if (request.samples) {
                    write(beside(output, ".samples.jsonl"), report.samples());
                }
                write(output, report.toJson());
            });
            journal.remove();
            return report;
        }
    }

    private Journal journal(ObjectNode settings) {
        if (request.output.isEmpty() || request.tasks.tasks().isEmpty()) {
            return Journal.inMemory();
        }
        ObjectNode header = settings.deepCopy();
        header.set(ScoredModel.MODEL, about(request.model));
        request.baseline.ifPresent(folder -> header.set(ScoredModel.BASELINE, about(folder)));
        Path file = beside(request.output.get(), ".scores.jsonl");
        if (Files.exists(file)) {
            progress.note("Going on with the scores in " + file);
        }
        return Journal.open(file, header);
    }

    /** A file beside the output, whose name begins like that of the output. */
    private static Path beside(Path output, String ending) {
        String name = String.valueOf(output.getFileName());
        return output.resolveSibling((name.endsWith(".json") ? name.substring(0, name.length() - 5) : name) + ending);
    }

    private ObjectNode about(Path folder) {
        try (OpenModel model = new OpenModel(folder)) {
            return about(model);
        }
    }

    private ObjectNode about(OpenModel model) {
        ModelConfig config = model.config();
        ObjectNode about = JsonNodeFactory.instance.objectNode();
        about.put("name", String.valueOf(model.checkpoint().folder().getFileName()));
        about.put("fingerprint", model.checkpoint().fingerprint());
        about.put("layers", config.layers());
        about.put("parameters", config.parameters(config.layers()));
        about.put("dtype", model.compute(choice).dtypeName());
        return about;
    }

    private Measured measure(Path folder, String role, Evaluation evaluation, Journal journal) {
        try (OpenModel model = new OpenModel(folder)) {
            Compute compute = model.compute(choice);
            ScoredModel scored = new ScoredModel(role, String.valueOf(folder.getFileName()), model.store(),
                    model.tokenizer(), SpecialTokens.of(folder, model.tokenizer()), compute, choice.memory());
            Results results = evaluation.measure(scored, journal, progress);
            List<LayerStack> dense = List.of(LayerStack.dense(model.config().layers()));
            List<Perplexity> perplexities = new ArrayList<>();
            for (PerplexityText text : request.perplexity.read(model, progress)) {
                perplexities.addAll(
                        Perplexity.measure(model.store(), dense, text, compute, choice.memory(), progress));
            }
            return new Measured(about(model), results, perplexities);
        }
    }

    /** Writes a file that has its name only when it is whole. */
    private static void write(Path file, String text) {
        Path fresh = file.resolveSibling(file.getFileName() + ".new");
        try {
            Files.writeString(fresh, text);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new FailedException("The results could not be written to " + file + " (" + IoReason.of(e)
                    + "); check that there is room and that the folder may be written to", e);
        }
    }
}
