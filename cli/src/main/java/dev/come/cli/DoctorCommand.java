package dev.come.cli;

import dev.come.FailedException;
import dev.come.checkpoint.RecordJson;
import dev.come.job.Diagnosis;
import dev.come.job.Diagnosis.Fact;
import java.io.PrintWriter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code come doctor}: what the machine and the settings are. */
@Command(name = "doctor", description = {"Show what a bug report needs: versions, processor, memory, engine, folders,"
        + " network and settings.",
    "Passwords and tokens are not shown."},
        footer = {"", "Example:", "  come doctor"})
final class DoctorCommand implements Runnable {
    private static final int FORMAT_VERSION = 1;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public void run() {
        Diagnosis diagnosis = main.diagnosis();
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            ObjectNode root = RecordJson.file("come doctor", FORMAT_VERSION);
            root.set("facts", RecordJson.trees(diagnosis.facts()));
            out.print(RecordJson.text(root));
        } else {
            Table table = Table.ofTexts("", "");
            diagnosis.facts().forEach(fact -> table.row(fact.name(), (fact.ok() ? "" : "PROBLEM: ") + fact.value()));
            out.println(table.toString().stripLeading());
        }
        out.flush();
        if (!diagnosis.facts().stream().allMatch(Fact::ok)) {
            throw new FailedException("something is missing that the program needs; the lines above say what");
        }
    }
}
