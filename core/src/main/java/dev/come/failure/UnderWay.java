package dev.come.failure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BooleanSupplier;

/** The runs of this process that have not ended, for who has to tell the user when the process must end at once. */
public final class UnderWay {
    private static final Map<Path, Run> RUNS = new ConcurrentSkipListMap<>();

    /** @param restarts whether the command can be told to begin anew */
    private record Run(BooleanSupplier hasSomething, boolean restarts) {
        Optional<String> howToGoOn(Path state) {
            return hasSomething.getAsBoolean()
                    ? Optional.of("What was done is kept in " + state + "; the same command goes on from there"
                            + (restarts ? ", and with --restart it begins anew." : "."))
                    : Optional.empty();
        }
    }

    private UnderWay() {
    }

    /**
     * Tells how to go on with each run that is under way now: one sentence for each that has kept something. Safe to call from
     * any thread.
     */
    public static List<String> howToGoOn() {
        List<String> sentences = new ArrayList<>();
        new TreeMap<>(RUNS).forEach((state, run) -> run.howToGoOn(state).ifPresent(sentences::add));
        return sentences;
    }

    /**
     * Adds a run that goes on when the command is given again, or begins anew with {@code --restart}.
     *
     * @param state where it keeps what is done
     * @param hasSomething whether it has kept something
     */
    public static void add(Path state, BooleanSupplier hasSomething) {
        RUNS.put(state, new Run(hasSomething, true));
    }

    /** Adds what goes on by itself when it is asked for again, whatever the command. */
    public static void addForAll(Path state, BooleanSupplier hasSomething) {
        RUNS.put(state, new Run(hasSomething, false));
    }

    /** Takes a run away that has ended or failed; if it has kept something, tells how to go on from there. */
    public static Optional<String> remove(Path state) {
        Run run = RUNS.remove(state);
        return run == null ? Optional.empty() : run.howToGoOn(state);
    }
}
