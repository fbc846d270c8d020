package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.failure.Opening;
import dev.come.memory.Retained;
import dev.come.model.Compute;
import dev.come.model.DecoderLayer;
import dev.come.model.LayerGradients;
import dev.come.model.LayerObserver;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Rotation;
import dev.come.model.TokenLayout;
import dev.come.model.Workspace;
import dev.come.run.LayerRunner;
import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * A stack run forward on all chunks in the operations that gradients flow through. Of its last layers the graphs are kept, as many
 * as the memory for states has room for; of the others, the states before them. What comes of it is the same to the bit either
 * way.
 */
final class GradientRun implements AutoCloseable {
    private final LayerRunner runner;
    private final Compute compute;
    private final TokenChunks chunks;
    private final StateStore states;
    private final LayerGradients gradients;
    private final LayerStack stack;
    private final GradientOrder order;
    private final List<Kept> layers = new ArrayList<>();
    private List<State> last;

    /** Runs it. */
    GradientRun(LayerRunner runner, Compute compute, TokenChunks chunks, StateStore states, LayerGradients gradients,
            LayerStack stack, GradientOrder order) {
        this.runner = runner;
        this.compute = compute;
        this.chunks = chunks;
        this.states = states;
        this.gradients = gradients;
        this.stack = stack;
        this.order = order;
        State[] embedded = new State[chunks.size()];
        this.last = Arrays.asList(embedded);
        try (Opening opening = new Opening()) {
            opening.add(this::close);
            runner.workers().forEach(chunks.size(),
                    (chunk, _) -> embedded[chunk] = states.put(runner.embed(chunks.get(chunk))));
            OptionalLong[] graphs = graphBytes();
            long room = room(graphs);
            for (int position = 0; position < stack.size(); position++) {
                run(position, above(graphs, position) <= room ? graphs[position] : OptionalLong.empty());
            }
            opening.done();
        }
    }

    LayerStack stack() {
        return stack;
    }

    GradientOrder order() {
        return order;
    }

    /** The states after the last layer, by chunk; whoever takes them frees them. */
    List<State> takeLast() {
        List<State> taken = last;
        last = List.of();
        return taken;
    }

    /** What was kept of a layer; closed by the caller. */
    Kept take(int position) {
        return layers.set(position, new Kept(List.of(), 0, null));
    }

    /** What the graphs of each layer take, with its weights; empty where they cannot be kept. */
    private OptionalLong[] graphBytes() {
        OptionalLong[] bytes = new OptionalLong[stack.size()];
        for (int position = 0; position < bytes.length; position++) {
            bytes[position] = order == GradientOrder.SUM_FIRST ? graphBytes(position) : OptionalLong.empty();
        }
        return bytes;
    }

    private OptionalLong graphBytes(int position) {
        ModelConfig config = runner.store().config();
        int first = stack.get(position).originals().findFirst().orElseThrow();
        return GradientCost.graphs(config, config.attention(first), chunks);
    }

    /** Bytes of graphs that the memory has room for beside all states: those of each boundary, and their gradients. */
    private long room(OptionalLong[] graphs) {
        long boundary = chunks.tokens() * runner.store().config().hiddenSize() * Float.BYTES;
        return states.unused() - (graphs.length + 1) * boundary;
    }

    /** What the graphs of a layer and of all above it take. */
    private static long above(OptionalLong[] graphs, int position) {
        return Arrays.stream(graphs, position, graphs.length).mapToLong(bytes -> bytes.orElse(0)).sum();
    }

    /** @param bytes of the graphs, if they are to be kept */
    private void run(int position, OptionalLong bytes) {
        Pass pass = new Pass(last, bytes.isPresent(), bytes.isPresent() ? states.reserve(bytes.getAsLong()) : null);
        try (Opening opening = new Opening()) {
            opening.add(pass.kept::close);
            runner.run(stack.get(position), chunks.chunks(), pass::take, pass);
            opening.done();
        }
        layers.add(pass.kept);
        last = Arrays.asList(pass.after);
        if (bytes.isEmpty()) {
            pass.kept.closeWeights();
        }
    }

    @Override
    public void close() {
        layers.forEach(Kept::close);
        last.stream().filter(Objects::nonNull).forEach(states::free);
        last = List.of();
    }

    /** A layer on its way over the chunks. */
    private final class Pass implements LayerRunner.Pass {
        private final Kept kept;
        private final boolean keep;
        private final State[] after = new State[chunks.size()];
        private final @Nullable Tensor[] input = new Tensor[chunks.size()];

        Pass(List<State> before, boolean keep, StateStore.@Nullable Reservation reserved) {
            this.kept = new Kept(before, keep ? chunks.size() : 0, reserved);
            this.keep = keep;
        }

        void take(LayerWeights weights) {
            kept.take(weights.map((_, tensor) -> compute.floats(tensor)));
        }

        /** Memory for the states after the layer. */
        @Override
        public Tensor before(int chunk) {
            Tensor states = GradientRun.this.states.get(kept.before(chunk));
            input[chunk] = states;
            return torch.empty_like(states);
        }

        @Override
        public LayerObserver observer(int chunk) {
            return LayerObserver.NONE;
        }

        @Override
        public void forward(DecoderLayer layer, int chunk, Tensor hidden, TokenLayout layout, Rotation rotation,
                Workspace workspace) {
            LayerWeights weights = kept.weights().orElseThrow();
            Tensor before = Objects.requireNonNull(input[chunk]);
            input[chunk] = null;
            if (keep) {
                kept.graphs[chunk] = gradients.graph(weights, before, layout, hidden);
            } else {
                gradients.forward(weights, before, layout, hidden);
            }
        }

        @Override
        public void after(int chunk, Tensor hidden) {
            after[chunk] = states.put(hidden);
            if (keep) {
                states.free(kept.before(chunk));
            }
        }
    }

    /** What is kept of a layer: its graphs with its weights, or the states before it. */
    final class Kept implements AutoCloseable {
        private final List<State> before;
        private final LayerGradients.@Nullable Graph[] graphs;
        private final StateStore.@Nullable Reservation reserved;
        private final Retained.Group held = new Retained.Group();
        private @Nullable LayerWeights weights;

        private Kept(List<State> before, int graphs, StateStore.@Nullable Reservation reserved) {
            this.before = before;
            this.graphs = new LayerGradients.Graph[graphs];
            this.reserved = reserved;
        }

        private void take(LayerWeights floats) {
            floats.asMap().values().forEach(held::keep);
            weights = floats;
        }

        private void closeWeights() {
            weights = null;
            held.close();
        }

        /** Float32, where there are graphs of them. */
        Optional<LayerWeights> weights() {
            return Optional.ofNullable(weights);
        }

        /** The states before the layer, where there is no graph. */
        State before(int chunk) {
            return before.get(chunk);
        }

        LayerGradients.@Nullable Graph graph(int chunk) {
            return graphs.length == 0 ? null : graphs[chunk];
        }

        @Override
        public void close() {
            for (LayerGradients.Graph graph : graphs) {
                if (graph != null) {
                    graph.close();
                }
            }
            closeWeights();
            before.stream().filter(Objects::nonNull).forEach(states::free);
            if (reserved != null) {
                reserved.close();
            }
        }
    }
}
