package dev.come.cli;

import dev.come.Progress;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.InstantSource;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The command {@code come}: reads the arguments, runs a subcommand and ends with its exit code. */
@Command(name = "come",
        description = "Makes large language models smaller by merging or removing whole decoder layers.",
        subcommands = {DemoCommand.class, PruneCommand.class, HealCommand.class, ApplyCommand.class, EvalCommand.class,
            GenerateCommand.class},
        commandListHeading = "%nCommands:%n",
        synopsisSubcommandLabel = "COMMAND",
        footer = {"", "'come COMMAND --help' tells what a command can be given.",
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid input, 4 nothing to do."},
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        sortOptions = false,
        abbreviateSynopsis = true)
final class Main {
    /** Set by the launcher to the width of standard error when that is a terminal; java alone cannot tell. */
    private static final String COLUMNS_PROPERTY = "come.columns";

    @Option(names = "--quiet", scope = ScopeType.INHERIT, order = 101,
            description = "Print no progress and no notes, only the result.")
    private boolean quiet;

    @Option(names = "--verbose", scope = ScopeType.INHERIT, order = 102,
            description = "When something fails, show where (the stack trace).")
    private boolean verbose;

    private Main() {
    }

    static void main(String[] arguments) {
        System.exit(commandLine().execute(arguments));
    }

    /** The whole command with its messages and exit codes. */
    static CommandLine commandLine() {
        Main main = new Main();
        CommandLine commandLine = new CommandLine(main);
        for (CommandLine command : commandLine.getSubcommands().values()) {
            // A prompt may start with a dash; elsewhere a mistyped option is no value of the option before it.
            command.setUnmatchedOptionsAllowedAsOptionParameters(command.getCommand() instanceof GenerateCommand);
        }
        commandLine.setParameterExceptionHandler(Failures::onWrongUsage);
        commandLine.setExecutionExceptionHandler(
                (exception, command, _) -> Failures.onFailure(exception, command.getErr(), main.verbose));
        return commandLine;
    }

    /** Progress as the user wants it: none, bars on a terminal, or a few lines where the output goes to a file. */
    Progress progress(PrintWriter err) {
        if (quiet) {
            return Progress.NONE;
        }
        Integer columns = Integer.getInteger(COLUMNS_PROPERTY);
        if (columns == null) {
            return new LineProgress(err, InstantSource.system());
        }
        boolean unicode = System.err.charset().equals(StandardCharsets.UTF_8);
        TerminalProgress progress = new TerminalProgress(err, columns,
                unicode ? ProgressBarStyle.UNICODE_BLOCK : ProgressBarStyle.ASCII);
        // Ctrl-C ends the line of the bar, so that the prompt does not continue it.
        Runtime.getRuntime().addShutdownHook(new Thread(progress::endLine));
        return progress;
    }

    /** Tells the version that the jar was built as. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[]{"come " + dev.come.Version.number()};
        }
    }
}
