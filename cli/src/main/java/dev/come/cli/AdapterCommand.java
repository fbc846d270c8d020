package dev.come.cli;

import dev.come.job.AdapterJob;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come adapter}: makes a LoRA of the dense model one of the pruned model. */
@Command(name = "adapter", description = {"Give a LoRA of the dense model the layer numbers of the pruned model.",
    "Layers that are gone lose their weights; a merged layer with weights is refused."},
        footer = {"", "Example:", "  come adapter --from my-lora --plan small/come.json --save-path my-small-lora"})
final class AdapterCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--from", required = true, paramLabel = "DIR",
            description = "Folder of the LoRA, as PEFT saved it.")
    private Path lora = Path.of("");

    @Option(names = "--plan", required = true, paramLabel = "FILE",
            description = "The come.json of the pruned model.")
    private Path plan = Path.of("");

    @Option(names = "--target-layers", paramLabel = "N",
            description = "Take this step of the run (default: its last).")
    private @Nullable Integer targetLayers;

    @Option(names = "--base", paramLabel = "NAME", description = {
        "The model that the new adapter names as its base.",
        "Default: the folder of the plan; none for an earlier step."})
    private @Nullable String base;

    @Option(names = "--save-path", required = true, paramLabel = "DIR", description = "Folder to make.")
    private Path folder = Path.of("");

    @Override
    public void run() {
        AdapterJob.Result made = AdapterJob.run(lora, plan,
                targetLayers == null ? OptionalInt.empty() : OptionalInt.of(targetLayers), Optional.ofNullable(base),
                folder, main.progress(spec.commandLine().getErr()));
        spec.commandLine().getOut().println("Adapter: " + made.folder() + ", for " + made.kept().size()
                + " of the layers that are left" + made.base().map(name -> " of " + name).orElse(""));
    }
}
