package dev.come.cli;

import dev.come.ByteSize;
import dev.come.generate.Sampling;
import dev.come.hub.Hub;
import dev.come.job.ComputeChoice;
import dev.come.job.ModelSource;
import dev.come.job.WriteJob;
import dev.come.text.Prompts;
import dev.come.text.TextSource;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come write}: a teacher writes the text that a pruned model is trained on. */
@Command(name = "write", description = "Let a teacher write the text that a pruned model is trained on.",
        footer = {"", "Example:",
            "  come write --teacher HuggingFaceTB/SmolLM2-135M-Instruct --prompts questions.txt --chat",
            "      --tokens 200000 --output own.jsonl",
            "  come distill --model small --teacher HuggingFaceTB/SmolLM2-135M-Instruct",
            "      --calibration-dataset own.jsonl --level model --save-path trained"})
final class WriteCommand implements Runnable {
    private static final Sampling USUAL = WriteJob.USUAL;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--teacher", required = true, paramLabel = "MODEL",
            description = "Folder of the model that writes, its GGUF file, or its name OWNER/NAME on the hub.")
    private String teacher = "";

    @Option(names = "--revision", paramLabel = "REV",
            description = "Branch, tag or commit of a model on the hub (default: " + Hub.DEFAULT_REVISION + ").")
    private @Nullable String revision;

    @Section(heading = "%nPrompts:%n", order = 1)
    private PromptOptions prompts = new PromptOptions();

    @Section(heading = "%nWriting:%n", order = 2)
    private SamplingOptions sampling = new SamplingOptions();

    @Section(heading = "%nResult:%n", order = 3)
    private ResultOptions result = new ResultOptions();

    @Section(heading = "%nComputing:%n", order = 4)
    private ComputeOptions computing = new ComputeOptions();

    /** What the teacher goes on from. */
    static final class PromptOptions {
        @Option(names = "--prompts", required = true, paramLabel = "FILE", description = {
            "A file whose rows are prompts, or a corpus whose documents begin with them: wiki2, c4, pg19, bookcorpus,"
                    + " alpaca, mmlu.",
            "Of a .txt file each line is a prompt; of .jsonl and tables the field text or prompt, or messages, lists of"
                    + " objects with role and content. An answer at the end of messages is left out."})
        private String prompts = "";

        @Option(names = "--prompt-tokens", paramLabel = "K", description = {
            "Take the first K tokens of each text as the prompt, and pass over shorter ones (default: "
                    + Prompts.USUAL_TOKENS + " of a corpus, all of a file)."})
        private @Nullable Integer promptTokens;

        @Option(names = "--chat", description = {
            "Take each text as what a user says, and have the model's chat template make a prompt of it, as of messages."})
        private boolean chat;

        @Option(names = "--data-dir", paramLabel = "DIR",
                description = "Folder that holds the named data sets (default: they are downloaded from the hub).")
        private @Nullable Path dataDirectory;

        @Option(names = "--text-field", paramLabel = "FIELD",
                description = "The field that holds the text, in a file (default: ${DEFAULT-VALUE}, or else prompt).")
        private String textField = TextSource.DEFAULT_FIELD;

        OptionalInt tokens() {
            return promptTokens == null ? OptionalInt.empty() : OptionalInt.of(promptTokens);
        }

        TextSource source(Supplier<Hub> hub) {
            return new TextSource(prompts, DataOptions.library(dataDirectory, hub), textField);
        }
    }

    /** How tokens are drawn. */
    static final class SamplingOptions {
        @Option(names = "--tokens", required = true, paramLabel = "N",
                description = "Tokens to write in all, prompts not counted. Prompts are used again if they run out.")
        private long tokens;

        @Option(names = "--max-new-tokens", paramLabel = "N",
                description = "Most tokens of each text (default: ${DEFAULT-VALUE}).")
        private int maxNewTokens = USUAL.maxNewTokens();

        @Option(names = "--temperature", paramLabel = "T", description = {
            "0: always take the likeliest token; above: draw tokens, more wildly the higher it is (default:"
                    + " ${DEFAULT-VALUE})."})
        private double temperature = USUAL.temperature();

        @Option(names = "--top-k", paramLabel = "N",
                description = "Number of likeliest tokens to draw among; 0: all (default: ${DEFAULT-VALUE}).")
        private int topK = USUAL.topK();

        @Option(names = "--top-p", paramLabel = "P",
                description = "Draw among the likeliest tokens that together have this probability (default: "
                        + "${DEFAULT-VALUE}).")
        private double topP = USUAL.topP();

        @Option(names = "--seed", paramLabel = "N", description = {
            "Decides what is drawn, and which documents of a corpus are taken (default: ${DEFAULT-VALUE})."})
        private long seed = USUAL.seed();
    }

    /** Where the text goes. */
    static final class ResultOptions {
        @Option(names = "--output", required = true, paramLabel = "FILE",
                description = "The .jsonl file to write; NAME.write.json beside it says what it was made of.")
        private Path output = Path.of("");

        @Option(names = "--overwrite", description = "Replace the file if it is there.")
        private boolean overwrite;

        @Section
        private ResumptionOptions interrupted = new ResumptionOptions();

        @Option(names = "--dry-run", description = "Say what would be written and what it needs, and write nothing.")
        private boolean dryRun;
    }

    @Override
    public void run() {
        Sampling how = new Sampling(sampling.maxNewTokens, sampling.temperature, sampling.topK, sampling.topP,
                sampling.seed);
        WriteJob.Options.check(sampling.tokens, prompts.tokens(), result.output, result.overwrite);
        ComputeChoice choice = computing.choice(main.progress(spec.commandLine().getErr()));
        Supplier<Hub> hub = () -> main.hub(spec.commandLine().getErr());
        TextSource source = prompts.source(hub);
        // Last, so that a mistyped option is refused before anything is downloaded.
        Path folder = new ModelSource(teacher, Optional.ofNullable(revision)).folder(hub, main.ggufCache(),
                main.progress(spec.commandLine().getErr()));
        WriteJob job = new WriteJob(new WriteJob.Options(folder, source, prompts.tokens(), prompts.chat,
                sampling.tokens, how, choice, result.output, result.overwrite, result.interrupted.resumption()),
                main.progress(spec.commandLine().getErr()));
        PrintWriter out = spec.commandLine().getOut();
        if (result.dryRun) {
            print(job.outlook(), how, out);
            return;
        }
        WriteJob.Result written = job.run();
        out.printf(Locale.ROOT, "Texts:  %,d with %,d tokens after %,d prompts, %,d to their end, in %s%n",
                written.texts(), written.tokens(), written.prompts(), written.ended(), written.dtype());
        out.println("File:   " + written.file());
        out.println("Record: " + written.record());
    }

    private static void print(WriteJob.Outlook outlook, Sampling how, PrintWriter out) {
        out.printf(Locale.ROOT, "Prompts: %,d, the longest of %,d tokens%n", outlook.prompts(), outlook.longest());
        out.printf(Locale.ROOT, "Texts:   at least %,d of at most %,d tokens, %,d side by side%n", outlook.fewest(),
                how.maxNewTokens(), outlook.sideBySide());
        out.printf(Locale.ROOT, "Memory:  %s for the model, at most %s for keys and values%n",
                ByteSize.format(outlook.weightBytes()), ByteSize.format(outlook.cacheBytes()));
        out.println("Nothing was written (--dry-run).");
    }
}
