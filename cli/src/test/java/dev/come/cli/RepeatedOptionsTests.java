package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * An option that is given twice: the last value wins, or a list grows, and nothing else changes. What is compared are
 * the fields that the commands read, found by their annotations.
 */
class RepeatedOptionsTests {
    /** Options that gather what they are given; all others have one value. */
    private static final List<String> LISTS = List.of("eval --tasks", "eval --ppl-data", "prune --ppl-data",
            "prune --retain-layer", "prune --calibration-dataset", "heal --ppl-data", "heal --calibration-dataset",
            "recover --ppl-data", "recover --calibration-dataset", "distill --ppl-data",
            "distill --calibration-dataset", "overlap --calibration-dataset", "overlap --ppl-data",
            "prune --spark-conf", "heal --spark-conf",
            "eval --spark-conf",
            "distill --spark-conf");

    @TestFactory
    Stream<DynamicTest> anOptionGivenTwiceKeepsAllThatWasGivenBefore() {
        return subcommands().flatMap(command -> options(command).stream()
                .map(option -> DynamicTest.dynamicTest(command + " " + option.longestName(),
                        () -> check(command, option.longestName()))));
    }

    private static void check(String command, String repeated) {
        List<String> once = new ArrayList<>();
        for (OptionSpec option : options(command)) {
            once.addAll(given(option, 0));
        }
        List<String> last = given(options(command).stream().filter(option -> option.longestName().equals(repeated))
                .findFirst().orElseThrow(), 1);
        List<String> twice = new ArrayList<>(once);
        twice.addAll(last);

        Map<String, String> expected = parse(command, once);
        boolean list = LISTS.contains(command + " " + repeated);
        String value = parse(command, last).get(repeated);
        expected.merge(repeated, value,
                (before, after) -> list ? before.replace("]", "") + ", " + after.replace("[", "") : after);
        assertThat(parse(command, twice)).isEqualTo(expected);
    }

    @Test
    void everyOptionTwiceIsEveryOptionOnce() {
        for (String command : subcommands().toList()) {
            List<String> once = new ArrayList<>();
            List<String> twice = new ArrayList<>();
            for (OptionSpec option : options(command)) {
                List<String> last = given(option, 1);
                once.addAll(last);
                if (!LISTS.contains(command + " " + option.longestName())) {
                    twice.addAll(given(option, 0));
                }
                twice.addAll(last);
            }
            assertThat(parse(command, twice)).as(command).isEqualTo(parse(command, once));
        }
    }

    @Test
    void whatTheFieldsSayIsWhatWasGiven() {
        assertThat(parse("prune", List.of("--psu", "2", "--wo-repeat", "--merge-item", "3", "--merge-item", "2")))
                .containsEntry("--psu", "2.0").containsEntry("--wo-repeat", "true").containsEntry("--merge-item", "2")
                .containsEntry("--min-max", "0.0");
        assertThat(parse("prune", List.of("--heal-scope", "cut", "--heal", "ridge", "--heal", "none")))
                .containsEntry("--heal-scope", "cut").containsEntry("--heal", "none");
        assertThat(parse("prune", List.of("--barriers", "1,2", "--barriers", "0,3"))).containsEntry("--barriers",
                "0,3");
    }

    /** Runs the parser alone and reads all fields that are options, by their names. */
    private static Map<String, String> parse(String command, List<String> arguments) {
        CommandLine line = Main.commandLine(Trial.OFFLINE);
        CommandLine subcommand = Objects.requireNonNull(line.getSubcommands().get(command));
        for (ArgSpec argument : subcommand.getCommandSpec().args()) {
            // Values are compared, so nothing else needs to be there.
            if (argument instanceof OptionSpec option && option.required()
                    && !arguments.contains(option.longestName())) {
                arguments = Stream.concat(given(option, 0).stream(), arguments.stream()).toList();
            } else if (argument instanceof PositionalParamSpec) {
                arguments = Stream.concat(Stream.of("given"), arguments.stream()).toList();
            }
        }
        line.parseArgs(Stream.concat(Stream.of(command), arguments.stream()).toArray(String[]::new));
        Map<String, String> values = new TreeMap<>();
        read(line.getCommand(), values);
        read(subcommand.getCommand(), values);
        return values;
    }

    private static void read(Object options, Map<String, String> values) {
        for (Class<?> type = options.getClass(); type != Object.class; type = type.getSuperclass()) {
            for (Field field : type.getDeclaredFields()) {
                Optional<Object> value = value(field, options);
                if (field.isAnnotationPresent(Option.class)) {
                    String name = field.getAnnotation(Option.class).names()[0];
                    values.put(name, value.map(String::valueOf).orElse("none"));
                } else if (value.isPresent() && !Modifier.isStatic(field.getModifiers())
                        && !field.isAnnotationPresent(CommandLine.ParentCommand.class)
                        && !field.isAnnotationPresent(Parameters.class)
                        && field.getType().getPackage() == Main.class.getPackage()) {
                    read(value.get(), values);
                }
            }
        }
    }

    private static Optional<Object> value(Field field, @Nullable Object owner) {
        try {
            field.setAccessible(true);
            return Optional.ofNullable(field.get(owner));
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static Stream<String> subcommands() {
        return Main.commandLine(Trial.OFFLINE).getSubcommands().keySet().stream().sorted();
    }

    /** All options of a command, but for those that end it. */
    private static List<OptionSpec> options(String command) {
        CommandLine subcommand = Objects
                .requireNonNull(Main.commandLine(Trial.OFFLINE).getSubcommands().get(command));
        return subcommand.getCommandSpec().options().stream()
                .filter(option -> !option.usageHelp() && !option.versionHelp()).toList();
    }

    /** An option with the first or second of two values that it can have. */
    private static List<String> given(OptionSpec option, int which) {
        Class<?> type = option.isMultiValue() ? option.auxiliaryTypes()[0] : option.type();
        if (type == boolean.class) {
            return List.of(option.longestName());
        }
        List<String> values = switch (type.getSimpleName()) {
            case "int", "Integer", "long", "Long" -> List.of("3", "5");
            case "double", "Double" -> List.of("0.25", "0.75");
            case "String", "Path" -> List.of("first", "second");
            default -> throw new IllegalStateException("say what " + option + " can be given");
        };
        return List.of(option.longestName(), values.get(which));
    }
}
