package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Calibration.Refit;
import dev.come.stack.LayerStack;
import java.util.Optional;

/** How layers are refitted, and where their weights lie. This room measures, and leaves both to another. */
public interface Refitting {
    /** How often a layer is run for it, if each of its fits is tried once and taken. */
    int runs();

    /**
     * Refits a layer, as {@link Calibration#refitted} says.
     *
     * @param side at the states before the layer; it is closed by whoever gives it
     * @param task advances by {@link #runs} times the chunks of the tokens
     */
    Optional<Refit> refit(LayerStack stack, int position, StackBesideDense side, Progress.Task task);

    /** As {@link Calibration#settled}. */
    LayerStack settled(LayerStack stack);

    /** Forgets weights that were found since this was said last, except those of one stack. */
    void keepOnly(LayerStack stack);
}
