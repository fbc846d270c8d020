package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.Range;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** All shards of the calibration tokens, wherever they lie. Called from one thread. */
public interface Shards extends AutoCloseable {
    /**
     * What is worth remembering; everything else may be forgotten. Answers do not depend on it.
     *
     * @param focus the next questions are about this stack, or such as begin like it
     * @param kept stacks that will be asked about again
     * @param search the number of the search that is under way; 0: none
     * @param side what layers are fitted by now, if any are
     */
    record Context(LayerStack focus, List<LayerStack> kept, int search, @Nullable OpenSide side)
            implements
                Serializable {
        public Context {
            kept = List.copyOf(kept);
        }

        /** Of a stack in focus, and nothing else. */
        static Context of(LayerStack focus) {
            return new Context(focus, List.of(), 0, null);
        }

        /** The same during a search. */
        Context during(int number) {
            return new Context(focus, kept, number, side);
        }

        /** The same while layers are fitted. */
        Context beside(@Nullable OpenSide open) {
            return new Context(focus, kept, search, open);
        }
    }

    /**
     * What is worth remembering of a stack beside what its layers are fitted to.
     *
     * @param trials of the next layer that are not decided on yet
     */
    record OpenSide(Side.Place place, List<Side.Layer> trials) implements Serializable {
        public OpenSide {
            trials = List.copyOf(trials);
        }
    }

    /** How many shards can work beside each other. */
    int parallel();

    /** Says what the next questions are about. */
    void enter(Context context);

    /**
     * Asks all shards that have some of the chunks.
     *
     * @param task advances with every layer that is run over a chunk, and with every run of the output projection by as much
     *        as that costs
     * @return the answers in the order of the shards
     */
    <A extends Serializable> List<A> ask(Question<A> question, Range chunks, Progress.Task task);

    /**
     * Adds up what all shards give that have some of the chunks, in their order.
     *
     * @param task as above
     */
    <A extends Serializable, S extends LargeSums> Total<A, S> sum(LargeQuestion<A, S> question, Range chunks,
            Progress.Task task);

    /**
     * Asks one of the shards, whichever it is.
     *
     * @throws IllegalStateException if there are no tokens
     */
    <A extends Serializable> A askOne(Question<A> question);

    @Override
    void close();
}
