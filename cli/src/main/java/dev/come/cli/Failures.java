package dev.come.cli;

import dev.come.ComeException;
import dev.come.InvalidInputException;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.failure.NativeFolder;
import dev.come.failure.Nearest;
import dev.come.failure.Shortage;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
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
        err.println("come: " + noCommand(exception).or(() -> mistyped(command, List.of(arguments)))
                .or(() -> belongsToNothing(exception))
                .orElse(exception.getMessage()));
        err.println("'" + command.getCommandSpec().qualifiedName() + " --help' lists what can be given");
        return WRONG_USAGE;
    }

    /** Options that the command does not have; they count more than one that is missing, which may be the same one. */
    private static Optional<String> mistyped(CommandLine command, List<String> arguments) {
        Set<String> known = command.getCommandSpec().optionsMap().keySet();
        List<String> unknown = command.isUnmatchedOptionsAllowedAsOptionParameters()
                ? List.of()
                : arguments.stream().filter(argument -> argument.startsWith("--"))
                        .map(argument -> argument.split("=", 2)[0]).filter(name -> !known.contains(name)).distinct()
                        .toList();
        return unknown.isEmpty()
                ? Optional.empty()
                : Optional.of("There is no option " + unknown.stream().map(name -> name + Nearest.hint(name, known))
                        .collect(Collectors.joining(", nor ")));
    }

    private static Optional<String> noCommand(ParameterException exception) {
        Set<String> commands = exception.getCommandLine().getSubcommands().keySet();
        return first(exception).filter(word -> !commands.isEmpty() && !word.startsWith("-"))
                .map(word -> "There is no command " + word + Nearest.hint(word, commands));
    }

    private static Optional<String> belongsToNothing(ParameterException exception) {
        return first(exception).map(word -> "'" + word + "' belongs to no option");
    }

    /** The first word that the parser could not use. */
    private static Optional<String> first(ParameterException exception) {
        return exception instanceof UnmatchedArgumentException unmatched
                ? unmatched.getUnmatched().stream().findFirst()
                : Optional.empty();
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
        } else if (NativeFolder.blamed(told).isPresent()) {
            err.println("come: " + NativeFolder.blamed(told).get());
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
                + "); an engine with CUDA needs the CUDA libraries on LD_LIBRARY_PATH, see docs/machines.md";
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
