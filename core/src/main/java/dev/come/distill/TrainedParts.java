package dev.come.distill;

import dev.come.UsageException;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerStack;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Which weights learn when the whole model is trained. */
public enum TrainedParts {
    /** Layers that were merged, and those beside a place where layers were removed. */
    MERGED,
    /** All layers. */
    ALL,
    /** The norms of all layers. */
    NORMS;

    /** The positions of the layers that learn. */
    List<Integer> positions(LayerStack stack, int originals) {
        return IntStream.range(0, stack.size())
                .filter(position -> this != MERGED || isMerged(stack, position)
                        || isBesideRemoved(stack, position, originals))
                .boxed().toList();
    }

    /**
     * The parts of these layers that learn.
     *
     * @throws UsageException if norms shall learn, and those of the model have no weights
     */
    Set<Part> parts(ModelConfig config) {
        Set<Part> parts = config.parts().stream()
                .filter(part -> this == NORMS ? part.isOfNorm() : part.isLearned()).collect(Collectors.toSet());
        if (parts.isEmpty()) {
            throw new UsageException("--train: the norms of this model have no weights that could be trained; "
                    + "take merged or all");
        }
        return parts;
    }

    /** Whether a layer stands for several of the teacher. */
    static boolean isMerged(LayerStack stack, int position) {
        return stack.get(position).originals().count() > 1;
    }

    private static boolean isBesideRemoved(LayerStack stack, int position, int originals) {
        int before = position == 0 ? -1 : last(stack, position - 1);
        int after = position == stack.size() - 1 ? originals : first(stack, position + 1);
        return first(stack, position) != before + 1 || last(stack, position) != after - 1;
    }

    /** The first original layer that a layer stands for. */
    static int first(LayerStack stack, int position) {
        return stack.get(position).originals().findFirst().orElseThrow();
    }

    /** The last original layer that a layer stands for. */
    static int last(LayerStack stack, int position) {
        return stack.get(position).originals().max().orElseThrow();
    }
}
