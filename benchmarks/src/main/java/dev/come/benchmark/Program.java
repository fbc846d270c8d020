package dev.come.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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

    /** The root of the project, as the script that started this found it. */
    static Path root() {
        return Path.of(System.getProperty("come.root"));
    }

    /** The command. */
    static String come() {
        return root().resolve("come").toString();
    }

    /** Removes a folder with all that lies in it. */
    static void delete(Path folder) throws IOException {
        try (var paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
