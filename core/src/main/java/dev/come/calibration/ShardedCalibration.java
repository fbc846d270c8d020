package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Question.Activations;
import dev.come.calibration.Question.Angles;
import dev.come.calibration.Question.FinalCosines;
import dev.come.calibration.Question.FinalRuns;
import dev.come.calibration.Question.Influence;
import dev.come.calibration.Question.KeepFinal;
import dev.come.calibration.Question.Movement;
import dev.come.calibration.Question.Pooled;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Question.TraceRuns;
import dev.come.calibration.Shards.Context;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * Adds up what shards measure, in the order of the chunks, so that it does not matter how many shards there are and where they lie.
 * What needs large sums of all shards, refits and gradients, is left to {@link LocalCalibration}. Questions come from one thread.
 */
public abstract class ShardedCalibration implements Calibration, AutoCloseable {
    private final Shards shards;
    private final TokenChunks chunks;
    private final ModelConfig config;
    private final Compute compute;
    private final Progress progress;
    private final ShardSearches searches;
    private final Set<LayerStack> kept = new LinkedHashSet<>();
    private Context context;

    /**
     * Asks shards from now on, which are closed with this.
     *
     * @param chunks all chunks, divided into these shards
     * @param first the number of the first chunk that losses are measured on
     * @param memory bytes of hidden states that all shards together hold in memory
     * @param progress is told of everything that takes long
     */
    protected ShardedCalibration(Shards shards, TokenChunks chunks, int first, ModelConfig config, Compute compute,
            Reading reading, long memory, Progress progress) {
        Shard.check(reading, config);
        this.shards = shards;
        this.chunks = chunks;
        this.config = config;
        this.compute = compute;
        this.progress = progress;
        this.context = new Context(LayerStack.dense(config.layers()), List.of(), 0);
        this.searches = new ShardSearches(shards, chunks, first, config, compute, memory, progress);
    }

    @Override
    public void focus(LayerStack stack) {
        context = new Context(stack, List.copyOf(kept), 0);
        shards.enter(context);
    }

    /** Keeps what is measured on a stack from now on, whatever the focus is. */
    public void keep(LayerStack stack) {
        kept.add(stack);
    }

    /** Whether what is measured on a stack is kept. */
    boolean keeps(LayerStack stack) {
        return kept.contains(stack);
    }

    /** Asks about the traces of a stack. What of them has to be made is told of as progress. */
    private <A extends Serializable> List<A> traced(LayerStack stack, Question<A> question) {
        return traced(stack, task -> shards.ask(question, all(), task));
    }

    /** Does something that makes the traces of a stack where they are missing. */
    <T> T traced(LayerStack stack, Function<Progress.Task, T> work) {
        long runs = sum(new TraceRuns(stack));
        if (runs == 0) {
            return work.apply(NO_PROGRESS);
        }
        try (Progress.Task task = progress.begin("measuring " + stack.size() + " layers", runs, "layers",
                runs / chunks.size())) {
            return work.apply(task);
        }
    }

    static final Progress.Task NO_PROGRESS = _ -> {
    };

    private Range all() {
        return new Range(0, chunks.size());
    }

    private long sum(Question<Long> question) {
        return shards.ask(question, all(), NO_PROGRESS).stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public String whyNotFinite() {
        return compute.whyNotFinite();
    }

    @Override
    public List<Double> blockInfluence(LayerStack stack) {
        return means(traced(stack, new Influence(stack)), chunks.tokens());
    }

    @Override
    public List<Double> relativeMagnitude(LayerStack stack) {
        return means(traced(stack, new Movement(stack)), chunks.tokens());
    }

    @Override
    public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
        return means(traced(stack, new Angles(stack, width, tokens)), switch (tokens) {
            case LAST -> chunks.sequences();
            case ALL -> chunks.tokens();
        });
    }

    /** The sums over all chunks, which shards give as arrays (values, chunks), divided by a count. */
    private static List<Double> means(List<double[][]> shards, long count) {
        List<Double> means = new ArrayList<>();
        for (int value = 0; value < shards.getFirst().length; value++) {
            int at = value;
            means.add(shards.stream().flatMapToDouble(shard -> Arrays.stream(shard[at])).sum() / count);
        }
        return means;
    }

    @Override
    public Sensitivity sensitivity(LayerStack stack, int position) {
        return LayerSums.sensitivity(traced(stack, new Activations(stack, position)), config,
                (double) chunks.tokens());
    }

    @Override
    public double loss(LayerStack stack) {
        return searchLosses(List.of(stack)).losses().getFirst();
    }

    @Override
    public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
        return searches.losses(context, stacks, exact);
    }

    @Override
    public List<double[][]> pooledStates(LayerStack stack) {
        List<double[][][]> parts = traced(stack, new Pooled(stack));
        List<double[][]> pooled = new ArrayList<>();
        for (int layer = 0; layer < stack.size(); layer++) {
            int at = layer;
            pooled.add(parts.stream().flatMap(shard -> Stream.of(shard[at])).toArray(double[][]::new));
        }
        return pooled;
    }

    @Override
    public double similarity(LayerStack stack, LayerStack reference) {
        runToTheEnd(reference, new KeepFinal(reference));
        return runToTheEnd(stack, new FinalCosines(stack, reference)).stream().flatMapToDouble(Arrays::stream).average()
                .orElse(Double.NaN);
    }

    private <A extends Serializable> List<A> runToTheEnd(LayerStack stack, Question<A> question) {
        long runs = sum(new FinalRuns(stack));
        if (runs == 0) {
            return shards.ask(question, all(), NO_PROGRESS);
        }
        try (Progress.Task task = progress.begin("final states of " + stack.size() + " layers", runs, "layers",
                runs / chunks.size())) {
            return shards.ask(question, all(), task);
        }
    }

    /** How many chunks the calibration tokens fall into; a layer is run over one after the other. */
    public int chunks() {
        return chunks.size();
    }

    @Override
    public void close() {
        shards.close();
    }
}
