package dev.come.run;

import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.NextTokenDivergence;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * {@link StackLosses} and {@link ModelPair} on other machines: chunks do not depend on each other, so what tokens cost is the same to
 * the bit.
 */
public final class LossesElsewhere {
    /** A piece has at most so many tokens, that reading the layers takes little beside running them. */
    private static final long MOST_TOKENS = 8192;

    private LossesElsewhere() {
    }

    /** What the tokens of a sequence cost under a stack. */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares losses
    private record Cost(int stack, int sequence, double[] losses) implements Serializable {}

    /** The same under two models. */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares losses
    private record Pair(int sequence, double[] losses, double[] others, NextTokenDivergence divergence)
            implements
                Serializable {}

    /** What a piece gives. */
    private record Found<T extends Serializable>(List<T> all) implements Serializable {
        Found {
            all = List.copyOf(all);
        }
    }

    /** Divides the work into pieces, one for each machine at least where there is enough of it. */
    private static List<TokenChunks> pieces(OtherMachines machines, Sequences sequences) {
        TokenChunks chunks = TokenChunks.of(sequences);
        return chunks.groups(Math.clamp(Math.ceilDiv(chunks.tokens(), machines.parallel()), 1, MOST_TOKENS), 1);
    }

    /** The positions of the first scored tokens of some chunks' sequences. */
    private static int[] first(TokenChunks chunks, IntUnaryOperator first) {
        int[] positions = new int[chunks.sequences()];
        for (int i = 0; i < positions.length; i++) {
            positions[i] = first.applyAsInt(chunks.firstSequence() + i);
        }
        return positions;
    }

    /**
     * What tokens cost under stacks, as {@link StackLosses#measure} tells.
     *
     * @param machines with the model
     */
    public static void measure(OtherMachines machines, List<LayerStack> stacks, Sequences sequences,
            IntUnaryOperator first, StackLosses.Sink sink, Progress.Task progress) {
        List<StacksPiece> pieces = pieces(machines, sequences).stream()
                .map(chunks -> new StacksPiece(stacks, chunks, first(chunks, first))).toList();
        machines.each(pieces, progress, (found, _) -> found.all
                .forEach(cost -> sink.accept(cost.stack, cost.sequence, cost.losses)));
    }

    /** The means for each sequence, as {@link StackLosses#measure(Progress.Task)} gives them. */
    public static List<double[]> means(OtherMachines machines, List<LayerStack> stacks, Sequences sequences,
            Progress.Task progress) {
        double[][] means = new double[stacks.size()][sequences.count()];
        measure(machines, stacks, sequences, StackLosses.ALL, StackLosses.into(means), progress);
        return Arrays.asList(means);
    }

    /**
     * What tokens cost under two models, as {@link ModelPair#measure} tells.
     *
     * @param machines with the model
     * @param reference which they have too
     */
    public static void measure(OtherMachines machines, ModelRecipe reference, Sequences sequences,
            IntUnaryOperator first, ModelPair.Sink sink, Progress.Task progress) {
        List<PairPiece> pieces = pieces(machines, sequences).stream()
                .map(chunks -> new PairPiece(reference, chunks, first(chunks, first))).toList();
        machines.each(pieces, progress, (found, _) -> found.all
                .forEach(pair -> sink.accept(pair.sequence, pair.losses, pair.others, pair.divergence)));
    }

    /** @param first the position of the first scored token of each sequence */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares pieces
    private record StacksPiece(List<LayerStack> stacks, TokenChunks chunks, int[] first)
            implements
                Piece<Found<Cost>> {
        StacksPiece {
            stacks = List.copyOf(stacks);
        }

        @Override
        public Found<Cost> run(Place place, Progress.Task task) {
            List<Cost> costs = Collections.synchronizedList(new ArrayList<>());
            try (StackLosses losses = new StackLosses(place.store(), stacks, chunks, place.compute(),
                    place.memory())) {
                losses.measure(sequence -> first[sequence - chunks.firstSequence()],
                        (stack, sequence, tokens) -> costs.add(new Cost(stack, sequence, tokens)), task);
            }
            return new Found<>(costs);
        }
    }

    /** @param first the position of the first scored token of each sequence */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares pieces
    private record PairPiece(ModelRecipe reference, TokenChunks chunks, int[] first) implements Piece<Found<Pair>> {
        @Override
        public Found<Pair> run(Place place, Progress.Task task) {
            List<Pair> pairs = Collections.synchronizedList(new ArrayList<>());
            Compute other = new Compute(reference.type(), "cpu", place.compute().threads());
            try (Checkpoint checkpoint = reference.open();
                    ModelPair pair = new ModelPair(place.store(), place.compute(),
                            new LayerStore(checkpoint, ModelConfig.of(checkpoint)), other, chunks, place.memory())) {
                pair.measure(sequence -> first[sequence - chunks.firstSequence()],
                        (sequence, losses, others, divergence) -> pairs
                                .add(new Pair(sequence, losses, others, divergence)),
                        task);
            }
            return new Found<>(pairs);
        }
    }
}
