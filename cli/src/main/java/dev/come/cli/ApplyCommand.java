package dev.come.cli;

import dev.come.job.ApplyJob;
import dev.come.job.Saving;
import dev.come.prune.PruningPlan;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come apply}: makes a pruned model again from its plan. */
@Command(name = "apply",
        description = "Make a pruned model from the plan of an earlier run, without measuring anything.",
        footer = {"", "Example:",
            "  come apply --plan small/come.json --model HuggingFaceTB/SmolLM2-135M", "      --save-path again"})
final class ApplyCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--plan", required = true, paramLabel = "FILE", description = "The come.json of that run.")
    private Path plan = Path.of("");

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--target-layers", paramLabel = "N",
            description = "Stop at this step of the run (default: its last).")
    private @Nullable Integer targetLayers;

    @Option(names = "--allow-other-weights", description = {
        "Do to another model of the same shape what the plan tells, such as to the instruct sister of a base model.",
        "The plan of the result names both; nothing that was measured is taken over."})
    private boolean otherWeights;

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nResult:%n", order = 1)
    private OutputOptions output = new OutputOptions();

    @Override
    public void run() {
        Saving saving = output.saving().reading(model.paths());
        PruningPlan applied = ApplyJob.run(plan, model.folder(),
                targetLayers == null ? OptionalInt.empty() : OptionalInt.of(targetLayers), otherWeights, saving,
                main.progress(spec.commandLine().getErr()));
        PrintWriter out = json.text();
        out.println("Layers: " + applied.last().tree());
        out.println("Model:  " + saving.folder());
        main.report(List.of(saving.folder()), spec.commandLine(), json);
    }
}
