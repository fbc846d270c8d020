package dev.come.calibration;

import dev.come.calibration.Trace.Observation;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * What is known of stacks on the calibration tokens. Two stacks that begin alike share the traces of their common layers, so
 * asking for a stack runs only what follows them.
 */
final class TraceTree implements AutoCloseable {
    private static final long ROWS = 64;

    private final LayerRunner runner;
    private final TokenChunks chunks;
    private final StateStore states;
    private final Reading reading;
    private final boolean first;
    private final Trace root;

    /** @param first whether these chunks are the first of all, so that what they give can be added up at once */
    TraceTree(LayerRunner runner, TokenChunks chunks, StateStore states, Reading reading, boolean first) {
        this.runner = runner;
        this.chunks = chunks;
        this.states = states;
        this.reading = reading;
        this.first = first;
        State[] embedded = new State[chunks.size()];
        runner.workers().forEach(chunks.size(),
                (chunk, workspace) -> embedded[chunk] = states.put(runner.embed(chunks.get(chunk))));
        this.root = new Trace(null, Arrays.asList(embedded), null);
    }

    /** The traces of a stack: the embeddings first, then the states after each of its layers. */
    List<Trace> path(LayerStack stack) {
        List<Trace> path = new ArrayList<>(List.of(root));
        for (LayerNode node : stack.nodes()) {
            Trace child = path.getLast().children().get(node);
            if (child == null) {
                run(path, stack.nodes().subList(path.size() - 1, stack.size()));
                break;
            }
            path.add(child);
        }
        return path;
    }

    /** How many layers of a stack {@link #path} would have to run. */
    long missing(LayerStack stack) {
        Trace trace = root;
        for (int position = 0; position < stack.size(); position++) {
            trace = trace.children().get(stack.get(position));
            if (trace == null) {
                return (long) stack.size() - position;
            }
        }
        return 0;
    }

    /** Forgets every trace that does not lie on the path of one of the stacks. */
    void keepOnly(List<LayerStack> stacks) {
        keepOnly(root, stacks.stream().map(LayerStack::nodes).toList());
    }

    private void keepOnly(Trace trace, List<List<LayerNode>> ahead) {
        for (LayerNode node : List.copyOf(trace.children().keySet())) {
            List<List<LayerNode>> beyond = ahead.stream()
                    .filter(nodes -> !nodes.isEmpty() && nodes.getFirst().equals(node))
                    .map(nodes -> nodes.subList(1, nodes.size())).toList();
            if (beyond.isEmpty()) {
                free(Objects.requireNonNull(trace.children().remove(node)));
            } else {
                keepOnly(Objects.requireNonNull(trace.children().get(node)), beyond);
            }
        }
    }

    private void free(Trace trace) {
        trace.states().forEach(states::free);
        trace.children().values().forEach(this::free);
    }

    /** Runs layers that go on from the last of the traces, and adds their traces. */
    private void run(List<Trace> path, List<LayerNode> nodes) {
        List<Running> running = new ArrayList<>();
        for (LayerNode node : nodes) {
            running.add(new Running(node, running.isEmpty()
                    ? path.getLast().states()
                    : Arrays.asList(running.getLast().after)));
        }
        runner.run(running.stream().map(Running::step).toList(), chunks.chunks());
        for (Running layer : running) {
            Trace trace = new Trace(path.getLast(), Arrays.asList(layer.after), layer.observation());
            path.getLast().children().put(layer.node, trace);
            path.add(trace);
        }
    }

    /** A layer on its way over the chunks. */
    private final class Running implements LayerRunner.Pass {
        private final LayerNode node;
        private final List<State> before;
        private final State[] after = new State[chunks.size()];
        private final ChannelSums[] sums = new ChannelSums[chunks.size()];
        private final double[] influence = new double[chunks.size()];
        private final double[][] columns = new double[2][];
        /** The states before the layer of the chunks that it works on, which may have been read from a file. */
        private final @Nullable Tensor[] unchanged = new Tensor[chunks.size()];

        /** @param before the states before the layer, which may come in while others are run */
        Running(LayerNode node, List<State> before) {
            this.node = node;
            this.before = before;
        }

        LayerRunner.Step step() {
            return new LayerRunner.Step(node, weights -> {
                columns[0] = columnLengths(weights, Part.OUTPUT);
                columns[1] = columnLengths(weights, Part.DOWN);
            }, this);
        }

        @Override
        public Tensor before(int chunk) {
            Tensor hidden = states.get(before.get(chunk));
            unchanged[chunk] = hidden;
            return hidden.clone();
        }

        @Override
        public LayerObserver observer(int chunk) {
            sums[chunk] = new ChannelSums();
            return sums[chunk];
        }

        @Override
        public void after(int chunk, Tensor hidden) {
            influence[chunk] = influence(Objects.requireNonNull(unchanged[chunk]), hidden);
            unchanged[chunk] = null;
            after[chunk] = states.put(hidden);
        }

        Observation observation() {
            return new Observation(influence, LayerSums.of(Arrays.asList(sums), first, columns[0], columns[1]));
        }
    }

    /** The sum over the rows of 1 - cosine. */
    double influence(Tensor before, Tensor after) {
        return Arrays.stream(Cosines.between(before, after)).map(cosine -> 1 - reading.cosine(cosine)).sum();
    }

    /**
     * The L1 norm of each column of a projection. Block by block of the rows: the engine's own norm along the first dimension
     * takes 25 times as long, which is more than the layer itself on a device.
     */
    private static double[] columnLengths(LayerWeights weights, Part part) {
        Tensor matrix = weights.get(part);
        Tensor lengths = torch.zeros(new long[]{matrix.size(1)}, new TensorOptions(ScalarType.Double));
        for (long row = 0; row < matrix.size(0); row += ROWS) {
            try (var _ = new PointerScope()) {
                Tensor block = matrix.narrow(0, row, Math.min(ROWS, matrix.size(0) - row));
                lengths.add_(block.to(ScalarType.Double).abs().sum(0));
            }
        }
        return Tensors.doubles(lengths);
    }

    @Override
    public void close() {
        free(root);
    }
}
