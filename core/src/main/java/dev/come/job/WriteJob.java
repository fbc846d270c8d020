package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.failure.UnderWay;
import dev.come.generate.Author;
import dev.come.generate.Sampling;
import dev.come.generate.StopTexts;
import dev.come.generate.TextGeneration;
import dev.come.generate.TextGeneration.Request;
import dev.come.model.TextsCache;
import dev.come.text.Prompts;
import dev.come.text.TextSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/** {@code come write}: a teacher writes the text that a pruned model is trained on. */
public final class WriteJob {
    /** How tokens are drawn where nothing is said. */
    public static final Sampling USUAL = new Sampling(256, 1, 0, 0.95, 10);

    private static final String ENDING = ".jsonl";
    /** Tokens that a text has at least, nearly always: by them it is known how many prompts may be needed. */
    private static final int FEWEST_TOKENS = 16;
    private static final int FEWEST_PROMPTS = 1024;

    private final Options options;
    private final Progress progress;

    /**
     * What is asked for.
     *
     * @param teacher the folder of the model that writes
     * @param prompts what it goes on from
     * @param promptTokens how many tokens of each text are the prompt
     * @param chat whether a text is what a user says
     * @param tokens how many are written in all
     * @param output the file, whose name ends in .jsonl
     */
    public record Options(Path teacher, TextSource prompts, OptionalInt promptTokens, boolean chat, long tokens,
            Sampling sampling, ComputeChoice compute, Path output, boolean overwrite, Resumption resumption) {
        /** @throws UsageException if a number is out of range, or the file cannot be written */
        public Options {
            check(tokens, promptTokens, output, overwrite);
        }

        /**
         * Checks what can be checked without the model.
         *
         * @throws UsageException as the constructor does
         */
        public static void check(long tokens, OptionalInt promptTokens, Path output, boolean overwrite) {
            if (tokens < 1) {
                throw new UsageException("--tokens is " + tokens + ", but must be at least 1");
            }
            if (promptTokens.isPresent() && promptTokens.getAsInt() < 1) {
                throw new UsageException("--prompt-tokens is " + promptTokens.getAsInt() + ", but must be at least 1");
            }
            if (!output.toString().endsWith(ENDING)) {
                throw new UsageException("--output is " + output + ", but its name must end in " + ENDING
                        + ", by which other commands know what it holds");
            }
            new ResultFile("--output", output, overwrite).check();
            Path record = beside(output, ".write.json");
            new ResultFile("--output", record, overwrite || Files.exists(beside(output, ".unfinished.jsonl"))).check();
        }
    }

    /**
     * What would be done.
     *
     * @param prompts how many there are
     * @param longest tokens of the longest prompt
     * @param sideBySide texts that are written at once
     * @param fewest texts, if none of them ends early
     * @param weightBytes what the model takes
     * @param cacheBytes what keys and values take
     */
    public record Outlook(int prompts, int longest, int sideBySide, long fewest, long weightBytes, long cacheBytes) {}

    /**
     * What was written.
     *
     * @param record the file beside it that says what it was made of
     * @param texts how many
     * @param tokens that were written for them, prompts not counted
     * @param ended texts that came to an end by themselves
     * @param prompts how many there were
     */
    public record Result(Path file, Path record, int texts, long tokens, int ended, int prompts, String dtype) {}

    public WriteJob(Options options, Progress progress) {
        this.options = options;
        this.progress = Interruptible.asking(progress);
    }

    private static Path beside(Path output, String ending) {
        String name = String.valueOf(output.getFileName());
        return output.resolveSibling(name.substring(0, name.length() - ENDING.length()) + ending);
    }

    /** Tells what would be done, and writes nothing. */
    public Outlook outlook() {
        return Interruptible.job(() -> {
            try (OpenModel model = new OpenModel(options.teacher, options.compute.tokenizers())) {
                TeacherPrompts prompts = prompts(model);
                int positions = prompts.longest() + options.sampling.maxNewTokens();
                int together = sideBySide(model, prompts);
                long parameters = model.config().parameters(model.config().layers());
                boolean half = model.compute(options.compute).dtypeName().equals("bfloat16");
                return new Outlook(prompts.count(), prompts.longest(), together,
                        Math.ceilDiv(options.tokens, options.sampling.maxNewTokens()), parameters * (half ? 2 : 4),
                        (long) together * positions
                                * TextsCache.bytesOfToken(model.config(), model.config().layers()));
            }
        });
    }

    /**
     * Writes. Texts are kept beside the output as they come: a run that was interrupted goes on where it was when it is asked
     * for again, and ends with the same bytes.
     *
     * @throws InvalidInputException if there are no prompts, one has no room, or messages have no chat template
     * @throws dev.come.FailedException if another run writes to the output, or it cannot be written
     * @throws UsageException if the texts of an interrupted run with other settings lie beside the output
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     */
    public Result run() {
        return Interruptible.job(() -> {
            try (RunLock _ = RunLock.take(options.output, "--output", "write", progress);
                    OpenModel model = new OpenModel(options.teacher, options.compute.tokenizers())) {
                return run(model);
            }
        });
    }

    private TeacherPrompts prompts(OpenModel model) {
        model.config().requireOutputProjection("Texts that a model writes");
        int most = (int) Math.min(Integer.MAX_VALUE / 2, Math.max(FEWEST_PROMPTS, options.tokens / FEWEST_TOKENS));
        Prompts read = Prompts.read(options.prompts, options.promptTokens, most, options.sampling.seed(),
                model.tokenizer());
        read.notes().forEach(progress::note);
        return TeacherPrompts.of(read, options.chat, options.sampling.maxNewTokens(), model);
    }

    /** As many as there is room for, but no more than are needed if none of them ends early. */
    private int sideBySide(OpenModel model, TeacherPrompts prompts) {
        int longest = options.sampling.maxNewTokens();
        int room = TextGeneration.sideBySide(prompts.longest() + longest, model.config(), options.compute.memory());
        return Math.clamp(Math.ceilDiv(options.tokens, longest), 1, room);
    }

    private Result run(OpenModel model) {
        TeacherPrompts prompts = prompts(model);
        int batch = sideBySide(model, prompts);
        ObjectNode settings = WriteRecord.settings(options, model, prompts, batch);
        Path unfinished = beside(options.output, ".unfinished.jsonl");
        if (options.resumption == Resumption.RESTART) {
            WrittenTexts.discard(unfinished);
        } else if (Files.exists(unfinished)) {
            progress.note("Going on with the texts in " + unfinished);
        } else if (options.resumption == Resumption.ASKED_FOR) {
            progress.note("No texts of an interrupted run lie beside " + options.output + "; starting anew.");
        }
        try (WrittenTexts texts = WrittenTexts.open(unfinished, settings, batch)) {
            UnderWay.add(unfinished, () -> texts.sums().texts() > 0 && Files.exists(unfinished));
            try {
                write(model, prompts, batch, texts);
                WrittenTexts.Sums sums = texts.writeTo(options.output, options.tokens);
                Path record = beside(options.output, ".write.json");
                AtomicFile.write(record, WriteRecord.text(settings, sums));
                texts.remove();
                return new Result(options.output, record, sums.texts(), sums.tokens(), sums.ended(), prompts.count(),
                        model.compute(options.compute).dtypeName());
            } finally {
                UnderWay.remove(unfinished).ifPresent(progress::note);
                if (texts.sums().texts() == 0) {
                    texts.remove();
                }
            }
        }
    }

    private void write(OpenModel model, TeacherPrompts prompts, int batch, WrittenTexts texts) {
        if (texts.sums().tokens() >= options.tokens) {
            return;
        }
        Author author = new Author(model.checkpoint(), model.config(), model.tokenizer(), model.endTokens(),
                model.compute(options.compute));
        try (TextGeneration generation = new TextGeneration(author, options.sampling);
                Progress.Task task = progress.begin("Writing", options.tokens, "tokens")) {
            task.skip(texts.sums().tokens());
            while (texts.sums().tokens() < options.tokens) {
                int first = texts.sums().texts();
                int count = options.sampling.takesLikeliest() ? Math.min(batch, prompts.count() - first) : batch;
                if (count <= 0) {
                    progress.note("All " + prompts.count() + " prompts are answered after " + texts.sums().tokens()
                            + " tokens, fewer than --tokens " + options.tokens
                            + "; give more prompts, or a --temperature above 0, which answers them again.");
                    return;
                }
                long[] left = {options.tokens - texts.sums().tokens()};
                List<Request> requests = IntStream.range(first, first + count)
                        .mapToObj(i -> new Request(prompts.tokens().sequence(i % prompts.count()),
                                options.sampling.maxNewTokens(), new StopTexts(List.of()), seed(i)))
                        .toList();
                List<ObjectNode> rows = new ArrayList<>();
                generation.write(List.of(IntStream.range(0, count).boxed().toList()), requests,
                        i -> "text " + (first + i), (tokens, _) -> {
                            long told = Math.min(tokens, left[0]);
                            left[0] -= told;
                            task.advance(told);
                        }, written -> written.forEach((i, one) -> rows.add(
                                prompts.row((first + i) % prompts.count(), one))));
                texts.add(rows);
            }
        }
    }

    /** Each text is drawn by itself, so what is drawn depends neither on its neighbours nor on an interruption. */
    private long seed(long text) {
        return new SplittableRandom(options.sampling.seed()).nextLong() ^ new SplittableRandom(text).nextLong();
    }
}
