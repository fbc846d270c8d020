package dev.come.distill;

import dev.come.UsageException;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Which layers learn by themselves, what each stands for, and what it is shown.
 *
 * @param seam who stands for layers that were removed ({@code --seam})
 * @param inputs what a layer is shown ({@code --inputs})
 * @param scope which layers learn ({@code --layer-scope})
 */
public record Students(Seam seam, Inputs inputs, Scope scope) implements Serializable {
    /** What holds where nothing else is asked for. */
    public static final Students DEFAULTS = new Students(Seam.AUTO, Inputs.TEACHER, Scope.CUT);

    /** Who stands for layers that were removed. Where there is no layer on that side, the one on the other side does. */
    public enum Seam {
        /** As {@link #BEFORE}; in a model with merged layers nobody, and these learn alone. */
        AUTO,
        /** The layer before them. */
        BEFORE,
        /** The layer after them. */
        AFTER,
        /** Both, each for half of them; of an odd number the layer before has one more. */
        BOTH
    }

    /** The hidden states that a layer is shown. */
    public enum Inputs {
        /** Those of the teacher, so that layers learn independently of each other. */
        TEACHER,
        /** Those that the student's own layers below give, with what these have learned before. */
        OWN
    }

    /** Which layers learn. */
    public enum Scope {
        /** Those that stand for several of the teacher's. */
        CUT,
        /** Those too that no longer do what the teacher's do, or are shown something else. */
        ALL
    }

    /**
     * Layers of the teacher that follow each other.
     *
     * @param begin the first
     * @param end the one after the last
     */
    record Span(int begin, int end) {
        /** What a layer was made from. */
        static Span of(LayerStack stack, int position) {
            return new Span(TrainedParts.first(stack, position), TrainedParts.last(stack, position) + 1);
        }

        int size() {
            return end - begin;
        }
    }

    /**
     * What each layer of the pruned model stands for, by position.
     *
     * @param layers of the teacher
     */
    List<Span> spans(LayerStack stack, int layers) {
        int size = stack.size();
        List<Span> spans = new ArrayList<>();
        for (int position = 0; position < size; position++) {
            Span own = Span.of(stack, position);
            if (isForRemoved(stack)) {
                int end = position == size - 1 ? layers : border(own.end, TrainedParts.first(stack, position + 1));
                spans.add(new Span(position == 0 ? 0 : spans.getLast().end, end));
            } else {
                spans.add(own);
            }
        }
        return spans;
    }

    /** A layer, and what it stands for where it was not made from that. */
    static String name(LayerNode node, Span span) {
        return node.originals().count() == span.size()
                ? node.tree()
                : node.tree() + " for " + span.begin + " to " + (span.end - 1);
    }

    /** Where two layers meet between which some were removed. */
    private int border(int removed, int kept) {
        return switch (seam) {
            case AUTO, BEFORE -> kept;
            case AFTER -> removed;
            case BOTH -> removed + Math.ceilDiv(kept - removed, 2);
        };
    }

    private boolean isForRemoved(LayerStack stack) {
        return seam != Seam.AUTO
                || IntStream.range(0, stack.size()).noneMatch(position -> TrainedParts.isMerged(stack, position));
    }

    /**
     * The positions of the layers that learn by themselves.
     *
     * @param layers of the teacher
     */
    List<Integer> positions(LayerStack stack, int layers) {
        List<Span> spans = spans(stack, layers);
        int same = stack.commonBeginning(LayerStack.dense(layers));
        return IntStream.range(0, stack.size()).filter(position -> spans.get(position).size() > 1
                || (scope == Scope.ALL && (!(stack.get(position) instanceof Original)
                        || (inputs == Inputs.OWN && position >= same))))
                .boxed().toList();
    }

    /**
     * How many layers from the first on are the teacher's and do not learn, so that their states are the teacher's too.
     *
     * @param layers of the teacher
     */
    int unchanged(LayerStack stack, int layers) {
        return Math.min(stack.commonBeginning(LayerStack.dense(layers)),
                positions(stack, layers).stream().mapToInt(Integer::intValue).min().orElse(stack.size()));
    }

    /**
     * Refuses what does nothing for such a model.
     *
     * @throws UsageException if an option does nothing
     */
    void requireUsed(LayerStack stack, int layers) {
        if (seam != Seam.AUTO && stack.nodes().stream().mapToLong(node -> node.originals().count()).sum() == layers) {
            throw new UsageException("--seam says which layers learn what removed ones did, but no layer of this model"
                    + " was removed; leave it out");
        }
        if (scope == Scope.ALL
                && positions(stack, layers).equals(new Students(seam, inputs, Scope.CUT).positions(stack, layers))) {
            throw new UsageException(
                    "--layer-scope all adds no layer to those that learn anyway" + (inputs == Inputs.OWN
                            ? "; leave it out"
                            : ", since the others do what the teacher's do on its states; give --inputs own too, or leave it out"));
        }
    }
}
