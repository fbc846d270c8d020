package dev.come.calibration;

import dev.come.calibration.Calibration.GradientOrder;
import dev.come.memory.Retained;
import dev.come.model.InTurn;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.TokenLayout;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** How the gradients of all sequences for the weights of a layer come together. */
sealed interface GradientAccumulation extends AutoCloseable {
    /** Of an order. */
    static GradientAccumulation of(GradientOrder order, LayerWeights weights, TokenChunks chunks) {
        return switch (order) {
            case SUM_FIRST -> new SumFirst(weights, new ChunkGroups(chunks));
            case ABS_FIRST -> new AbsFirst(weights);
            case NEVER_ZEROED -> new NeverZeroed(weights);
        };
    }

    /** The gradients of the weights on some sequences of the chunk at hand. */
    interface Gradients {
        Map<Part, Tensor> of(TokenLayout layout, int start);
    }

    /** Adds those of a chunk. */
    void add(Chunk chunk, Gradients gradients, int turn, InTurn turns);

    /** What came of all chunks; closed by the caller. */
    GradientSums result();

    @Override
    default void close() {
    }

    /** Sums of gradients, of a group of chunks and then of groups; {@code |weight x sum|} in the end. */
    final class SumFirst implements GradientAccumulation {
        private final ChunkGroups groups;
        private final Map<Part, Tensor> sums;
        /** Of a group that is not the first. */
        private final Map<Part, Retained<Tensor>> group = new EnumMap<>(Part.class);
        private boolean isFirst = true;

        SumFirst(LayerWeights weights, ChunkGroups groups) {
            this.groups = groups;
            this.sums = zeros(weights);
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            Map<Part, Tensor> found = gradients.of(chunk.layout(), 0);
            turns.take(turn, () -> {
                found.forEach(this::add);
                if (groups.endWith(turn)) {
                    end();
                }
            });
        }

        private void add(Part part, Tensor gradient) {
            if (isFirst) {
                Objects.requireNonNull(sums.get(part)).add_(gradient);
            } else if (group.containsKey(part)) {
                Objects.requireNonNull(group.get(part)).borrow().add_(gradient);
            } else {
                group.put(part, Retained.of(gradient));
            }
        }

        private void end() {
            isFirst = false;
            group.forEach((part, sum) -> Objects.requireNonNull(sums.get(part)).add_(sum.borrow()));
            close();
        }

        @Override
        public GradientSums result() {
            end();
            return GradientSums.of(sums);
        }

        @Override
        public void close() {
            Retained.close(group.values());
            group.clear();
        }
    }

    /** Sums of {@code |weight x gradient|} of each sequence. */
    final class AbsFirst implements GradientAccumulation {
        private final LayerWeights weights;
        private final List<Map<Part, double[]>> chunks = new ArrayList<>();

        AbsFirst(LayerWeights weights) {
            this.weights = weights;
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            Map<Part, double[]> own = new EnumMap<>(Part.class);
            chunk.forEachSequence((_, start, length) -> {
                try (var _ = new PointerScope()) {
                    addTo(own, Saliences.products(weights, gradients.of(TokenLayout.of(length), start)));
                }
            });
            turns.take(turn, () -> chunks.add(own));
        }

        @Override
        public GradientSums result() {
            return GradientSums.of(chunks);
        }
    }

    /** As {@link AbsFirst}, but with the sum of the gradients so far; one sequence after the other. */
    final class NeverZeroed implements GradientAccumulation {
        private final LayerWeights weights;
        private final Map<Part, Tensor> soFar;
        private final Map<Part, double[]> sums = new EnumMap<>(Part.class);

        NeverZeroed(LayerWeights weights) {
            this.weights = weights;
            this.soFar = zeros(weights);
        }

        @Override
        public void add(Chunk chunk, Gradients gradients, int turn, InTurn turns) {
            turns.take(turn, () -> chunk.forEachSequence((_, start, length) -> {
                try (var _ = new PointerScope()) {
                    Map<Part, Tensor> found = gradients.of(TokenLayout.of(length), start);
                    soFar.forEach((part, sum) -> sum.add_(found.get(part)));
                    addTo(sums, Saliences.products(weights, soFar));
                }
            }));
        }

        @Override
        public GradientSums result() {
            return GradientSums.of(List.of(sums));
        }
    }

    /** A zero for each weight. */
    static Map<Part, Tensor> zeros(LayerWeights weights) {
        Map<Part, Tensor> zeros = new EnumMap<>(Part.class);
        weights.asMap().forEach((part, tensor) -> zeros.put(part, torch.zeros_like(tensor)));
        return zeros;
    }

    private static void addTo(Map<Part, double[]> sums, Map<Part, double[]> more) {
        more.forEach((part, values) -> sums.merge(part, values, ChannelSums::sums));
    }
}
