package dev.come.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** Writes the completions of a command in the language of the shell fish. */
final class FishCompletion {
    private final StringBuilder script = new StringBuilder();

    private FishCompletion() {
    }

    /** A script with a line for each subcommand and each option. */
    static String of(CommandLine command) {
        FishCompletion completion = new FishCompletion();
        completion.script.append("complete -c come -f\n");
        for (Map.Entry<String, CommandLine> subcommand : command.getSubcommands().entrySet()) {
            completion.add(subcommand.getKey(), subcommand.getValue());
        }
        return completion.script.toString();
    }

    private void add(String name, CommandLine command) {
        line("__fish_use_subcommand", " -a " + name, String.join(" ", command.getCommandSpec().usageMessage()
                .description()));
        String within = "__fish_seen_subcommand_from " + name;
        for (OptionSpec option : command.getCommandSpec().options()) {
            if (!option.hidden()) {
                String shortName = option.shortestName().startsWith("--")
                        ? ""
                        : " -s " + option.shortestName().substring(1);
                line(within, " -l " + option.longestName().substring(2) + shortName + values(option), first(option));
            }
        }
        for (PositionalParamSpec parameter : command.getCommandSpec().positionalParameters()) {
            if (parameter.completionCandidates() != null || takesFiles(parameter)) {
                line(within, values(parameter).replaceFirst("^ -[rx]", ""), first(parameter));
            }
        }
    }

    private void line(String condition, String what, String description) {
        script.append("complete -c come -n '").append(condition).append('\'').append(what).append(" -d '")
                .append(description.replace("\\", "\\\\").replace("'", "\\'")).append("'\n");
    }

    /** The values that an option can have: names, files, or anything. */
    private static String values(ArgSpec argument) {
        @Nullable
        Iterable<String> names = argument.completionCandidates();
        if (argument.arity().max() == 0) {
            return "";
        }
        if (names != null) {
            return " -x -a '" + StreamSupport.stream(names.spliterator(), false).collect(Collectors.joining(" ")) + "'";
        }
        return takesFiles(argument) ? " -r -F" : " -x";
    }

    private static boolean takesFiles(ArgSpec argument) {
        return argument.type() == Path.class || argument.paramLabel().equals("MODEL")
                || argument.paramLabel().startsWith("DIR|FILE");
    }

    private static String first(ArgSpec argument) {
        String[] description = argument.description();
        return description.length == 0 ? "" : description[0].replace("${COMPLETION-CANDIDATES}", "").strip();
    }
}
