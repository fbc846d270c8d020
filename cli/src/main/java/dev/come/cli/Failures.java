package dev.come.cli;

import dev.come.ComeException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns what went wrong into one line on standard error and an exit code. */
final class Failures {
    static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;
    private static final int INVALID_INPUT = 3;
    private static final int NOTHING_TO_DO = 4;

    private Failures() {
    }

    /** The arguments could not be read at all. */
    static int onWrongUsage(ParameterException exception, String[] arguments) {
        CommandLine command = exception.getCommandLine();
        PrintWriter err = command.getErr();
        err.println("come: " + exception.getMessage());
        UnmatchedArgumentException.printSuggestions(exception, err);
        err.println("'" + command.getCommandSpec().qualifiedName() + " --help' lists what can be given");
        return WRONG_USAGE;
    }

    /** The command ran and threw. */
    static int onFailure(Exception exception, PrintWriter err, boolean verbose) {
        if (exception instanceof ComeException) {
            err.println("come: " + exception.getMessage());
        } else {
            String firstLine = exception.toString().lines().findFirst().orElse("");
            err.println("come: unexpected: " + firstLine + (verbose ? "" : "; run again with --verbose to see where"));
        }
        if (verbose) {
            exception.printStackTrace(err);
        }
        return exitCode(exception);
    }

    /** What is said when a library of the tensor engine cannot be loaded. */
    static String ofEngine(LinkageError error) {
        Throwable reason = error;
        while (reason.getCause() != null) {
            reason = reason.getCause();
        }
        return "come: the tensor engine cannot be loaded (" + reason.getMessage()
                + "); an engine with CUDA needs the CUDA libraries on LD_LIBRARY_PATH, see Machines in the README";
    }

    private static int exitCode(Exception exception) {
        return switch (exception) {
            case UsageException _ -> WRONG_USAGE;
            case InvalidInputException _ -> INVALID_INPUT;
            case NothingToDoException _ -> NOTHING_TO_DO;
            default -> FAILED;
        };
    }
}
