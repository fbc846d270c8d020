package dev.come.calibration;

import dev.come.calibration.Calibration.Tokens;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a shard can be asked. Questions and answers are small and travel between machines. A question says all that its answer
 * depends on, so a shard that was made anew answers as one that has heard all questions before.
 *
 * @param <A> the answer: numbers by chunk or by sequence, which whoever asks adds up in the order of the chunks
 */
public sealed interface Question<A extends Serializable> extends Serializable {
    /** Lets a shard answer. */
    A answer(Shard shard);

    /** What has to be run for the states of a stack: how many times a layer over a chunk. */
    record TraceRuns(LayerStack stack) implements Question<Long> {
        @Override
        public Long answer(Shard shard) {
            return shard.traceRuns(stack);
        }
    }

    /** Has the traces of a stack made; the answer says nothing. */
    record Traces(LayerStack stack) implements Question<Boolean> {
        @Override
        public Boolean answer(Shard shard) {
            return shard.trace(stack);
        }
    }

    /**
     * What both models cost on the tokens that fits do not see, at the end of their layers: an array (2, chunks, sequences), the
     * dense one first.
     *
     * @param dense how many layers the dense model has behind it then
     * @param stack for messages
     */
    record CostsAtTheEnd(Side.Place place, int dense, LayerStack stack) implements Question<double[][][]> {
        @Override
        public double[][][] answer(Shard shard) {
            return shard.sides().costs(this);
        }
    }

    /**
     * Runs the dense model on beside a stack; the answer says nothing.
     *
     * @param now how many layers it has behind it where trials are still compared with it
     * @param dense how many it shall have
     */
    record DenseAhead(Side.Place place, int now, int dense) implements Question<Boolean> {
        @Override
        public Boolean answer(Shard shard) {
            shard.sides().runDense(this);
            return true;
        }
    }

    /** The sums of 1 - cosine over the tokens of a chunk: an array (layers, chunks). */
    record Influence(LayerStack stack) implements Question<double[][]> {
        @Override
        public double[][] answer(Shard shard) {
            return shard.influence(stack);
        }
    }

    /** The sums of |state after - state before| / |state before| over the tokens of a chunk: an array (layers, chunks). */
    record Movement(LayerStack stack) implements Question<double[][]> {
        @Override
        public double[][] answer(Shard shard) {
            return shard.movement(stack);
        }
    }

    /** The sums over a chunk of the angles, in half turns, across each window of layers: an array (windows, chunks). */
    record Angles(LayerStack stack, int width, Tokens tokens) implements Question<double[][]> {
        @Override
        public double[][] answer(Shard shard) {
            return shard.angles(stack, width, tokens);
        }
    }

    /** What goes through the heads and channels of the layer at a position. */
    record Activations(LayerStack stack, int position) implements Question<LayerSums> {
        @Override
        public LayerSums answer(Shard shard) {
            return shard.activations(stack, position);
        }
    }

    /** The mean states after each layer: an array (layers, sequences, hidden). */
    record Pooled(LayerStack stack) implements Question<double[][][]> {
        @Override
        public double[][][] answer(Shard shard) {
            return shard.pooled(stack);
        }
    }

    /** What has to be run for the last states of a stack. */
    record FinalRuns(LayerStack stack) implements Question<Long> {
        @Override
        public Long answer(Shard shard) {
            return shard.finalStates().runs(stack);
        }
    }

    /** Has the last states of a stack kept, to compare others with; the answer says nothing. */
    record KeepFinal(LayerStack stack) implements Question<Boolean> {
        @Override
        public Boolean answer(Shard shard) {
            shard.finalStates().keep(stack);
            return true;
        }
    }

    /** The cosine of the last states of two stacks by sequence. */
    record FinalCosines(LayerStack stack, LayerStack reference) implements Question<double[]> {
        @Override
        public double[] answer(Shard shard) {
            return shard.finalStates().cosines(stack, reference);
        }
    }

    /**
     * Begins a search, and tells what has to be run if nothing is given up: how many times a layer over a chunk.
     *
     * @param on the chunks that it is about
     */
    record SearchRuns(List<LayerStack> stacks, Range on) implements Question<Long> {
        public SearchRuns {
            stacks = List.copyOf(stacks);
        }

        @Override
        public Long answer(Shard shard) {
            return shard.searches().runs(stacks, on);
        }
    }

    /**
     * Some of the states after a stack, by chunk; states of the type that is computed in lose nothing as float32.
     *
     * @param every one state in so many
     */
    record SampleStates(LayerStack stack, Range on, int every) implements Question<float[][]> {
        @Override
        public float[][] answer(Shard shard) {
            return shard.searches().sample(stack, on, every);
        }
    }

    /**
     * The ids of the tokens that are likeliest after some states.
     *
     * @param states by chunk, as {@link SampleStates} gives them
     */
    record LikeliestTokens(List<float[]> states, int count) implements Question<int[]> {
        public LikeliestTokens {
            states = List.copyOf(states);
        }

        @Override
        public int[] answer(Shard shard) {
            return shard.searches().likeliest(states, count);
        }
    }

    /**
     * The losses of some of the stacks of a search: an array (stacks, chunks, sequences).
     *
     * @param stacks all stacks of the search
     * @param some the numbers of those that are asked about
     * @param likely the tokens that bound losses; null if losses are measured at once
     * @param whole whether losses are wanted where bounds were given before
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares questions
    record Losses(List<LayerStack> stacks, List<Integer> some, Range on, int @Nullable [] likely, boolean whole)
            implements
                Question<double[][][]> {
        public Losses {
            stacks = List.copyOf(stacks);
            some = List.copyOf(some);
        }

        @Override
        public double[][][] answer(Shard shard) {
            return shard.searches().losses(this);
        }
    }

    /**
     * Chunks that follow each other, by their numbers among all.
     *
     * @param from the first
     * @param to the one after the last
     */
    record Range(int from, int to) implements Serializable {
        /** Those of them that are in another range too; may be none. */
        public Range with(Range other) {
            int begin = Math.max(from, other.from);
            return new Range(begin, Math.max(begin, Math.min(to, other.to)));
        }

        /** The same with other numbers. */
        Range movedBack(int by) {
            return new Range(from - by, to - by);
        }

        /** Whether there is none. */
        public boolean isEmpty() {
            return from == to;
        }

        int size() {
            return to - from;
        }
    }
}
