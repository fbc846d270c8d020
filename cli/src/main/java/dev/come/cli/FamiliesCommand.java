package dev.come.cli;

import dev.come.job.FamilyDescription;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code come families}: what {@code come list families} does, and the check of a user's own description. */
@Command(name = "families", description = {"List the families of models, or check a description of your own.",
    "A model of that family needs the file in its folder, under the name come-family.json."},
        footer = {"", "Example:",
            "  come families --describe my-model/come-family.json"})
final class FamiliesCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Option(names = "--describe", paramLabel = "FILE",
            description = "Check a description of a family, and print what it"
                    + " says.")
    private @Nullable Path described;

    @Option(names = "--json", description = "Print the list as JSON, with all that is known of each.")
    private boolean json;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        if (described == null) {
            ListCommand.print(ListCommand.Topic.FAMILIES, out, json);
            if (!json) {
                out.println();
                out.println("Every method removes and merges layers of all of them, concatenation and healing");
                out.println("too. Where llama.cpp computes an order of layers, export writes it. With --json");
                out.println("there is also what each was checked with.");
            }
            return;
        }
        FamilyDescription.of(described).lines().forEach(out::println);
    }
}
