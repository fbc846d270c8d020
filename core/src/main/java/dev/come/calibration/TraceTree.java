package dev.come.calibration;

import dev.come.calibration.Calibration.Sensitivity;
import dev.come.calibration.StateStore.State;
import dev.come.calibration.Trace.Observation;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What is known of stacks on the calibration tokens. Two stacks that begin alike share the traces of their common layers, so
 * asking for a stack runs only what follows them.
 */
final class TraceTree implements AutoCloseable {
    private final LayerRunner runner;
    private final ModelConfig config;
    private final TokenChunks chunks;
    private final StateStore states;
    private final Reading reading;
    private final Trace root;

    TraceTree(LayerRunner runner, ModelConfig config, TokenChunks chunks, StateStore states, Reading reading) {
        this.runner = runner;
        this.config = config;
        this.chunks = chunks;
        this.states = states;
        this.reading = reading;
        State[] embedded = new State[chunks.size()];
        runner.workers().forEach(chunks.size(),
                (chunk, workspace) -> embedded[chunk] = states.put(runner.embed(chunks.get(chunk))));
        this.root = new Trace(null, Arrays.asList(embedded), null);
    }

    /** The traces of a stack: the embeddings first, then the states after each of its layers. */
    List<Trace> path(LayerStack stack) {
        List<Trace> path = new ArrayList<>(List.of(root));
        for (LayerNode node : stack.nodes()) {
            Trace parent = path.getLast();
            Trace child = parent.children().get(node);
            if (child == null) {
                child = run(parent, node);
                parent.children().put(node, child);
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

    private Trace run(Trace parent, LayerNode node) {
        ChannelSums[] sums = new ChannelSums[chunks.size()];
        double[] influence = new double[chunks.size()];
        State[] after = new State[chunks.size()];
        double[][] columns = new double[2][];
        runner.run(node, chunks.chunks(), weights -> {
            columns[0] = columnLengths(weights, Part.OUTPUT);
            columns[1] = columnLengths(weights, Part.DOWN);
        }, new LayerRunner.Pass() {
            @Override
            public Tensor before(int chunk) {
                return states.get(parent.states().get(chunk)).clone();
            }

            @Override
            public LayerObserver observer(int chunk) {
                sums[chunk] = new ChannelSums();
                return sums[chunk];
            }

            @Override
            public void after(int chunk, Tensor hidden) {
                influence[chunk] = influence(states.get(parent.states().get(chunk)), hidden);
                after[chunk] = states.put(hidden);
            }
        });
        Sensitivity sensitivity = sensitivity(columns, sums);
        return new Trace(parent, Arrays.asList(after),
                new Observation(Arrays.stream(influence).sum() / chunks.tokens(), sensitivity));
    }

    /** The sum over the rows of 1 - cosine. */
    double influence(Tensor before, Tensor after) {
        return Arrays.stream(Cosines.between(before, after)).map(cosine -> 1 - reading.cosine(cosine)).sum();
    }

    /** The L1 norm of each column of a projection. */
    private static double[] columnLengths(LayerWeights weights, Part part) {
        return Tensors.doubles(torch.linalg_vector_norm(weights.get(part), new Scalar(1.0), new long[]{0}, false,
                new ScalarTypeOptional(ScalarType.Double)));
    }

    private Sensitivity sensitivity(double[][] columnLengths, ChannelSums[] sums) {
        double[] attention = {};
        double[] feedForward = {};
        for (ChannelSums chunk : sums) {
            attention = ChannelSums.sums(attention, chunk.attention());
            feedForward = ChannelSums.sums(feedForward, chunk.feedForward());
        }
        double tokens = chunks.tokens();
        List<Double> channels = new ArrayList<>();
        for (int channel = 0; channel < feedForward.length; channel++) {
            channels.add(columnLengths[1][channel] * feedForward[channel] / tokens);
        }
        List<Double> heads = new ArrayList<>();
        int width = config.groupSize() * config.headDim();
        for (int head = 0; head < config.keyValueHeads(); head++) {
            double sum = 0;
            for (int channel = head * width; channel < (head + 1) * width; channel++) {
                sum += columnLengths[0][channel] * attention[channel] / tokens;
            }
            heads.add(sum / width);
        }
        return new Sensitivity(heads, channels);
    }

    @Override
    public void close() {
        free(root);
    }
}
