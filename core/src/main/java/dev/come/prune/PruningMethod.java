package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.SequencedMap;

/**
 * A way to make a stack smaller: a function from a stack and measurements on it to the next stack. It touches no tensors, no
 * files and no threads.
 */
public interface PruningMethod {
    /** The name under which users ask for it. */
    String name();

    /** The options of the method under the names that users give them by, for the record. */
    SequencedMap<String, Object> record();

    /**
     * Takes one step towards the target.
     *
     * @param stack what is left so far
     * @param targetLayers how many layers are to be left in the end; fewer than the stack has
     * @return the next stack, with at least {@code targetLayers} layers and fewer than before
     * @throws NothingToDoException if the options leave nothing that could be merged or removed
     */
    PruningStep step(LayerStack stack, int targetLayers, Calibration calibration);

    /**
     * How many steps the method takes from so many layers to the target.
     *
     * @throws NothingToDoException if it is certain beforehand that the options do not let it get there
     */
    int steps(int layers, int targetLayers);
}
