package dev.come.api;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * A model that was made smaller.
 *
 * @param folder where it lies: an ordinary model folder, with its record come.json
 * @param layersBefore decoder layers of the dense model
 * @param layers decoder layers that are left
 * @param parametersBefore numbers in the weights of the dense model
 * @param parameters numbers in the weights that are left
 * @param tree the layers that are left, merged ones as nested lists of the original ones
 * @param steps what was done, in order
 * @param perplexity by the name of what was measured, on the dense model and on this one
 */
public record PrunedModel(Path folder, int layersBefore, int layers, long parametersBefore, long parameters,
        String tree,
        List<Step> steps, SequencedMap<String, BeforeAndAfter> perplexity) {
    /**
     * One step of the method.
     *
     * @param layersLeft layers after it
     * @param action merge, remove or train
     * @param position the first of its layers in the stack before it
     * @param count how many layers it is about
     * @param ratio the share of each merged layer; empty without shares
     * @param scores what it was decided by, one value for each place, as in come.json; infinite where a choice was not allowed
     */
    public record Step(int layersLeft, String action, int position, int count, List<Double> ratio,
            Map<String, List<Double>> scores) {}

    /** A number of the dense model and of the smaller one. */
    public record BeforeAndAfter(double before, double after) {}
}
