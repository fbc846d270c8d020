package dev.come.cli;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.CacheFolder;
import dev.come.hub.Hub;
import dev.come.hub.HubSettings;
import dev.come.job.Diagnosis;
import dev.come.job.ReportJob;
import dev.come.job.RunWatch;
import dev.come.job.Surroundings;
import dev.come.model.Engine;
import dev.come.report.Report;
import dev.come.report.RunRecord;
import dev.come.text.TrialRun;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IExecutionStrategy;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;
import picocli.CommandLine.RunLast;
import picocli.CommandLine.ScopeType;

/** The command {@code come}: reads the arguments, runs a subcommand and ends with its exit code. */
@Command(name = "come",
        description = "Makes large language models smaller by merging or removing whole decoder layers.",
        subcommands = {DemoCommand.class, PruneCommand.class, DistillCommand.class, HealCommand.class,
            RecoverCommand.class, WriteCommand.class,
            ApplyCommand.class, AdapterCommand.class, ExportCommand.class, PushCommand.class, EvalCommand.class,
            LatencyCommand.class, InspectCommand.class,
            ReportCommand.class,
            GenerateCommand.class, OverlapCommand.class,
            ListCommand.class, DoctorCommand.class, CompletionCommand.class, HelpCommand.class, FamiliesCommand.class,
            ManCommand.class},
        commandListHeading = "%nCommands:%n",
        synopsisSubcommandLabel = "COMMAND",
        footer = {"", "Example:", "  come demo", "", "'come help COMMAND' tells what a command can be given.",
            "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 invalid input, 4 nothing to do."},
        requiredOptionMarker = '*',
        versionProvider = Main.Version.class,
        mixinStandardHelpOptions = true,
        scope = ScopeType.INHERIT,
        sortOptions = false,
        abbreviateSynopsis = true)
public final class Main {
    /** Set by the launcher to the width of standard error when that is a terminal; java alone cannot tell. */
    private static final String COLUMNS_PROPERTY = "come.columns";

    private static final int LEAST_COLUMNS = 80;

    /** Longer lines are hard to read. */
    private static final int MOST_COLUMNS = 120;

    /** What Java puts where bytes of an argument are no character of the locale. */
    private static final char UNREADABLE = '\uFFFD';

    /** Those that compute with tensors. */
    private static final Set<Class<?>> COMPUTING = Set.of(AdapterCommand.class, ApplyCommand.class, DemoCommand.class,
            DistillCommand.class,
            DoctorCommand.class, EvalCommand.class, GenerateCommand.class, HealCommand.class, LatencyCommand.class,
            PruneCommand.class, RecoverCommand.class, WriteCommand.class);

    @Option(names = OptionFile.OPTION, scope = ScopeType.INHERIT, order = 100, paramLabel = "FILE",
            description = "YAML file of options, such as 'target-layers: 21'; those of the command line win.")
    @SuppressWarnings("UnusedVariable") // OptionFile has put its options among the arguments before
    private @Nullable Path optionFile;

    @Option(names = "--quiet", scope = ScopeType.INHERIT, order = 101,
            description = "Print no progress and no notes, only the result.")
    private boolean quiet;

    @Option(names = "--verbose", scope = ScopeType.INHERIT, order = 102,
            description = "When something fails, show where (the stack trace).")
    private boolean verbose;

    private final Surroundings surroundings;
    private @Nullable Hub hub;
    private @Nullable RunWatch watch;
    private @Nullable TerminalProgress terminal;

    private Main(Map<String, String> environment) {
        this.surroundings = new Surroundings(environment);
    }

    public static void main(String[] arguments) {
        Locale.setDefault(Locale.ROOT); // messages are English, and libraries write numbers into them too
        Interruption.tellHowToGoOn(System.err);
        System.setProperty(TrialRun.FOLDER,
                CacheFolder.of(System.getenv(), Surroundings.ofProcess().home()).resolve("tokenizers").toString());
        try {
            System.exit(run(commandLine(System.getenv()), arguments));
        } catch (Error e) { // before a command runs
            PrintWriter err = new PrintWriter(System.err, true, System.err.charset());
            System.exit(Failures.onFailure(e, "come", err, List.of(arguments).contains("--verbose")));
        }
    }

    /** Runs what is asked for, and returns the exit code. */
    static int run(CommandLine commandLine, String... arguments) {
        for (String argument : arguments) {
            if (argument.indexOf(UNREADABLE) >= 0) {
                return Failures.onUnreadable(argument, commandLine.getErr());
            }
        }
        try {
            return commandLine.execute(OptionFile.expand(commandLine, arguments));
        } catch (UsageException e) {
            return Failures.onFailure(e, "come", commandLine.getErr(), List.of(arguments).contains("--verbose"));
        } finally {
            commandLine.getOut().flush(); // the process ends without it, and the last piece of a long output would be lost
        }
    }

    /**
     * The whole command with its messages and exit codes.
     *
     * @param environment the environment variables, which say where the hub is
     */
    static CommandLine commandLine(Map<String, String> environment) {
        Main main = new Main(environment);
        CommandLine commandLine = new CommandLine(main);
        commandLine.setUnmatchedOptionsAllowedAsOptionParameters(false);
        for (CommandLine command : commandLine.getSubcommands().values()) {
            Sections.addTo(command.getCommandSpec());
            // A prompt may start with a dash; elsewhere a mistyped option is no value of the option before it.
            command.setUnmatchedOptionsAllowedAsOptionParameters(command.getCommand() instanceof GenerateCommand);
        }
        commandLine.setOverwrittenOptionsAllowed(true); // the last one wins
        commandLine.setUsageHelpWidth(Math.clamp(Integer.getInteger(COLUMNS_PROPERTY, LEAST_COLUMNS), LEAST_COLUMNS,
                MOST_COLUMNS));
        commandLine.setParameterExceptionHandler(Failures::onWrongUsage);
        commandLine.setExecutionExceptionHandler((exception, command, _) -> main.onFailure(exception, command));
        IExecutionStrategy last = new RunLast();
        commandLine.setExecutionStrategy(parsed -> {
            try {
                main.tellFirstUse(parsed.asCommandLineList().getLast());
                return last.execute(parsed);
            } catch (Error e) { // picocli hands over exceptions only
                return main.onFailure(e, parsed.asCommandLineList().getLast());
            }
        });
        return commandLine;
    }

    /** Unpacking the engine takes some seconds and much room, which the first run should not do without a word. */
    private void tellFirstUse(CommandLine command) {
        if (COMPUTING.contains(command.getCommandSpec().userObject().getClass())) {
            Engine.firstUse().ifPresent(progress(command.getErr())::note);
        }
    }

    private int onFailure(Throwable failure, CommandLine command) {
        clearLine();
        return Failures.onFailure(failure, command.getCommandSpec().qualifiedName(), command.getErr(), verbose);
    }

    /** Progress as the user wants it: none, bars on a terminal, or a few lines where the output goes to a file. */
    Progress progress(PrintWriter err) {
        return watch(err);
    }

    /** Says at once that long work begins: reading models and texts takes seconds, in which there is nothing to count. */
    void beginning(CommandLine command) {
        watch(command.getErr());
        if (terminal != null) {
            terminal.beginning(command.getCommandSpec().qualifiedName() + ": reading the model");
        }
    }

    /** Takes what stands on the line of progress away before something is printed. */
    void clearLine() {
        if (terminal != null) {
            terminal.clearLine();
        }
    }

    private RunWatch watch(PrintWriter err) {
        if (watch == null) {
            watch = new RunWatch(newProgress(err));
        }
        return watch;
    }

    /** How the run of a command went until now. */
    RunRecord record(CommandLine command) {
        CommandLine root = command.getCommandSpec().root().commandLine();
        return watch(command.getErr()).record(root.getParseResult().originalArgs());
    }

    /**
     * Leaves a page of its result in each folder, and how the run went; says so, and whether times are to be trusted.
     *
     * @return how it went
     */
    RunRecord report(List<Path> folders, CommandLine command, PrintWriter out) {
        RunRecord record = record(command);
        for (Path folder : folders) {
            ReportJob.inFolder(folder, record);
            out.println("Report: " + folder.resolve(Report.FILE_NAME));
        }
        record.machine().caution().ifPresent(out::println);
        return record;
    }

    /** The same, and what was made as JSON, if that is asked for. */
    void report(List<Path> folders, CommandLine command, JsonOption json) {
        RunRecord record = report(folders, command, json.text());
        json.print(() -> ReportJob.json(folders, Optional.empty(), record));
    }

    private Progress newProgress(PrintWriter err) {
        if (quiet) {
            return Progress.NONE;
        }
        Integer columns = Integer.getInteger(COLUMNS_PROPERTY);
        if (columns == null) {
            return new LineProgress(err, InstantSource.system());
        }
        boolean unicode = System.err.charset().equals(StandardCharsets.UTF_8);
        TerminalProgress bars = new TerminalProgress(err, columns, unicode);
        terminal = bars;
        // Ctrl-C ends the line of the bar, so that what is said afterwards does not continue it.
        Interruption.before(bars::endLine);
        return bars;
    }

    /** The hub as the environment variables describe it. */
    Hub hub(PrintWriter err) {
        if (hub == null) {
            hub = surroundings.hub(progress(err));
        }
        return hub;
    }

    /** What the machine and the settings are. */
    Diagnosis diagnosis() {
        HubSettings settings = surroundings.hubSettings();
        Map<String, Path> folders = new LinkedHashMap<>();
        folders.put("hub cache", settings.cache());
        folders.put("GGUF cache", ggufCache());
        folders.put("temporary", Path.of(System.getProperty("java.io.tmpdir")));
        return Diagnosis.of(surroundings.variables(), settings, folders);
    }

    /** What the environment variables say. */
    Surroundings surroundings() {
        return surroundings;
    }

    /** Where GGUF files are unpacked to. */
    Path ggufCache() {
        return surroundings.ggufCache();
    }

    /** Tells the version that the jar was built as. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            return new String[]{"come " + dev.come.Version.number()};
        }
    }
}
