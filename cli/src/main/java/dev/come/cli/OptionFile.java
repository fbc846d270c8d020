package dev.come.cli;

import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.failure.Nearest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads options from a YAML file that {@code --config} names: a mapping from the name of an option, without dashes, to its
 * value. A list stands for several values, {@code true} for an option without a value.
 *
 * <p>The options of the file are put in front of those of the command line, where the last one wins.
 */
final class OptionFile {
    static final String OPTION = "--config";

    private final Path file;
    private final CommandLine command;

    private OptionFile(Path file, CommandLine command) {
        this.file = file;
        this.command = command;
    }

    /**
     * The arguments with those of the option file, if one is named.
     *
     * @param arguments the name of a command, and its options
     * @throws UsageException if the file cannot be read, or names an option that the command does not have
     */
    static String[] expand(CommandLine commands, String[] arguments) {
        List<String> given = List.of(arguments);
        Optional<String> name = value(given);
        CommandLine command = arguments.length == 0 ? null : commands.getSubcommands().get(arguments[0]);
        if (name.isEmpty() || command == null || !command.getCommandSpec().optionsMap().containsKey(OPTION)) {
            return arguments;
        }
        List<String> all = new ArrayList<>(List.of(arguments[0]));
        all.addAll(new OptionFile(path(name.get()), command).arguments());
        all.addAll(given.subList(1, given.size()));
        return all.toArray(String[]::new);
    }

    private static Optional<String> value(List<String> arguments) {
        Optional<String> last = Optional.empty();
        for (int i = 0; i < arguments.size(); i++) {
            if (arguments.get(i).startsWith(OPTION + "=")) {
                last = Optional.of(arguments.get(i).substring(OPTION.length() + 1));
            } else if (arguments.get(i).equals(OPTION) && i + 1 < arguments.size()) {
                last = Optional.of(arguments.get(i + 1));
            }
        }
        return last;
    }

    private static Path path(String name) {
        try {
            return Path.of(name);
        } catch (InvalidPathException _) { // its message has the name
            throw new UsageException(OPTION + " is '" + name + "', which is no path");
        }
    }

    private List<String> arguments() {
        JsonNode options = read();
        if (!options.isObject()) {
            throw invalid("holds no options; expected lines such as 'target-layers: 21'");
        }
        List<String> arguments = new ArrayList<>();
        for (Map.Entry<String, JsonNode> option : options.properties()) {
            argument(option.getKey(), option.getValue()).ifPresent(arguments::add);
        }
        return arguments;
    }

    private JsonNode read() {
        try {
            return new YAMLMapper()
                    .readTree(new String(Limits.read(file, Limits.CONFIG_BYTES), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UsageException(
                    OPTION + ": " + file + " cannot be read (" + IoReason.of(e) + "); give a file of options");
        } catch (JacksonException e) {
            throw invalid("is not YAML: " + e.getOriginalMessage().lines().findFirst().orElse("") + " (line "
                    + e.getLocation().getLineNr() + ")");
        }
    }

    private Optional<String> argument(String key, JsonNode value) {
        String name = "--" + key.replaceFirst("^--", "");
        OptionSpec option = command.getCommandSpec().optionsMap().get(name);
        if (option == null || name.equals(OPTION) || option.usageHelp() || option.versionHelp()) {
            throw invalid("names " + key + Nearest.hint(key, names()) + ", which is no option of '"
                    + command.getCommandSpec().qualifiedName() + "'");
        }
        if (value.isBoolean() && option.arity().max() == 0) {
            return value.booleanValue() ? Optional.of(name) : Optional.empty();
        }
        if (value.isArray() && value.valueStream().allMatch(JsonNode::isValueNode)) {
            return Optional.of(name + "="
                    + value.valueStream().map(JsonNode::asString).collect(Collectors.joining(",")));
        }
        if (!value.isValueNode() || value.isNull() || option.arity().max() == 0) {
            throw invalid(key + " must be " + (option.arity().max() == 0 ? "true or false" : "one value or a list"));
        }
        return Optional.of(name + "=" + value.asString());
    }

    private Set<String> names() {
        return command.getCommandSpec().optionsMap().keySet().stream()
                .filter(name -> name.startsWith("--") && !name.equals(OPTION))
                .map(name -> name.substring(2)).collect(Collectors.toCollection(TreeSet::new));
    }

    private UsageException invalid(String what) {
        return new UsageException(OPTION + ": " + file + " " + what);
    }
}
