package dev.come.spark;

import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The command for those who start it with spark-submit, which names the master itself. */
public final class Main {
    private Main() {
    }

    /** Does what the command {@code come} does with these arguments, on the master that spark-submit was given. */
    public static void main(String[] arguments) {
        dev.come.cli.Main.main(withMaster(arguments, System.getProperty("spark.master")));
    }

    /** The arguments, and the master if they name none and do something that takes one. */
    static String[] withMaster(String[] arguments, @Nullable String master) {
        boolean takesOne = arguments.length > 0 && Stream.of("prune", "heal", "eval", "distill")
                .anyMatch(arguments[0]::equals);
        boolean namesOne = Arrays.stream(arguments)
                .anyMatch(one -> one.equals("--master") || one.startsWith("--master="));
        return master == null || namesOne || !takesOne
                ? arguments
                : Stream.concat(Arrays.stream(arguments), Stream.of("--master", master)).toArray(String[]::new);
    }
}
