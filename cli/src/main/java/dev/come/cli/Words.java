package dev.come.cli;

import dev.come.UsageException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Stack;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import picocli.CommandLine.IParameterPreprocessor;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Reads a list that is one value: words with commas or blanks between, up to the next option. The last list wins. */
final class Words implements IParameterPreprocessor {
    /** No model has layers of more digits. */
    private static final Pattern RANGE = Pattern.compile("(\\d{1,5})(?:-(\\d{1,5}))?");

    @Override
    @SuppressWarnings("JdkObsolete") // the library hands over a Stack
    public boolean preprocess(Stack<String> arguments, CommandSpec command, ArgSpec argument,
            Map<String, Object> about) {
        List<String> words = new ArrayList<>();
        while (!arguments.isEmpty() && !arguments.peek().startsWith("--")) {
            words.add(arguments.pop());
        }
        if (words.isEmpty()) {
            throw new ParameterException(command.commandLine(),
                    "Missing required parameter for option '" + argument.paramLabel() + "'");
        }
        arguments.push(String.join(" ", words));
        return false; // the library takes it as it takes any value, and knows that the option was given
    }

    /**
     * The numbers of a text such as {@code 5,9-11}.
     *
     * @param option the option that it was given to, for the message
     * @throws UsageException if there is something else in it
     */
    static List<Integer> numbers(String option, String text) {
        List<Integer> numbers = new ArrayList<>();
        for (String word : of(text)) {
            Matcher range = RANGE.matcher(word);
            if (!range.matches()) {
                throw new UsageException(option + " has '" + word + "', but numbers and ranges of numbers are expected,"
                        + " such as 5,9-11");
            }
            int first = Integer.parseInt(range.group(1));
            int last = range.group(2) == null ? first : Integer.parseInt(range.group(2));
            if (last < first) {
                throw new UsageException(option + " has the range " + word + ", which ends before it begins; turn it"
                        + " round");
            }
            IntStream.rangeClosed(first, last).forEach(numbers::add);
        }
        return numbers;
    }

    /** The words of a text. */
    static List<String> of(String text) {
        return Arrays.stream(text.split("[,\\s]+")).filter(word -> !word.isEmpty()).toList();
    }
}
