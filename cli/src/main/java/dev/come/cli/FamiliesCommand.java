package dev.come.cli;

import dev.come.model.Families;
import dev.come.model.Family;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code come families}: lists the families of models that can be computed. */
@Command(name = "families",
        description = {"List the known families of models, and the models that each was checked with.",
            "They are small models of random weights; their results were compared with those of transformers."})
final class FamiliesCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        Table table = Table.ofTexts("model_type", "class in transformers", "checked with");
        for (Family family : Families.ALL) {
            table.row(family.modelType(), family.architecture(), String.join(", ", family.checkedBy()));
        }
        spec.commandLine().getOut().println(table);
    }
}
