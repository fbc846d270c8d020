package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.evaluate.Evaluation;
import dev.come.evaluate.Evaluation.Results;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Compared;
import dev.come.evaluate.EvaluationReport.Measured;
import dev.come.evaluate.Journal;
import dev.come.evaluate.JournalFile;
import dev.come.evaluate.Perplexity;
import dev.come.evaluate.SampleFiles;
import dev.come.evaluate.ScoredModel;
import dev.come.evaluate.TokenLosses;
import dev.come.failure.UnderWay;
import dev.come.hub.Hub;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.run.OtherMachines;
import dev.come.text.PerplexityText;
import dev.come.text.SpecialTokens;
import dev.come.text.TextSource;
import dev.come.vocabulary.TokenizerCompat;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** {@code come eval}: measures a model. */
public final class EvalJob {
    private final Request request;
    private final ComputeChoice choice;
    private final Progress progress;
    private final Consumer<EvaluationReport> also;
    private final Machines machines;

    /**
     * What is asked for.
     *
     * @param model folder of the model
     * @param baseline folder of a model that is measured too ({@code --baseline})
     * @param compared folder of a model that it is run beside on the texts ({@code --compare})
     * @param tasks the tasks and their rules; may have none
     * @param perplexity the texts to measure perplexity on; may be none
     * @param written what is written
     */
    public record Request(Path model, Optional<Path> baseline, Optional<Path> compared, EvaluationOptions tasks,
            PerplexityOptions perplexity, EvalFiles written) {
        /** @throws UsageException if something has nothing to act on, or files cannot be written */
        public Request {
            check(tasks, perplexity, compared.isPresent(), written);
            written.checkAgainst(Stream.of(Optional.of(model), baseline, compared).flatMap(Optional::stream).toList(),
                    Stream.concat(perplexity.texts().stream().map(TextSource::path).flatMap(Optional::stream),
                            tasks.files()).toList());
        }

        /** Without a model beside it. */
        public Request(Path model, Optional<Path> baseline, EvaluationOptions tasks, PerplexityOptions perplexity,
                Optional<Path> output, boolean samples) {
            this(model, baseline, Optional.empty(), tasks, perplexity,
                    new EvalFiles(output, samples, Optional.empty(), false));
        }

        /**
         * Checks what can be checked without the model.
         *
         * @throws UsageException as the constructor does
         */
        public static void check(EvaluationOptions tasks, PerplexityOptions perplexity, boolean compared,
                EvalFiles written) {
            if (tasks.tasks().isEmpty() && perplexity.texts().isEmpty()) {
                throw new UsageException(
                        "--tasks and --ppl-data are missing: name tasks, or texts to measure perplexity on");
            }
            if (compared && perplexity.texts().isEmpty()) {
                throw new UsageException("--compare runs both models on the texts of --ppl-data, which is missing");
            }
            if (written.losses().isPresent() && perplexity.texts().isEmpty()) {
                throw new UsageException("--losses writes what the tokens of --ppl-data cost, which is missing");
            }
            if (written.resumption() != Resumption.GO_ON && !written.keepScores(!tasks.tasks().isEmpty())) {
                throw new UsageException((written.resumption() == Resumption.RESTART
                        ? "--restart discards"
                        : "--resume takes up")
                        + " the scores of --tasks that an interrupted run has left beside --output; give both, or leave"
                        + " it out");
            }
            written.check();
        }
    }

    private EvalJob(Request request, ComputeChoice choice, Progress progress, Consumer<EvaluationReport> also) {
        this.also = also;
        this.request = request;
        this.choice = choice;
        this.progress = Interruptible.asking(progress);
        this.machines = new Machines(choice, progress);
    }

    /**
     * Measures. With an output, scores are kept beside it as they come: a run that was killed goes on where it was when it is
     * asked for again. The page of the output is written too.
     *
     * @param also writes what else is made of the report; a run that is killed meanwhile can still go on
     * @throws dev.come.FailedException if another run writes to one of the files
     * @throws UsageException if the scores of an interrupted run with other settings lie beside the output
     */
    public static EvaluationReport run(Request request, ComputeChoice choice, Progress progress,
            Consumer<EvaluationReport> also) {
        EvalJob job = new EvalJob(request, choice, progress, also);
        return Interruptible.job(job::lockedRun);
    }

    /** Measures, and writes nothing else of the report. */
    public static EvaluationReport run(Request request, ComputeChoice choice, Progress progress) {
        return run(request, choice, progress, _ -> {
        });
    }

    private EvaluationReport lockedRun() {
        try (RunLock _ = lock("--output", request.written.output().map(_ -> request.written.scoresFile()));
                RunLock _ = lock("--output", request.written.output());
                RunLock _ = lock("--losses", request.written.losses());
                machines) {
            return run();
        }
    }

    private @Nullable RunLock lock(String option, Optional<Path> file) {
        return file.isPresent() ? RunLock.take(file.get(), option, "eval", progress) : null;
    }

    private EvaluationReport run() {
        Evaluation evaluation = OneMachine.check(choice.cluster().isPresent(),
                Evaluation.of(request.tasks, progress));
        ObjectNode settings = EvaluationReport.settings(request.tasks);
        settings.put(Journal.FINGERPRINT, evaluation.fingerprint());
        if (choice.tokenizers() != TokenizerCompat.FILE) {
            settings.put(EvaluationReport.TOKENIZER_COMPAT, choice.tokenizers().toString());
        }
        try (Journal journal = journal(settings)) {
            return run(evaluation, settings, journal);
        } finally {
            request.written.output().map(_ -> request.written.scoresFile()).flatMap(UnderWay::remove)
                    .ifPresent(progress::note);
        }
    }

    private EvaluationReport run(Evaluation evaluation, ObjectNode settings, Journal journal) {
        try {
            Run model = run(request.model, request.compared, ScoredModel.MODEL, evaluation, journal);
            Optional<Measured> baseline = request.baseline.map(
                    folder -> run(folder, Optional.empty(), ScoredModel.BASELINE, evaluation, journal).measured);
            EvaluationReport report = new EvaluationReport(settings, model.measured, model.compared, baseline);
            ResultFiles files = files(report, model.losses);
            journal.willWrite(files.hashes());
            files.write();
            request.written.output().map(file -> new ResultFile("--output", file, request.written.overwrite()))
                    .ifPresent(ReportJob::beside);
            also.accept(report);
            journal.remove();
            return report;
        } finally {
            journal.removeIfEmpty();
        }
    }

    private ResultFiles files(EvaluationReport report, List<TokenLosses> losses) {
        ResultFiles files = new ResultFiles();
        request.written.losses().ifPresent(file -> files.add(file, out -> writeLosses(losses, out)));
        request.written.output().ifPresent(output -> {
            if (request.written.samples()) {
                SampleFiles samples = new SampleFiles(report);
                files.add(request.written.samplesFile(), out -> out.write(samples.samples()));
                samples.longTexts()
                        .ifPresent(texts -> files.add(request.written.longTextsFile(), out -> out.write(texts)));
            }
            files.add(output, out -> out.write(report.toJson()));
        });
        return files;
    }

    private Journal journal(ObjectNode settings) {
        if (!request.written.keepScores(!request.tasks.tasks().isEmpty())) {
            return Journal.inMemory();
        }
        ObjectNode header = settings.deepCopy();
        header.set(ScoredModel.MODEL, about(request.model));
        request.baseline.ifPresent(folder -> header.set(ScoredModel.BASELINE, about(folder)));
        request.compared.ifPresent(folder -> header.set("compared", about(folder)));
        if (!request.perplexity.texts().isEmpty()) {
            header.set("perplexity", request.perplexity.settings());
        }
        Path file = request.written.scoresFile();
        if (request.written.resumption() == Resumption.RESTART) {
            JournalFile.discard(file);
        } else if (Files.exists(file)) {
            progress.note("Going on with the scores in " + file);
        } else if (request.written.resumption() == Resumption.ASKED_FOR) {
            progress.note("No scores of an interrupted run lie beside " + request.written.output().get()
                    + "; starting anew.");
        }
        Journal journal = Journal.open(file, header);
        UnderWay.add(file, journal::holdsSomething);
        return journal;
    }

    private static int layers(Path folder) {
        try (Checkpoint checkpoint = UsualNames.open(folder)) {
            return ModelConfig.of(checkpoint.config()).layers();
        }
    }

    private ObjectNode about(Path folder) {
        try (OpenModel model = new OpenModel(folder, choice.tokenizers())) {
            return about(model);
        }
    }

    private ObjectNode about(OpenModel model) {
        ModelConfig config = model.config();
        ObjectNode about = JsonNodeFactory.instance.objectNode();
        Path folder = model.checkpoint().folder();
        about.put("name", Hub.nameOf(folder).orElseGet(() -> String.valueOf(folder.getFileName())));
        about.put("fingerprint", model.checkpoint().fingerprint());
        about.put("layers", config.layers());
        about.put("parameters", config.parameters(config.layers()));
        about.put("dtype", model.compute(choice).dtypeName());
        return about;
    }

    /** What was measured on a model, and the losses that its perplexities are the means of. */
    private record Run(Measured measured, Optional<Compared> compared, List<TokenLosses> losses) {}

    private Run run(Path folder, Optional<Path> beside, String role, Evaluation evaluation, Journal journal) {
        try (OpenModel model = new OpenModel(folder, choice.tokenizers())) {
            // What is missing or does not fit is told before anything is measured.
            SameWindows same = SameWindows.of(request.perplexity,
                    Stream.of(Optional.of(request.model), request.baseline,
                            request.compared).flatMap(Optional::stream),
                    progress);
            List<PerplexityText> texts = same.read(model);
            if (beside.isEmpty()) {
                return run(model, Optional.empty(), texts, role, evaluation, journal);
            }
            try (OpenModel reference = new OpenModel(beside.get(), choice.tokenizers())) {
                same.requireTokens(model, reference, texts);
                return run(model, Optional.of(reference), texts, role, evaluation, journal);
            }
        }
    }

    private Run run(OpenModel model, Optional<OpenModel> beside, List<PerplexityText> texts, String role,
            Evaluation evaluation, Journal journal) {
        return machines.with(model.store(), model.compute(choice),
                others -> run(model, scored(model, role, others), beside, texts, evaluation, journal));
    }

    private Run run(OpenModel model, ScoredModel scored, Optional<OpenModel> beside, List<PerplexityText> texts,
            Evaluation evaluation, Journal journal) {
        double layers = model.config().layers();
        double perplexities = Perplexity.runs(texts, layers + beside.map(other -> other.config().layers()).orElse(0));
        // The baseline goes through the same texts after this model.
        double later = scored.role().equals(ScoredModel.MODEL)
                ? request.baseline.map(folder -> layers(folder) / layers).orElse(0.0)
                : 0;
        progress.expect(perplexities * (1 + later));
        Results results = evaluation.measure(scored, journal, progress,
                left -> progress.expect((left + perplexities) * (1 + later)));
        Optional<ScoredModel> reference = beside.map(other -> scored(other, "compared", Optional.empty()));
        List<TokenLosses> losses = texts.stream().map(text -> TokenLosses.measure(scored, reference, text, progress))
                .toList();
        Measured measured = new Measured(about(model), results, losses.stream().map(TokenLosses::perplexity).toList());
        return new Run(measured,
                beside.map(other -> new Compared(about(other),
                        losses.stream().map(TokenLosses::divergence).flatMap(Optional::stream).toList())),
                losses);
    }

    private ScoredModel scored(OpenModel model, String role, Optional<OtherMachines> others) {
        Path folder = model.checkpoint().folder();
        model.config().requireOutputProjection("Likelihoods, by which models are evaluated,");
        return new ScoredModel(role, String.valueOf(folder.getFileName()), model.store(), model.tokenizer(),
                SpecialTokens.of(folder, model.tokenizer()), model.endTokens(), model.compute(choice), choice.memory(),
                others);
    }

    private static void writeLosses(List<TokenLosses> texts, Writer out) throws IOException {
        TokenLosses.writeHeader(texts.getFirst().beside().isPresent(), out);
        for (TokenLosses text : texts) {
            text.writeRows(out);
        }
    }
}
