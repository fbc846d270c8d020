package dev.come.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Stack;
import picocli.CommandLine.IParameterConsumer;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Reads a list that is one value: words with commas or blanks between, up to the next option. The last list wins. */
final class Words implements IParameterConsumer {
    @Override
    @SuppressWarnings("JdkObsolete") // the library hands over a Stack
    public void consumeParameters(Stack<String> arguments, ArgSpec argument, CommandSpec command) {
        List<String> words = new ArrayList<>();
        while (!arguments.isEmpty() && !arguments.peek().startsWith("--")) {
            words.add(arguments.pop());
        }
        if (words.isEmpty()) {
            throw new ParameterException(command.commandLine(),
                    "Missing required parameter for option '" + argument.paramLabel() + "'");
        }
        argument.setValue(String.join(" ", words));
    }

    /** The words of a text. */
    static List<String> of(String text) {
        return Arrays.stream(text.split("[,\\s]+")).filter(word -> !word.isEmpty()).toList();
    }
}
