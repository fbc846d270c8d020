package dev.come.calibration;

import dev.come.Progress;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Workspace;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * A pruned stack beside the dense model that it was made from, on the same tokens, wherever their states lie. Both go forward a
 * layer at a time. Called from one thread.
 */
public interface StackBesideDense extends AutoCloseable {
    /** How many chunks the tokens fall into; a layer is run over one after the other. */
    int chunks();

    /** Does work that is reported on: the task advances by one with every layer that is run over a chunk. */
    <T> T reporting(Progress.Task task, Supplier<T> work);

    /** Runs the dense model on until this number of layers lies behind it, at the latest with the next layer of the stack. */
    void runDense(int layers);

    /**
     * Does work that only one thread can begin, while others may run the dense model on. They run it until this number of
     * layers lies behind it. The states where it was are those that trials are compared with until {@link #runDense}.
     *
     * @param work is given the workspace of its thread
     */
    <T> T whileDenseRuns(int layers, Function<Workspace, T> work);

    /** Runs both through layers that they have in common; the stack must not have left the dense model yet. */
    void runBoth(int layers);

    /**
     * Runs the next layer of the stack, against the dense states where they shall be.
     *
     * @param node its recipe
     * @param weights the weights of the recipe, which must outlive the call
     * @param projection {@link Part#OUTPUT} or {@link Part#DOWN} if its moments are wanted
     */
    Trial run(LayerNode node, LayerWeights weights, Optional<Part> projection);

    /**
     * Runs a layer again with another projection, whose inputs the trial tells. Nothing before the projection needs to be run
     * again, and the result equals that of a whole run to the bit.
     *
     * @param from the layer with weights that differ in this projection and its bias alone; may be discarded afterwards
     * @param node the recipe of the layer before its weights were changed
     * @param weights the weights to run it with, which must outlive the call
     * @param projection {@link Part#DOWN} if its moments are wanted, and the trial is about {@link Part#OUTPUT}
     */
    Trial runAgain(Trial from, LayerNode node, LayerWeights weights, Optional<Part> projection);

    /**
     * How what one half of a layer reads explains what its projections to heads or channels miss. It must have been said in the
     * beginning that this will be asked.
     *
     * @param node the layer
     * @param weights what it is run with, of the caller's PointerScope
     * @param from the layer as it was run with these, about the projection of the same half that writes
     * @return closed by the caller; nothing where the layer does not stand for one of the dense model, or that is not known
     */
    Optional<Reads> reads(LayerNode node, LayerWeights weights, Trial from);

    /** Goes on from the states of a trial; others of the same layer are to be discarded. */
    void moveOn(Trial trial);

    /** Forgets a trial. */
    void discard(Trial trial);

    /**
     * Keeps the place before the next layer of the stack, so that layers can be run from there a second time.
     *
     * @param layers of the dense model that lie behind it when that layer is compared with it
     */
    void keepPlace(int layers);

    /**
     * Goes back to the place that was kept, once. The dense model must not have run on from where the layers that were run are
     * compared with it.
     */
    void goBack();

    /**
     * Ends what {@link #goBack} began, where the stack is behind the same layers again.
     *
     * @param here whether it goes on from where it is; otherwise from where it was when it went back
     */
    void decide(boolean here);

    /**
     * Measures what both cost; both must be at the end of their layers.
     *
     * @param stack for messages
     */
    EndLosses losses(LayerStack stack);

    /** To how many runs of a layer over a chunk {@link #losses} comes. */
    long lossRuns();

    @Override
    void close();
}
