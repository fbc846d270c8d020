package dev.come.cli;

import dev.come.checkpoint.RecordJson;
import dev.come.generate.Sampling;
import dev.come.job.ComputeChoice;
import dev.come.job.GenerateJob;
import java.io.PrintWriter;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come generate}: lets a model continue a text. */
@Command(name = "generate", description = "Let a model continue a text.",
        footer = {"", "Example:",
            "  come generate --model small --prompt \"The capital of France is\""})
final class GenerateCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "The text to continue.")
    private String prompt = "";

    @Option(names = "--max-new-tokens", paramLabel = "N",
            description = "Most tokens to generate (default: ${DEFAULT-VALUE}).")
    private int maxNewTokens = 64;

    @Option(names = "--temperature", paramLabel = "T",
            description = "0: always take the likeliest token; above: draw tokens, more wildly the higher it is"
                    + " (default: "
                    + "${DEFAULT-VALUE}).")
    private double temperature;

    @Option(names = "--top-k", paramLabel = "N",
            description = "Number of likeliest tokens to draw among; 0: all (default: ${DEFAULT-VALUE}).")
    private int topK;

    @Option(names = "--top-p", paramLabel = "P",
            description = "Draw among the likeliest tokens that together have this probability (default: "
                    + "${DEFAULT-VALUE}).")
    private double topP = 1;

    @Option(names = "--seed", paramLabel = "N", description = "Decides what is drawn (default: ${DEFAULT-VALUE}).")
    private long seed = 10;

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nComputing:%n", order = 1)
    private ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        PrintWriter out = json.text();
        Sampling sampling = new Sampling(maxNewTokens, temperature, topK, topP, seed);
        ComputeChoice choice = computing.choice(main.progress(spec.commandLine().getErr()));
        Path folder = model.folder();
        StringBuilder ahead = new StringBuilder(prompt); // comes with the first piece: what fails until then prints nothing
        StringBuilder said = new StringBuilder();
        GenerateJob.run(folder, prompt, sampling, choice, piece -> {
            said.append(piece);
            out.print(ahead.append(piece));
            out.flush();
            ahead.setLength(0);
        });
        out.println(ahead);
        json.print(() -> RecordJson
                .text(RecordJson.file("come-generate", 1).put("prompt", prompt).put("text", said.toString())));
    }
}
