package dev.come.calibration;

import dev.come.calibration.Question.CostsAtTheEnd;
import dev.come.calibration.Question.DenseAhead;
import dev.come.calibration.Shards.OpenSide;
import dev.come.calibration.Side.Place;
import dev.come.model.LayerWeights;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * A stack beside what its layers are fitted to, on the chunks of one shard. It remembers where both are; where they should be
 * anywhere else, both are run there again.
 */
final class ShardSides implements AutoCloseable {
    private final Shard shard;
    private final TokenChunks chunks;
    private final int first;
    private @Nullable Open open;

    /** Both, and the trials of the next layer that are not decided on. */
    private static final class Open implements AutoCloseable {
        private final Side side;
        private final int common;
        private final SideBySide both;
        private final List<LayerNode> behind = new ArrayList<>();
        private final Map<Side.Layer, Trial> trials = new HashMap<>();
        /** How many layers the dense model has behind it, for what trials are compared with. */
        private int dense;

        Open(Side side, int common, SideBySide both) {
            this.side = side;
            this.common = common;
            this.both = both;
            this.dense = common;
        }

        /** Has trials compared with the dense model after this number of layers. */
        void compareWith(int layers) {
            if (layers > dense) {
                both.runDense(layers);
                dense = layers;
            }
        }

        boolean leadsTo(Place place) {
            return side.equals(place.side()) && common == place.common() && behind.size() <= place.behind().size()
                    && behind.equals(place.behind().subList(0, behind.size()));
        }

        /** Goes on through a layer that was decided on. */
        void moveOn(LayerNode node, LayerWeightsOf weights) {
            Trial trial = trials.keySet().stream().filter(layer -> layer.node().equals(node)).findFirst()
                    .map(layer -> Objects.requireNonNull(trials.remove(layer)))
                    .orElseGet(() -> both.run(node, weights.of(node), Optional.empty()));
            trials.values().forEach(both::discard);
            trials.clear();
            both.moveOn(trial);
            behind.add(node);
        }

        /** Forgets trials that were decided against. */
        void keepOnly(List<Side.Layer> wanted) {
            trials.keySet().stream().filter(layer -> !wanted.contains(layer)).toList()
                    .forEach(layer -> both.discard(Objects.requireNonNull(trials.remove(layer))));
        }

        @Override
        public void close() {
            both.close();
        }
    }

    /** Makes the weights of a layer. */
    private interface LayerWeightsOf {
        LayerWeights of(LayerNode node);
    }

    /** @param first the number of the first of the shard's chunks among all */
    ShardSides(Shard shard, TokenChunks chunks, int first) {
        this.shard = shard;
        this.chunks = chunks;
        this.first = first;
    }

    /** Forgets what is not worth remembering. */
    void enter(@Nullable OpenSide wanted) {
        if (open == null) {
            return;
        }
        if (wanted == null || !open.leadsTo(wanted.place())) {
            close();
            return;
        }
        if (open.behind.size() == wanted.place().behind().size()) {
            open.keepOnly(wanted.trials());
        } else if (open.behind.size() + 1 == wanted.place().behind().size()
                && open.trials.keySet().stream()
                        .anyMatch(layer -> layer.node().equals(wanted.place().behind().getLast()))) {
            at(wanted.place(), open.dense);
        }
    }

    /** Runs a layer; the trial stays here until it is decided on. */
    Trial run(LargeQuestion.Run asked) {
        try (var _ = new PointerScope()) {
            Open here = at(asked.place(), asked.dense());
            LayerNode node = asked.layer().node();
            Trial from = asked.from() == null ? null : here.trials.get(asked.from());
            Trial known = here.trials.remove(asked.layer());
            if (known != null) {
                here.both.discard(known); // its moments are gone
            }
            Trial trial = from == null
                    ? here.both.run(node, weights(node), asked.layer().projection())
                    : here.both.runAgain(from, node, weights(node), asked.layer().projection());
            here.trials.put(asked.layer(), trial);
            return trial;
        }
    }

    /** What both cost at the end of their layers. */
    double[][][] costs(CostsAtTheEnd asked) {
        Open here = at(asked.place(), asked.dense());
        here.both.arrive();
        return new double[][][]{here.both.denseLosses(), here.both.ownLosses(asked.stack())};
    }

    /** Runs the dense model on while somebody else is at work. */
    void runDense(DenseAhead asked) {
        Open here = at(asked.place(), asked.now());
        here.both.arrive();
        here.both.whileDenseRuns(asked.dense(), _ -> true);
    }

    /** Both at a place, and the dense model where trials are compared with it. */
    private Open at(Place place, int dense) {
        if (open == null || !open.leadsTo(place) || open.dense > dense) {
            close();
            open = begin(place);
        }
        try (var _ = new PointerScope()) {
            for (LayerNode node : place.behind().subList(open.behind.size(), place.behind().size())) {
                open.moveOn(node, this::weights);
            }
        }
        open.compareWith(dense);
        return open;
    }

    private LayerWeights weights(LayerNode node) {
        return shard.runner().store().materialise(node);
    }

    private Open begin(Place place) {
        SideBySide both = alone(place.side());
        Open begun = new Open(place.side(), place.common(), both);
        open = begun;
        if (place.common() > 0) {
            both.runBoth(place.common());
        }
        return begun;
    }

    /** Both before the first layer that is fitted, for somebody who closes them. */
    SideBySide alone(Side side) {
        int count = Math.clamp((long) side.chunks() - first, 0, chunks.size());
        int fitted = Math.clamp((long) side.fitted() - first, 0, count);
        TokenChunks some = chunks.some(0, count);
        return switch (side.target()) {
            case Side.DenseRuns _ -> new SideBySide(shard.runner(), some, fitted, shard.states());
            case Side.DenseIsKnown known -> {
                List<Trace> dense = shard.path(LayerStack.dense(shard.runner().store().config().layers()));
                yield new SideBySide(shard.runner(), some, fitted, shard.states(), before(known.before(), count),
                        layers -> dense.get(layers).states().subList(0, count));
            }
            case Side.Sources sources -> {
                List<State> before = before(sources.before(), count);
                yield new SideBySide(shard.runner(), some, fitted, shard.states(), before,
                        MergeTarget.of(sources.merged(), sources.how(), shard.runner(), some, shard.states(), before));
            }
        };
    }

    private List<State> before(LayerStack stack, int count) {
        return shard.path(stack).getLast().states().subList(0, count);
    }

    @Override
    public void close() {
        if (open != null) {
            open.close();
        }
        open = null;
    }
}
