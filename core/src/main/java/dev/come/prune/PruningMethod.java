package dev.come.prune;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.SequencedMap;

/**
 * A way to make a stack smaller: a function from a stack and measurements on it to the next stacks. It touches no tensors,
 * no files and no threads.
 */
public interface PruningMethod {
    /** What a method measures. */
    enum Needs {
        /** The weights alone. */
        WEIGHTS,
        /** What layers do on tokens. */
        TOKENS,
        /** The same, and how far layers can be fitted to the dense model, of whose tokens some are held out. */
        FITS,
        /** Gradients on tokens, which want float32. */
        GRADIENTS
    }

    /**
     * What a run comes to, in work on the whole calibration set.
     *
     * @param rounds how often {@link #next} is asked
     * @param layerRuns how often one layer is run over all tokens
     * @param headRuns how often the output projection is
     */
    record Cost(int rounds, double layerRuns, double headRuns) {}

    /** The name under which users ask for it. */
    String name();

    /** The options of the method under the names that users give them by, for the record. */
    SequencedMap<String, Object> record();

    /** What it measures. */
    Needs needs();

    /**
     * What it comes to to get from so many layers to the target.
     *
     * @throws NothingToDoException if it is certain beforehand that the options do not let it get there
     * @throws UsageException if the options do not go with so many layers
     */
    Cost cost(int layers, int targetLayers);

    /**
     * Takes the next steps towards the target: one, where everything is measured again after each; all of them, where one
     * measurement decides about all.
     *
     * @param stack what is left so far
     * @param targetLayers how many layers are to be left in the end; fewer than the stack has
     * @return at least one step; each leaves fewer layers than before and at least {@code targetLayers}
     * @throws NothingToDoException if the options leave nothing that could be merged or removed
     */
    List<PruningStep> next(LayerStack stack, int targetLayers, Calibration calibration);
}
