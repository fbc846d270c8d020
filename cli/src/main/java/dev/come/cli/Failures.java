package dev.come.cli;

import dev.come.ComeException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.failure.Shortage;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.util.Objects;
import java.util.stream.Stream;
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

    /** An argument has characters that the locale does not have. */
    static int onUnreadable(String argument, PrintWriter err) {
        err.println("come: the argument '" + printable(argument) + "' has characters that " + namesAreReadAs());
        return WRONG_USAGE;
    }

    private static String namesAreReadAs() {
        return "cannot be read: arguments and names of files are read as " + System.getProperty("sun.jnu.encoding")
                + " here; set LC_ALL to a locale of the encoding that they are in, such as C.UTF-8";
    }

    /** Without characters that the terminal cannot show either. */
    private static String printable(String text) {
        return text.replaceAll("[^ -~]+", "?");
    }

    /**
     * The command ran and threw an exception or an error.
     *
     * @param command its name, for what says nothing else of what was being done
     */
    static int onFailure(Throwable failure, String command, PrintWriter err, boolean verbose) {
        Throwable told = Shortage.of(() -> "'" + command + "'", failure).map(Throwable.class::cast).orElse(failure);
        if (told instanceof ComeException) {
            err.println("come: " + told.getMessage());
        } else if (told instanceof InvalidPathException path) {
            err.println("come: the path '" + printable(path.getInput()) + "' has characters that " + namesAreReadAs());
        } else if (isOfEngine(told)) {
            err.println(ofEngine(told));
        } else {
            String firstLine = told.toString().lines().findFirst().orElse("");
            err.println("come: unexpected: " + firstLine + (verbose ? "" : "; run again with --verbose to see where"));
        }
        if (verbose) {
            told.printStackTrace(err);
        }
        return exitCode(told);
    }

    /** Whether a library was missing when the tensor engine was first used; then its classes cannot be loaded either. */
    private static boolean isOfEngine(Throwable failure) {
        return failure instanceof LinkageError && Stream.iterate(failure, Objects::nonNull, Throwable::getCause)
                .anyMatch(cause -> cause instanceof UnsatisfiedLinkError
                        || String.valueOf(cause.getMessage()).contains("org.bytedeco"));
    }

    /** What is said when a library of the tensor engine cannot be loaded. */
    private static String ofEngine(Throwable error) {
        Throwable reason = error;
        while (reason.getCause() != null) {
            reason = reason.getCause();
        }
        return "come: the tensor engine cannot be loaded (" + reason.getMessage()
                + "); an engine with CUDA needs the CUDA libraries on LD_LIBRARY_PATH, see Machines in the README";
    }

    private static int exitCode(Throwable failure) {
        return switch (failure) {
            case UsageException _ -> WRONG_USAGE;
            case InvalidInputException _,InvalidPathException _ -> INVALID_INPUT;
            case NothingToDoException _ -> NOTHING_TO_DO;
            default -> FAILED;
        };
    }
}
