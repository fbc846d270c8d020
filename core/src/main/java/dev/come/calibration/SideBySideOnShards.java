package dev.come.calibration;

import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.LargeQuestion.Run;
import dev.come.calibration.LargeQuestion.Total;
import dev.come.calibration.Question.CostsAtTheEnd;
import dev.come.calibration.Question.DenseAhead;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Shards.Context;
import dev.come.calibration.Shards.OpenSide;
import dev.come.failure.Thrown;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Workers;
import dev.come.model.Workspace;
import dev.come.run.LayerRunner;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerStack;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A stack beside what its layers are fitted to, whose states lie in shards. What they measure is added up here, in their order.
 */
final class SideBySideOnShards implements StackBesideDense {
    private final RemoteShards shards;
    private final Context context;
    private final Side side;
    private final TokenChunks chunks;
    private final int position;
    private final long headRuns;
    private final Workers workers;
    private final List<LayerNode> behind = new ArrayList<>();
    private final Map<Trial, Side.Layer> trials = new HashMap<>();
    private Progress.Task task = ShardedCalibration.NO_PROGRESS;
    private int common;
    private int dense;

    /**
     * Begins.
     *
     * @param context what else is worth remembering
     * @param chunks all chunks of the shards
     * @param position of the first layer that is run
     * @param workers share what is done here
     */
    SideBySideOnShards(RemoteShards shards, Context context, Side side, TokenChunks chunks, int position,
            ModelConfig config,
            Workers workers) {
        this.shards = shards;
        this.context = context;
        this.side = side;
        this.chunks = chunks;
        this.position = position;
        this.headRuns = LayerRunner.headRuns(config);
        this.workers = workers;
    }

    @Override
    public int chunks() {
        return side.chunks();
    }

    @Override
    public <T> T reporting(Progress.Task told, Supplier<T> work) {
        task = told;
        try {
            return work.get();
        } finally {
            task = ShardedCalibration.NO_PROGRESS;
        }
    }

    private Range all() {
        return new Range(0, side.chunks());
    }

    private Side.Place place() {
        return new Side.Place(side, common, behind);
    }

    private void enter() {
        shards.enter(context.beside(new OpenSide(place(), List.copyOf(trials.values()))));
    }

    @Override
    public void runDense(int layers) {
        dense = Math.max(dense, layers);
    }

    @Override
    public <T> T whileDenseRuns(int layers, Function<Workspace, T> work) {
        enter();
        AtomicReference<T> result = new AtomicReference<>();
        try (Asking asking = new Asking(layers > dense ? new DenseAhead(place(), dense, layers) : null)) {
            workers.forEach(1, (_, workspace) -> result.set(work.apply(workspace)));
            asking.join();
        }
        return Objects.requireNonNull(result.get());
    }

    /** Has shards do something while this thread does something else. */
    private final class Asking implements AutoCloseable {
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        private final Thread thread;

        Asking(@Nullable DenseAhead question) {
            thread = Thread.ofVirtual().name("come-asks-shards").start(() -> {
                try {
                    if (question != null) {
                        shards.ask(question, all(), task);
                    }
                } catch (RuntimeException | Error e) {
                    failure.set(e);
                }
            });
        }

        /** Waits for them, and throws what kept them from it. */
        void join() {
            try {
                thread.join();
            } catch (InterruptedException e) {
                throw new InterruptedRunException(e);
            }
            if (failure.get() != null) {
                throw Thrown.again(failure.get());
            }
        }

        /** Leaves nobody behind, whatever has happened here. */
        @Override
        public void close() {
            boolean interrupted = Thread.interrupted();
            thread.interrupt();
            while (thread.isAlive()) {
                try {
                    thread.join();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void runBoth(int layers) {
        common = layers;
        dense = layers;
    }

    @Override
    public Trial run(LayerNode node, LayerWeights weights, Optional<Part> projection) {
        return run(new Side.Layer(node, projection), Optional.empty());
    }

    @Override
    public Trial runAgain(Trial from, LayerNode node, LayerWeights weights, Optional<Part> projection) {
        LayerNode changed = shards.lend(node, position + common + behind.size(), weights);
        return run(new Side.Layer(changed, projection), Optional.of(Objects.requireNonNull(trials.get(from))));
    }

    private Trial run(Side.Layer layer, Optional<Side.Layer> from) {
        enter();
        Total<Run.Found, MomentSums> total = shards.sum(new Run(place(), dense, layer, from.orElse(null)), all(), task);
        double[] squares = total.said().stream().flatMapToDouble(found -> Arrays.stream(found.squares())).toArray();
        List<Moments> moments = total.sums().moments();
        boolean asked = layer.projection().isPresent();
        Trial trial = new Trial(List.of(), squares, chunks.some(side.fitted(), side.chunks()).tokens(),
                layer.projection(), List.of(), List.of(), asked ? moments.get(0) : null, asked ? moments.get(1) : null);
        trials.put(trial, layer);
        return trial;
    }

    @Override
    public Optional<Reads> reads(LayerNode node, LayerWeights weights, Trial from) {
        throw new UsageException(
                "--master: layers are healed with --heal-targets all on one machine only; leave --master out");
    }

    @Override
    public void keepPlace(int layers) {
        throw onlyOneMachineGoesBack();
    }

    @Override
    public void goBack() {
        throw onlyOneMachineGoesBack();
    }

    @Override
    public void decide(boolean here) {
        throw onlyOneMachineGoesBack();
    }

    private static UsageException onlyOneMachineGoesBack() {
        return new UsageException(
                "--master: layers are healed with --heal-seam pair on one machine only; leave --master out");
    }

    @Override
    public void moveOn(Trial trial) {
        behind.add(Objects.requireNonNull(trials.get(trial)).node());
        trials.keySet().forEach(one -> one.takeMoments().close());
        trials.clear();
        enter();
    }

    @Override
    public void discard(Trial trial) {
        trials.remove(trial);
        trial.takeMoments().close();
        enter();
    }

    @Override
    public EndLosses losses(LayerStack stack) {
        List<double[][][]> costs = shards.ask(new CostsAtTheEnd(place(), dense, stack),
                new Range(side.fitted(), side.chunks()), task);
        return EndLosses.of(costs.stream().flatMap(shard -> Stream.of(shard[0])).toArray(double[][]::new),
                costs.stream().flatMap(shard -> Stream.of(shard[1])).toArray(double[][]::new));
    }

    @Override
    public long lossRuns() {
        return 2 * headRuns * (side.chunks() - side.fitted());
    }

    @Override
    public void close() {
        trials.keySet().forEach(one -> one.takeMoments().close());
        trials.clear();
        shards.enter(context);
    }
}
