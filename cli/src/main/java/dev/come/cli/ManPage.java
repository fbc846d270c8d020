package dev.come.cli;

import dev.come.Version;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.ArgGroupSpec;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The manual page of a command, in the macros of man(7), from what its help is made of. */
final class ManPage {
    private final StringBuilder text = new StringBuilder();

    private ManPage() {
    }

    /**
     * The page.
     *
     * @param all the names of all pages, to which it refers
     */
    static String of(CommandSpec command, Collection<String> all) {
        return new ManPage().page(command, all);
    }

    private String page(CommandSpec command, Collection<String> all) {
        String name = command.qualifiedName("-");
        List<String> descriptions = plain(command.usageMessage().description());
        // Without a date, so that the same sources give the same bytes.
        line(".TH " + quoted(name.toUpperCase(Locale.ROOT)) + " 1 \"\" " + quoted(Version.NAME) + " \"CoMe\"");
        line(".SH NAME");
        line(escaped(name) + " \\- " + escaped(descriptions.getFirst().replaceFirst("\\.$", "")));
        line(".SH SYNOPSIS");
        line(".B " + escaped(command.qualifiedName()));
        line(escaped(synopsis(command)));
        line(".SH DESCRIPTION");
        descriptions.forEach(this::paragraph);
        List<ArgGroupSpec> groups = command.argGroups();
        List<ArgSpec> grouped = groups.stream().flatMap(group -> group.allOptionsNested().stream())
                .map(ArgSpec.class::cast).toList();
        arguments("ARGUMENTS", command.positionalParameters());
        arguments("OPTIONS", command.options().stream().filter(option -> !grouped.contains(option)).toList());
        for (ArgGroupSpec group : groups.stream().sorted((one, other) -> one.order() - other.order()).toList()) {
            String heading = String.format(Locale.ROOT, String.valueOf(group.heading())).strip();
            arguments(heading.replaceFirst(":$", "").toUpperCase(Locale.ROOT), group.allOptionsNested());
        }
        commands(command);
        footer(command);
        line(".SH SEE ALSO");
        line(all.stream().filter(other -> !other.equals(name)).map(other -> ".BR " + escaped(other) + " (1)")
                .collect(Collectors.joining("\n")));
        return text.toString();
    }

    private static String synopsis(CommandSpec command) {
        String positional = command.positionalParameters().stream().map(ArgSpec::paramLabel)
                .collect(Collectors.joining(" "));
        String required = command.options().stream().filter(OptionSpec::required)
                .map(option -> option.longestName() + " " + option.paramLabel()).collect(Collectors.joining(" "));
        String subcommand = command.subcommands().isEmpty() ? "" : "COMMAND";
        return Stream.of(required, "[OPTIONS]", positional, subcommand).filter(part -> !part.isEmpty())
                .collect(Collectors.joining(" "));
    }

    private void arguments(String heading, List<? extends ArgSpec> arguments) {
        List<? extends ArgSpec> shown = arguments.stream().filter(argument -> !argument.hidden()).toList();
        if (shown.isEmpty()) {
            return;
        }
        line(".SH " + quoted(heading));
        for (ArgSpec argument : shown) {
            line(".TP");
            line(switch (argument) {
                case OptionSpec option ->
                    ".B " + escaped(Arrays.stream(option.names()).collect(Collectors.joining(", "))
                            + (option.arity().max() == 0 ? "" : " " + option.paramLabel()));
                case PositionalParamSpec positional -> ".B " + escaped(positional.paramLabel());
                default -> throw new IllegalStateException(argument + " is neither an option nor a parameter");
            });
            List<String> description = plain(argument.description());
            line(escaped(argument.required() && argument instanceof OptionSpec ? "Required. " : "")
                    + String.join("\n.br\n", description.stream().map(ManPage::escaped).toList()));
        }
    }

    private void commands(CommandSpec command) {
        if (command.subcommands().isEmpty()) {
            return;
        }
        line(".SH COMMANDS");
        ManCommand.pages(command).forEach((page, sub) -> {
            if (!sub.equals(command)) {
                line(".TP");
                line(".BR " + escaped(page) + " (1)");
                line(escaped(plain(sub.usageMessage().description()).getFirst()));
            }
        });
    }

    /** Examples keep their lines; all else is set as text. */
    private void footer(CommandSpec command) {
        List<String> lines = plain(command.usageMessage().footer());
        int example = lines.indexOf("Example:") >= 0 ? lines.indexOf("Example:") : lines.indexOf("Examples:");
        if (example >= 0) {
            line(".SH EXAMPLE");
            line(".nf");
            lines.subList(example + 1, lines.size()).stream().takeWhile(one -> one.startsWith("  "))
                    .forEach(one -> line(escaped(one)));
            line(".fi");
        }
        List<String> codes = lines.stream().filter(one -> one.startsWith("Exit codes: ")).toList();
        if (!codes.isEmpty()) {
            line(".SH EXIT STATUS");
            codes.forEach(one -> line(escaped(one.substring("Exit codes: ".length()))));
        }
    }

    private void paragraph(String sentence) {
        line(".PP");
        line(escaped(sentence));
    }

    private static List<String> plain(String... lines) {
        return Arrays.stream(lines)
                .map(one -> Ansi.OFF.string(String.format(Locale.ROOT, one.replaceAll("%(?!n)", "%%"))))
                .toList();
    }

    private void line(String line) {
        text.append(line).append('\n');
    }

    /** An argument of a macro. */
    private static String quoted(String argument) {
        return '"' + escaped(argument).replace("\"", "\\(dq") + '"';
    }

    /** A dash is one that can be typed, and no line begins a macro by accident. */
    private static String escaped(String text) {
        String safe = text.replace("\\", "\\e").replace("-", "\\-");
        return safe.startsWith(".") || safe.startsWith("'") ? "\\&" + safe : safe;
    }
}
