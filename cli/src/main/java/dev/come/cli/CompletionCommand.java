package dev.come.cli;

import java.util.List;
import java.util.Locale;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code come completion}: a script with which a shell completes commands, options and names. */
@Command(name = "completion", description = "Print a script that lets a shell complete commands, options and names.",
        footer = {"", "Examples:", "  source <(come completion bash)",
            "  come completion fish > ~/.config/fish/completions/come.fish"})
final class CompletionCommand implements Runnable {
    private static final List<String> SHELLS = List.of("bash", "zsh", "fish");

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.", completionCandidates = Shells.class)
    private String shell = "";

    /** Their names, for help and completion. */
    static final class Shells extends NamesOf {
        Shells() {
            super(SHELLS);
        }
    }

    @Override
    public void run() {
        CommandLine come = spec.commandLine().getParent();
        // The script for bash makes zsh complete as bash does.
        spec.commandLine().getOut().print(new Choice("completion", SHELLS).check(shell).equals("fish")
                ? FishCompletion.of(come)
                : bash(come));
    }

    /** The library numbers its variables in the digits of the locale, which bash takes for no name where they are Arabic. */
    private static String bash(CommandLine come) {
        Locale locale = Locale.getDefault(Locale.Category.FORMAT);
        Locale.setDefault(Locale.Category.FORMAT, Locale.ROOT);
        try {
            return AutoComplete.bash("come", come);
        } finally {
            Locale.setDefault(Locale.Category.FORMAT, locale);
        }
    }
}
