package dev.come.calibration;

import dev.come.run.StateStore.State;
import java.util.List;
import java.util.Optional;

/** The states of the dense model where they are known, which belong to somebody else. */
interface DenseStates extends AutoCloseable {
    /** The states of the dense model after this number of layers, by chunk. */
    List<State> after(int layers);

    /** Those that the first half of the layer is to end in, by chunk, where it is known what it is to give. */
    default Optional<List<State>> betweenHalves() {
        return Optional.empty();
    }

    /** Forgets states that were made for it. */
    @Override
    default void close() {
    }
}
