package dev.come.distill;

import dev.come.stack.LayerStack;
import java.util.Collections;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The training objective of the whole model besides its next tokens ({@code --hidden-weight}). It is {@link
 * Objective#MSE} between the model's own states after a merged layer and the teacher's states at the boundary that this
 * layer stands for, the mean over the merged layers. Safe for use by several threads.
 *
 * @param weight factor in the loss
 * @param ends by position of the merged layers: the teacher's states after what they stand for are the targets
 */
record HiddenTerm(double weight, SortedMap<Integer, Examples> ends) {
    /** Nothing but next tokens. */
    static final HiddenTerm NONE = new HiddenTerm(0, Collections.emptySortedMap());

    /**
     * The term for a stack.
     *
     * @param teacher has reached its end and kept the boundaries after what merged layers stand for, unless the weight is 0
     * @param training how many of the chunks are trained on
     */
    static HiddenTerm of(double weight, LayerStack stack, TeacherStates teacher, int training) {
        if (weight == 0) {
            return NONE;
        }
        SortedMap<Integer, Examples> ends = new TreeMap<>();
        IntStream.range(0, stack.size()).filter(position -> TrainedParts.isMerged(stack, position))
                .forEach(position -> ends.put(position, teacher.examples(Students.Span.of(stack, position),
                        training)));
        return new HiddenTerm(weight, ends);
    }

    /** Whether it is a part of the loss. */
    boolean isWanted() {
        return !ends.isEmpty();
    }

    /**
     * The share of one boundary, without the weight: the sum over the tokens; 0 where no merged layer ends.
     *
     * @param position the layer that the states lie behind
     * @param student {@code (tokens, hidden)}, of any type
     */
    double sum(int position, int chunk, Tensor student) {
        Examples end = ends.get(position);
        return end == null ? 0 : Objective.MSE.sum(floats(student), floats(end.target(chunk)), 1) / ends.size();
    }

    /**
     * Adds the gradient of the weighted mean over the tokens of a batch.
     *
     * @param position the layer that the states lie behind; nothing is added where no merged layer ends
     * @param student {@code (tokens, hidden)}, float32
     * @param tokens of the whole batch
     * @param gradient {@code (tokens, hidden)}, float32
     */
    void addGradient(int position, int chunk, Tensor student, long tokens, Tensor gradient) {
        Examples end = ends.get(position);
        if (end != null) {
            gradient.add_(Objective.MSE.gradient(student, floats(end.target(chunk)), 1),
                    new Scalar(weight / ends.size() / tokens));
        }
    }

    private static Tensor floats(Tensor tensor) {
        return tensor.to(ScalarType.Float);
    }
}
