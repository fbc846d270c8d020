package dev.come.calibration;

import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.stack.LayerNode.Original;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How far the dense model is that a stack is compared with. It says which layers to run; somebody else runs them. */
final class DenseModel implements AutoCloseable {
    private final StateStore store;
    private final @Nullable DenseStates known;
    private final boolean keepsReads;
    private int layers;
    /** How many layers shall lie behind it when the next layer of the stack is run. */
    private int wanted;
    private List<State> states;
    /** Those that it has run on to, while those before are still needed. */
    private @Nullable List<State> ahead;
    private int aheadLayers;
    /** What its layer reads that the layer of the stack was; the states are still needed. */
    private @Nullable DenseReads reads;
    /** The same of the layer that it has run on to. */
    private @Nullable DenseReads readsAhead;
    /** Whether the states before that layer are to be forgotten with it. */
    private boolean readsAlone;
    /** At how many layers it keeps its place; less than none where it does not. */
    private int keepAt = -1;
    private @Nullable Place place;

    /** Where it was, with what its layer read there. */
    private record Place(int layers, List<State> states, @Nullable DenseReads reads, boolean readsAlone) {}

    /**
     * Begins before the first layer, or at a known point.
     *
     * @param store where all states are kept
     * @param states those where it begins
     * @param known its states where they are known, closed with this
     * @param keepsReads whether {@link #reads} is asked
     */
    DenseModel(StateStore store, List<State> states, Optional<DenseStates> known, boolean keepsReads) {
        this.store = store;
        this.states = states;
        this.known = known.orElse(null);
        this.keepsReads = keepsReads;
    }

    /** The states where it is, by chunk; they may come in while layers are run. */
    List<State> states() {
        return states;
    }

    /** How many layers lie behind it. */
    int layers() {
        return layers;
    }

    /** The layer that it has gone through last, or the first of several; null where that is not kept. */
    @Nullable
    DenseReads reads() {
        return reads;
    }

    /**
     * Asks for the states after a number of layers.
     *
     * @param alone whether the states where it is are no states of the stack
     * @return whether it has left these
     */
    boolean want(int number, boolean alone) {
        if (known != null) {
            states = known.after(number);
            layers = number;
            wanted = number;
            return false;
        }
        wanted = Math.max(wanted, number);
        if (ahead == null || number <= layers) {
            return false;
        }
        leave(states, alone);
        states = ahead;
        layers = aheadLayers;
        ahead = null;
        return true;
    }

    /** Adds the layers up to a number, to be run while the states where it is are still needed; what comes after them. */
    Optional<List<State>> ahead(int number, List<LayerRunner.Step> steps) {
        return known == null && ahead == null && number > layers ? Optional.of(steps(number, steps)) : Optional.empty();
    }

    /** They have been run. */
    void isAhead(List<State> after, int number) {
        ahead = after;
        aheadLayers = number;
    }

    /**
     * Adds the layers that are wanted.
     *
     * @param alone whether the states where it is are no states of the stack
     * @return what to do when they have been run, if there were some
     */
    Optional<Runnable> goOn(List<LayerRunner.Step> steps, boolean alone) {
        if (wanted <= layers) {
            return Optional.empty();
        }
        List<State> passed = states;
        states = steps(wanted, steps);
        return Optional.of(() -> {
            leave(passed, alone);
            layers = wanted;
        });
    }

    private List<State> steps(int number, List<LayerRunner.Step> steps) {
        List<State> after = states;
        for (int layer = layers; layer < number; layer++) {
            ForwardPass pass;
            if (keepsReads && layer == layers) {
                readsAhead = new DenseReads(store, layer, after);
                pass = readsAhead;
            } else {
                pass = new ForwardPass(store, after, layer > layers);
            }
            steps.add(new LayerRunner.Step(new Original(layer), _ -> {
            }, pass));
            after = pass.after();
        }
        return after;
    }

    /** Keeps the states behind a number of layers when it goes on from there, to {@link #goBack} to them. */
    void keepPlace(int number) {
        keepAt = number;
    }

    /** Goes back to where it kept its place. What lies between is known, and is not run again. */
    void goBack() {
        Place back = Objects.requireNonNull(place);
        if (ahead != null) {
            throw new IllegalStateException("the dense model has run on");
        }
        ahead = states;
        aheadLayers = layers;
        readsAhead = reads;
        states = back.states;
        layers = back.layers;
        wanted = back.layers;
        reads = back.reads;
        readsAlone = back.readsAlone;
        place = null;
    }

    private void leave(List<State> passed, boolean alone) {
        if (layers == keepAt) {
            place = new Place(layers, passed, reads, readsAlone);
            keepAt = -1;
            reads = readsAhead;
            readsAlone = false; // they are those of the place
            readsAhead = null;
        } else if (readsAhead != null) {
            if (reads != null) {
                reads.close();
                if (readsAlone) {
                    reads.before().forEach(store::free);
                }
            }
            reads = readsAhead;
            readsAlone = alone;
            readsAhead = null;
        } else if (alone) {
            passed.forEach(store::free);
        }
    }

    /** Forgets all states, also those where it is; not needed where their place is closed. */
    @Override
    public void close() {
        if (known != null) {
            known.close();
            return;
        }
        forget(reads);
        if (reads != null && readsAlone) {
            reads.before().forEach(store::free);
        }
        forget(readsAhead);
        if (place != null) {
            place.states.forEach(store::free);
            forget(place.reads);
        }
        states.forEach(store::free);
        if (ahead != null) {
            ahead.forEach(store::free);
        }
    }

    private static void forget(@Nullable DenseReads some) {
        if (some != null) {
            some.close();
        }
    }
}
