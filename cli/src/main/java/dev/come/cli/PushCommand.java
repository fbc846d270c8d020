package dev.come.cli;

import dev.come.ByteSize;
import dev.come.hub.Hub;
import dev.come.hub.HubUpload;
import dev.come.job.PushJob;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come push}: brings a model to the hub. */
@Command(name = "push", description = {"Upload a model to the Hugging Face hub, in one commit.",
    "HF_TOKEN holds a token that may write there. An upload that was interrupted goes on when its command is given"
            + " again."},
        footer = {"", "Example:", "  come push me/small --model small --private --dry-run"})
final class PushCommand implements Runnable {
    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "OWNER/NAME", description = "The model's name on the hub; it is made if it is not there.")
    private String name = "";

    @Option(names = {"--model-name", "--model"}, required = true, paramLabel = "FOLDER",
            description = "Folder of the model.")
    private Path folder = Path.of("");

    @Option(names = "--revision", paramLabel = "BRANCH",
            description = "The branch to push to; it is made if it is not there (default: " + Hub.DEFAULT_REVISION
                    + ").")
    private @Nullable String branch;

    @Option(names = "--private", description = "Make the repository private, if it has to be made.")
    private boolean secret;

    @Option(names = "--message", paramLabel = "TEXT", description = "What the commit says (default: what wrote it).")
    private @Nullable String message;

    @Option(names = "--dry-run",
            description = "Only list the files, and which go by LFS; send nothing. Without a token, nobody is asked.")
    private boolean dryRun;

    @Override
    public void run() {
        PrintWriter out = spec.commandLine().getOut();
        PushJob.Options options = new PushJob.Options(folder, name, Optional.ofNullable(branch), secret,
                Optional.ofNullable(message));
        if (dryRun) {
            print(PushJob.plan(options, main.surroundings(), main.progress(spec.commandLine().getErr())), out);
            return;
        }
        PushJob.Result result = PushJob.run(options, main.surroundings(), main.progress(spec.commandLine().getErr()));
        result.removed().forEach(file -> out.println("Removed: " + file + ", which belongs to other weights"));
        out.println("Model: " + result.page()
                + result.commit().map(commit -> ", commit " + commit).orElse(", which had all of it already"));
    }

    private void print(PushJob.Result plan, PrintWriter out) {
        Table table = Table.ofTexts("file", "size", "how");
        plan.files().forEach(file -> table.row(file.name(), ByteSize.format(file.size()), how(file)));
        out.println(table);
        plan.removed().forEach(file -> out.println("To be removed: " + file + ", which belongs to other weights"));
        if (!plan.left().isEmpty()) {
            out.println("Not sent: " + String.join(", ", plan.left()));
        }
        String repository = plan.newRepository()
                ? "; to be made, " + (secret ? "private" : "public")
                : plan.newBranch() ? "; its branch is to be made" : "";
        out.println("Model: " + plan.page() + (plan.asked() ? repository : "; not asked what is there"));
    }

    private static String how(HubUpload.Entry file) {
        return file.there() ? "there already" : file.large() ? "LFS" : "in the commit";
    }
}
