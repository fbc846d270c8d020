package dev.come.calibration;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.calibration.StateStore.State;
import dev.come.calibration.TokenChunks.Chunk;
import dev.come.calibration.Trace.Span;
import dev.come.model.Compute;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleUnaryOperator;
import org.bytedeco.pytorch.Tensor;

/** Calibration on this machine, answered from a trace tree. Questions come from one thread; the work is shared by many. */
public final class LocalCalibration implements Calibration, AutoCloseable {
    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private final TraceTree tree;
    private final Reading reading;

    /**
     * Prepares to measure.
     *
     * @param memory bytes of hidden states that are held in memory; beyond it they go to a temporary file
     * @param spillFolder where that file goes
     * @param progress advances by one with every layer that was run over a chunk of tokens; {@link #chunks} tells how many there are
     */
    public LocalCalibration(LayerStore store, Sequences tokens, Compute compute, Reading reading, long memory,
            Path spillFolder, Progress.Task progress) {
        this.reading = reading;
        this.runner = new LayerRunner(store, compute, progress);
        this.chunks = TokenChunks.of(tokens);
        this.states = new StateStore(memory, spillFolder);
        try {
            this.tree = new TraceTree(runner, store.config(), chunks, states, reading);
        } catch (RuntimeException e) {
            states.close();
            runner.close();
            throw e;
        }
    }

    @Override
    public void focus(LayerStack stack) {
        tree.keepOnly(stack);
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        List<Trace> path = tree.path(stack);
        List<Double> influence = new ArrayList<>();
        for (Trace trace : path.subList(1, path.size())) {
            influence.add(trace.observation().blockInfluence());
        }
        if (reading.lastStateAfterFinalNorm() && stack.size() > 0) {
            influence.set(stack.size() - 1, influenceAfterFinalNorm(path));
        }
        return check(influence, stack, "block influence");
    }

    private double influenceAfterFinalNorm(List<Trace> path) {
        double[] sums = new double[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor before = states.get(path.get(path.size() - 2).states().get(chunk));
            Tensor last = states.get(path.getLast().states().get(chunk));
            sums[chunk] = tree.influence(before, runner.head().finalStates(last, workspace));
        });
        long tokens = chunks.chunks().stream().mapToLong(chunk -> chunk.tokens().length).sum();
        return Arrays.stream(sums).sum() / tokens;
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        List<Trace> path = tree.path(stack);
        List<Double> distances = new ArrayList<>();
        for (int end = width; end < path.size(); end++) {
            Trace before = path.get(end - width);
            Trace after = path.get(end);
            if (end == path.size() - 1 && reading.lastStateAfterFinalNorm()) {
                distances.add(distance(before, after, tokens, true));
            } else {
                distances.add(after.distances().computeIfAbsent(new Span(width, tokens),
                        span -> distance(before, after, tokens, false)));
            }
        }
        return check(distances, stack, "angular distance");
    }

    private double distance(Trace before, Trace after, Tokens tokens, boolean afterFinalNorm) {
        double[] sums = new double[chunks.size()];
        int[] counts = new int[chunks.size()];
        runner.workers().forEach(chunks.size(), (chunk, workspace) -> {
            Tensor first = choose(before.states().get(chunk), chunks.get(chunk), tokens);
            Tensor last = choose(after.states().get(chunk), chunks.get(chunk), tokens);
            double[] cosines = Cosines.between(first,
                    afterFinalNorm ? runner.head().finalStates(last, workspace) : last);
            DoubleUnaryOperator angle = cosine -> Math.acos(Math.clamp(reading.cosine(cosine), -1, 1)) / Math.PI;
            sums[chunk] = Arrays.stream(cosines).map(angle).sum();
            counts[chunk] = cosines.length;
        });
        return Arrays.stream(sums).sum() / Arrays.stream(counts).sum();
    }

    private Tensor choose(State state, Chunk chunk, Tokens tokens) {
        return switch (tokens) {
            case LAST -> states.rows(state, chunk.lastTokens());
            case ALL -> states.get(state);
        };
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return tree.path(stack).get(position + 1).observation().sensitivity();
    }

    @Override
    public double loss(LayerStack stack) {
        List<State> last = tree.path(stack).getLast().states();
        double[][] losses = new double[chunks.size()][];
        runner.workers().forEach(chunks.size(), (index, workspace) -> {
            Chunk chunk = chunks.get(index);
            double[][] byToken = runner.head().losses(states.get(last.get(index)), chunk.tokens(), chunk.layout(),
                    workspace);
            losses[index] = Arrays.stream(byToken).filter(sequence -> sequence.length > 0)
                    .mapToDouble(sequence -> Arrays.stream(sequence).average().orElseThrow()).toArray();
        });
        double loss = Arrays.stream(losses).flatMapToDouble(Arrays::stream).average().orElse(Double.NaN);
        return check(List.of(loss), stack, "loss").getFirst();
    }

    /** How many chunks the calibration tokens fall into; a layer is run over one after the other. */
    public int chunks() {
        return chunks.size();
    }

    /** Bytes of hidden states in memory now. */
    public long bytesInMemory() {
        return states.bytesInMemory();
    }

    private static List<Double> check(List<Double> values, LayerStack stack, String what) {
        for (int i = 0; i < values.size(); i++) {
            if (!Double.isFinite(values.get(i))) {
                throw new FailedException("The " + what + " at position " + i + " of " + stack.tree() + " is "
                        + values.get(i) + "; the states there are too large or damaged (try --dtype float32)");
            }
        }
        return values;
    }

    @Override
    public void close() {
        tree.close();
        states.close();
        runner.close();
    }
}
