package dev.come.benchmark;

import picocli.CommandLine;

/** How programs of this module run: what goes wrong is one line, not a stack trace. */
public final class Program {
    private Program() {
    }

    /** Runs a command, and ends the process with its exit code. */
    public static void run(Object command, String... arguments) {
        CommandLine commandLine = new CommandLine(command);
        commandLine.setExecutionExceptionHandler((exception, failed, _) -> {
            failed.getErr().println(exception.getMessage());
            return CommandLine.ExitCode.SOFTWARE;
        });
        System.exit(commandLine.execute(arguments));
    }
}
