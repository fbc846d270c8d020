package dev.come.api;

import dev.come.UsageException;
import dev.come.generate.Sampling;
import dev.come.job.ComputeChoice;
import dev.come.job.Resumption;
import dev.come.job.WriteJob;
import dev.come.text.TextSource;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * Asks for text that a model writes, to train another on; {@link #run} does it. Names and defaults are those of
 * {@code come write}.
 */
public final class Write extends Computing<Write> {
    private @Nullable String prompts;
    private String textField = TextSource.DEFAULT_FIELD;
    private Optional<Path> dataFolder = Optional.empty();
    private OptionalInt promptTokens = OptionalInt.empty();
    private boolean chat;
    private OptionalLong tokens = OptionalLong.empty();
    private Sampling sampling = WriteJob.USUAL;
    private @Nullable Path output;
    private boolean overwrite;
    private Resumption resumption = Resumption.GO_ON;

    Write(String teacher) {
        super(teacher);
    }

    @Override
    Write self() {
        return this;
    }

    /**
     * Text that was written.
     *
     * @param file with one text in each line
     * @param record what it was made of, as JSON
     * @param texts how many there are
     * @param tokens that were written for them, prompts not counted
     * @param ended texts that came to an end by themselves
     */
    public record WrittenText(Path file, Path record, int texts, long tokens, int ended) {}

    /** What the model goes on from: a file of prompts, or a corpus such as wiki2; must be said. */
    public Write prompts(String fileOrCorpus) {
        prompts = fileOrCorpus;
        return this;
    }

    /** The same with a file. */
    public Write prompts(Path file) {
        return prompts(file.toString());
    }

    /** The field that holds the text in a file of prompts; the default is {@code text}, or else {@code prompt}. */
    public Write textField(String name) {
        textField = name;
        return this;
    }

    /** The folder that holds the corpora; the default is to download them. */
    public Write dataIn(Path folder) {
        dataFolder = Optional.of(folder);
        return this;
    }

    /** How many tokens of each text are the prompt; the default is 32 of a corpus, and all of a file. */
    public Write promptTokens(int count) {
        promptTokens = OptionalInt.of(count);
        return this;
    }

    /** Takes each text as what a user says, and has the chat template make a prompt of it. */
    public Write chat() {
        chat = true;
        return this;
    }

    /** How many tokens are written in all; must be said. */
    public Write tokens(long count) {
        tokens = OptionalLong.of(count);
        return this;
    }

    /** Most tokens of each text; the default is 256. */
    public Write maxNewTokens(int count) {
        sampling = Wording.job(() -> new Sampling(count, sampling.temperature(), sampling.topK(), sampling.topP(),
                sampling.seed()));
        return this;
    }

    /** 0 always takes the likeliest token, the default 1 draws by the model's probabilities. */
    public Write temperature(double value) {
        sampling = Wording.job(() -> new Sampling(sampling.maxNewTokens(), value, sampling.topK(), sampling.topP(),
                sampling.seed()));
        return this;
    }

    /** Draws among so many of the likeliest tokens; the default is 0, all. */
    public Write topK(int count) {
        sampling = Wording.job(() -> new Sampling(sampling.maxNewTokens(), sampling.temperature(), count,
                sampling.topP(), sampling.seed()));
        return this;
    }

    /** Draws among the likeliest tokens that together have this probability; the default is 0.95. */
    public Write topP(double probability) {
        sampling = Wording.job(() -> new Sampling(sampling.maxNewTokens(), sampling.temperature(), sampling.topK(),
                probability, sampling.seed()));
        return this;
    }

    /** Decides what is drawn, and which documents of a corpus; the default is 10. */
    public Write seed(long number) {
        sampling = new Sampling(sampling.maxNewTokens(), sampling.temperature(), sampling.topK(), sampling.topP(),
                number);
        return this;
    }

    /** The file to write, whose name ends in .jsonl; must be said. */
    public Write output(Path file) {
        output = file;
        return this;
    }

    /** Replaces the file if it is there. */
    public Write overwrite() {
        overwrite = true;
        return this;
    }

    /** Discards the texts of an interrupted run, whatever its settings, and begins anew. */
    public Write restart() {
        resumption = Resumption.RESTART;
        return this;
    }

    /**
     * Writes.
     *
     * @throws UsageException if something was not said, a value cannot be, or the file is there
     * @throws dev.come.InvalidInputException if the model or the prompts cannot be used
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile; the same run goes on
     * @throws dev.come.FailedException if the file cannot be written
     */
    public WrittenText run() {
        return Wording.job(() -> {
            if (prompts == null || output == null || tokens.isEmpty()) {
                throw new UsageException("prompts(...), tokens(...) and output(...) must all be said");
            }
            WriteJob.Options.check(tokens.getAsLong(), promptTokens, output, overwrite);
            ComputeChoice choice = choice();
            TextSource source = new TextSource(prompts, dataFolder.<TextSource.Library>map(TextSource.Folder::new)
                    .orElseGet(() -> new TextSource.OnHub(hub())), textField);
            WriteJob.Result result = new WriteJob(new WriteJob.Options(folder(), source, promptTokens, chat,
                    tokens.getAsLong(), sampling, choice, output, overwrite, resumption), progress()).run();
            return new WrittenText(result.file(), result.record(), result.texts(), result.tokens(), result.ended());
        });
    }
}
