package dev.come.calibration;

import dev.come.calibration.Calibration.Tokens;

import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** What the states of traces tell beside what was observed on the way. Called from one thread; the work is shared by many. */
final class TraceStates {
    private final LayerRunner runner;
    private final StateStore states;
    private final TraceTree tree;
    private final TokenChunks chunks;
    private final Reading reading;

    TraceStates(LayerRunner runner, StateStore states, TraceTree tree, TokenChunks chunks, Reading reading) {
        this.runner = runner;
        this.states = states;
        this.tree = tree;
        this.chunks = chunks;
        this.reading = reading;
    }

    /** The sums of 1 - cosine by chunk of the last layer of a stack, whose states are taken after the final norm. */
    double[] influenceAfterFinalNorm(List<Trace> path) {
        double[] sums = new double[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor before = states.get(path.get(path.size() - 2).states().get(chunk));
            Tensor last = states.get(path.getLast().states().get(chunk));
            sums[chunk] = tree.influence(before, runner.head().finalStates(last, workspace));
        });
        return sums;
    }

    /** The sums by chunk of how far each layer moves the states, as {@link Calibration#relativeMagnitude} tells. */
    List<double[]> movements(List<Trace> path) {
        List<double[]> movements = new ArrayList<>();
        for (int layer = 1; layer < path.size(); layer++) {
            List<State> before = path.get(layer - 1).states();
            List<State> after = path.get(layer).states();
            double[] sums = new double[chunks.size()];
            runner.workers().forEach(chunks.size(), (chunk, _) -> {
                Tensor from = states.get(before.get(chunk)).to(ScalarType.Double);
                Tensor lengths = from.square().sum(1).sqrt();
                Tensor moved = states.get(after.get(chunk)).to(ScalarType.Double).sub_(from).square_().sum(1).sqrt();
                sums[chunk] = moved.div_(lengths).masked_fill_(lengths.eq(new Scalar(0.0)), new Scalar(0.0)).sum()
                        .item_double();
            });
            movements.add(sums);
        }
        return movements;
    }

    /** The sums by chunk of the angles between the states of two traces, in half turns. */
    double[] angles(Trace before, Trace after, Tokens tokens, boolean afterFinalNorm) {
        double[] sums = new double[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor first = choose(before.states().get(chunk), chunks.get(chunk), tokens);
            Tensor last = choose(after.states().get(chunk), chunks.get(chunk), tokens);
            double[] cosines = Cosines.between(first,
                    afterFinalNorm ? runner.head().finalStates(last, workspace) : last);
            DoubleUnaryOperator angle = cosine -> Math.acos(Math.clamp(reading.cosine(cosine), -1, 1)) / Math.PI;
            sums[chunk] = Arrays.stream(cosines).map(angle).sum();
        });
        return sums;
    }

    private Tensor choose(State state, Chunk chunk, Tokens tokens) {
        return switch (tokens) {
            case LAST -> states.rows(state, chunk.lastTokens());
            case ALL -> states.get(state);
        };
    }

    /** The mean state of each sequence after each layer, as {@link Calibration#pooledStates} tells. */
    List<double[][]> pooled(List<Trace> path) {
        List<double[][]> pooled = new ArrayList<>();
        int first = chunks.firstSequence();
        for (Trace trace : path.subList(1, path.size())) {
            double[][] means = new double[chunks.sequences()][];
            runner.workers().forEach(chunks.size(), (index, _) -> {
                Chunk chunk = chunks.get(index);
                Tensor hidden = states.get(trace.states().get(index));
                chunk.forEachSequence((sequence, start, length) -> means[sequence - first] = Tensors
                        .doubles(hidden.narrow(0, start, length).to(ScalarType.Double).mean(0)));
            });
            pooled.add(means);
        }
        return pooled;
    }
}
