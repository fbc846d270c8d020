package dev.come.job;

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
    private static final Map<Path, BooleanSupplier> STATES = new ConcurrentSkipListMap<>();

    private UnderWay() {
    }

    /**
     * Tells how to go on with each run that is under way now: one sentence for each that has kept something. Safe to call from
     * any thread.
     */
    public static List<String> howToGoOn() {
        List<String> sentences = new ArrayList<>();
        new TreeMap<>(STATES).forEach((state, hasSomething) -> {
            if (hasSomething.getAsBoolean()) {
                sentences.add(howToGoOn(state));
            }
        });
        return sentences;
    }

    /** Tells how to go on from a state. */
    private static String howToGoOn(Path state) {
        return "What was done is kept in " + state
                + "; the same command goes on from there, and with --restart it begins anew.";
    }

    /**
     * Adds a run.
     *
     * @param state where it keeps what is done
     * @param hasSomething whether it has kept something
     */
    static void add(Path state, BooleanSupplier hasSomething) {
        STATES.put(state, hasSomething);
    }

    /** Takes a run away that has ended or failed; if it has kept something, tells how to go on from there. */
    static Optional<String> remove(Path state) {
        BooleanSupplier hasSomething = STATES.remove(state);
        return hasSomething != null && hasSomething.getAsBoolean() ? Optional.of(howToGoOn(state)) : Optional.empty();
    }
}
