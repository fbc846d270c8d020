package dev.come.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code come families}: what {@code come list families} does, under its old name. */
@Command(name = "families", hidden = true,
        description = "List the families of models (the same as 'come list families').")
final class FamiliesCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        ListCommand.print(ListCommand.Topic.FAMILIES, spec.commandLine().getOut(), false);
    }
}
