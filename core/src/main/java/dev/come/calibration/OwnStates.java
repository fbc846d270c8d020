package dev.come.calibration;

import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Where a stack is that goes forward beside the dense model, and where it was, if it is to go from there twice. */
final class OwnStates {
    private final StateStore store;
    private List<State> states;
    /** Whether these are the dense model's too, which then owns them. */
    private boolean together = true;
    /** Those before the layers that are run twice. */
    private @Nullable List<State> place;
    /** Those behind these layers when they were run the first time. */
    private @Nullable List<State> first;

    /** Begins where the dense model is. */
    OwnStates(StateStore store, List<State> states) {
        this.store = store;
        this.states = states;
    }

    /** The states before the first layer, by chunk. */
    static List<State> embedded(LayerRunner runner, TokenChunks chunks, StateStore store) {
        State[] embedded = new State[chunks.size()];
        runner.workers().forEach(chunks.size(),
                (chunk, _) -> embedded[chunk] = store.put(runner.embed(chunks.get(chunk))));
        return Arrays.asList(embedded);
    }

    /** The states, by chunk. */
    List<State> states() {
        return states;
    }

    boolean isTogether() {
        return together;
    }

    /** The dense model has gone on. */
    void part() {
        together = false;
    }

    /** The dense model has gone on, and these are its states. */
    void join(List<State> dense) {
        states = dense;
        together = true;
    }

    void moveOn(List<State> after) {
        if (!together && !states.equals(place)) {
            states.forEach(store::free);
        }
        together = false;
        states = after;
    }

    /** Keeps the place. */
    void keepPlace() {
        place = states;
    }

    /** Goes back to it; where the stack is now is kept instead. */
    void goBack() {
        first = states;
        states = Objects.requireNonNull(place);
        place = null;
    }

    /** Goes on from here, or from where the stack was when it went back; the other place is forgotten. */
    void decide(boolean here) {
        List<State> kept = Objects.requireNonNull(first);
        first = null;
        if (here) {
            kept.forEach(store::free);
        } else {
            moveOn(kept);
        }
    }

    /** Forgets all states; not needed where their place is closed. */
    void close() {
        if (first != null) {
            first.forEach(store::free);
        }
        if (place != null && !place.equals(states)) {
            place.forEach(store::free);
        }
        if (!together) {
            states.forEach(store::free);
        }
    }
}
