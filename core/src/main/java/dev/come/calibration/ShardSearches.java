package dev.come.calibration;

import dev.come.Progress;
import dev.come.calibration.Calibration.SearchedLosses;
import dev.come.calibration.Question.LikeliestTokens;
import dev.come.calibration.Question.Losses;
import dev.come.calibration.Question.Range;
import dev.come.calibration.Question.SampleStates;
import dev.come.calibration.Question.SearchRuns;
import dev.come.calibration.Shards.Context;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStack;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Searches over all shards: who goes on after a group of chunks is decided here, what they cost is measured there. */
final class ShardSearches {
    /**
     * The number of places from which part of the vocabulary shows most stacks to be hopeless. Stacks change another in
     * these places, and the part is one in {@link #LIKELY} tokens. Different changes in one place lie nearer
     * together than such bounds do.
     */
    private static final int MANY = 6;
    private static final int LIKELY = 5;
    /** The states that tell which tokens these are. */
    private static final int SAMPLE = 256;
    /** So few stacks are measured on all chunks at once where shards work beside each other: they are the best so far. */
    private static final int FEW = 4;

    private final Shards shards;
    private final TokenChunks measured;
    private final int first;
    private final ModelConfig config;
    private final Compute compute;
    private final long memory;
    private final Progress progress;
    private int searches;

    /**
     * Prepares for searches.
     *
     * @param chunks all chunks
     * @param first the number of the first that losses are measured on
     * @param memory bytes of hidden states that all shards together hold in memory
     */
    ShardSearches(Shards shards, TokenChunks chunks, int first, ModelConfig config, Compute compute, long memory,
            Progress progress) {
        this.shards = shards;
        this.measured = chunks.from(first);
        this.first = first;
        this.config = config;
        this.compute = compute;
        this.memory = memory;
        this.progress = progress;
    }

    /** Measures losses, as {@link Calibration#searchLosses(List, int)} tells. */
    SearchedLosses losses(Context context, List<LayerStack> stacks, int exact) {
        LossSearch search = new LossSearch(stacks.size(), measured, exact);
        // Half of the memory may hold the states of all stacks over one group.
        long tokenBytes = (long) config.hiddenSize() * compute.type().bytes();
        List<TokenChunks> groups = measured.groups(memory / 2 / tokenBytes / (stacks.size() + 1),
                Math.ceilDiv(compute.threads(), stacks.size()));
        boolean byBounds = !groups.isEmpty()
                && stacks.stream().map(context.focus()::commonBeginning).distinct().count() >= MANY;
        shards.enter(context.during(++searches));
        try {
            Range all = new Range(first, first + measured.size());
            long total = shards.ask(new SearchRuns(stacks, all), all, ShardedCalibration.NO_PROGRESS).stream()
                    .mapToLong(Long::longValue).sum();
            try (Progress.Task task = progress.begin("loss of " + stacks.size() + " stacks", total, "stacks",
                    stacks.size())) {
                AtomicLong done = new AtomicLong();
                Progress.Task counted = runs -> {
                    done.addAndGet(runs);
                    task.advance(runs);
                };
                SearchedLosses found = search.run(groups, new Asking(search, stacks,
                        byBounds ? likely(context.focus(), groups.getFirst()) : null, counted));
                task.skip(Math.max(0, total - done.get())); // of stacks that were given up
                return found;
            }
        } finally {
            shards.enter(context);
        }
    }

    /** The numbers of some of the measured chunks among all chunks. */
    private Range range(TokenChunks group) {
        int from = first + measured.chunks().indexOf(group.get(0));
        return new Range(from, from + group.size());
    }

    /** The ids of the tokens that the stack in focus expects most, by some of its last states. */
    private int[] likely(LayerStack focus, TokenChunks sample) {
        int every = Math.toIntExact(Math.ceilDiv(sample.tokens(), SAMPLE));
        Range on = range(sample);
        List<float[]> states = shards.ask(new SampleStates(focus, on, every), on, ShardedCalibration.NO_PROGRESS)
                .stream()
                .flatMap(Stream::of).toList();
        return shards.askOne(new LikeliestTokens(states, Math.ceilDiv(config.vocabularySize(), LIKELY)));
    }

    /** Asks the shards what a search wants to know. */
    private final class Asking implements LossSearch.Measure {
        private final LossSearch search;
        private final List<LayerStack> stacks;
        private final int @Nullable [] likely;
        private final Progress.Task task;
        /** What was found beyond what the search has asked for yet. */
        private final Map<Place, double[]> found = new HashMap<>();

        /** What a stack costs on a chunk, measured whole or as {@link LossSearch.Measure#run} does. */
        private record Place(int stack, int chunk, boolean whole) {}

        /** @param likely the tokens for bounds; null: losses are measured at once */
        Asking(LossSearch search, List<LayerStack> stacks, int @Nullable [] likely, Progress.Task task) {
            this.search = search;
            this.stacks = stacks;
            this.likely = likely;
            this.task = task;
        }

        @Override
        public void run(TokenChunks group, List<Integer> some) {
            ask(group, some, false, likely == null ? search::add : search::addBounds);
        }

        @Override
        public void finish(TokenChunks group, List<Integer> some) {
            ask(group, some, true, search::add);
        }

        /** Takes what a stack costs on the sequences from one on. */
        private interface Taker {
            void take(int stack, int sequence, double[] values);
        }

        private void ask(TokenChunks group, List<Integer> some, boolean whole, Taker taker) {
            Range on = range(group);
            List<Integer> missing = some.stream().filter(stack -> IntStream.range(on.from(), on.to())
                    .anyMatch(chunk -> !found.containsKey(new Place(stack, chunk, whole)))).toList();
            if (!missing.isEmpty()) {
                fetch(missing, ahead(on, missing.size()), whole);
            }
            for (int stack : some) {
                for (int chunk = on.from(); chunk < on.to(); chunk++) {
                    taker.take(stack, measured.get(chunk - first).first(),
                            Objects.requireNonNull(found.remove(new Place(stack, chunk, whole))));
                }
            }
        }

        /**
         * How far shards that work beside each other go at once. What a search then does not ask for was done in vain; what it
         * decides is the same.
         */
        private Range ahead(Range on, int count) {
            int end = first + measured.size();
            if (shards.parallel() == 1 || (count > FEW && on.from() == first)) {
                return on;
            }
            int to = on.to();
            long most = count > FEW ? shards.parallel() * Shard.TOKENS : Long.MAX_VALUE;
            for (long tokens = 0; to < end && tokens < most; to++) {
                tokens += measured.get(to - first).tokens().length;
            }
            return new Range(on.from(), to);
        }

        private void fetch(List<Integer> some, Range on, boolean whole) {
            int chunk = on.from();
            for (double[][][] shard : shards.ask(new Losses(stacks, some, on, likely, whole), on, task)) {
                for (int stack = 0; stack < some.size(); stack++) {
                    for (int i = 0; i < shard[stack].length; i++) {
                        found.put(new Place(some.get(stack), chunk + i, whole), shard[stack][i]);
                    }
                }
                chunk += shard[0].length;
            }
        }
    }
}
