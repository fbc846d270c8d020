package dev.come.run;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.model.LayerObserver;
import dev.come.model.NextTokenLikelihoods;
import dev.come.model.Tensors;
import dev.come.model.Workspace;
import dev.come.run.Continuation.Score;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * How likely a stack holds many continuations, a layer at a time. What texts of a chunk begin with alike is run once, and only
 * the rows that are scored go through the output projection.
 */
public final class ContinuationScores implements Scorer {
    /** Tokens of a chunk at most, unless one item has more. */
    public static final int CHUNK_TOKENS = 2048;
    /** Tokens of a group at most: what is lost if a run is killed. */
    private static final long GROUP_TOKENS = 65_536;

    private final LayerRunner runner;
    private final LayerStack stack;
    private final Compute compute;
    private final long memory;
    private final boolean share;

    /**
     * Items that go through the model together, whatever else there is. So their scores are the same to the last bit
     * however often a run is interrupted.
     *
     * @param items numbers of items
     */
    public record Batch(List<Integer> items, List<Continuation> continuations, List<Integer> owners)
            implements
                Serializable {
        public Batch {
            items = List.copyOf(items);
            continuations = List.copyOf(continuations);
            owners = List.copyOf(owners);
        }
    }

    /**
     * Plans nothing yet.
     *
     * @param memory bytes of hidden states that are held at most; one chunk for each thread goes through in any case
     */
    public ContinuationScores(LayerStore store, LayerStack stack, Compute compute, long memory) {
        this.runner = new LayerRunner(store, compute);
        this.stack = stack;
        this.compute = compute;
        this.memory = memory;
        // Where angles depend on how long a text is, texts of different length have no beginning in common.
        this.share = !store.config().rotationDependsOnLength();
    }

    /**
     * Puts items into batches; those that begin alike come together.
     *
     * @param items the continuations of each item; none is without
     */
    public static List<Batch> batches(List<List<Continuation>> items) {
        int[] order = PrefixForest.order(items.stream().map(item -> item.getFirst().ids()).toList());
        List<Batch> batches = new ArrayList<>();
        List<Integer> batch = new ArrayList<>();
        int tokens = 0;
        int[] before = {};
        for (int item : order) {
            int[] first = items.get(item).getFirst().ids();
            int own = ownTokens(items.get(item));
            int shared = batch.isEmpty() ? 0 : PrefixForest.shared(before, first);
            if (!batch.isEmpty() && tokens + own - shared > CHUNK_TOKENS) {
                batches.add(batch(batch, items));
                batch = new ArrayList<>();
                tokens = 0;
                shared = 0;
            }
            batch.add(item);
            tokens += own - shared;
            before = first;
        }
        if (!batch.isEmpty()) {
            batches.add(batch(batch, items));
        }
        return batches;
    }

    private static Batch batch(List<Integer> numbers, List<List<Continuation>> items) {
        List<Continuation> continuations = new ArrayList<>();
        List<Integer> owners = new ArrayList<>();
        for (int item : numbers) {
            items.get(item).forEach(continuation -> {
                continuations.add(continuation);
                owners.add(item);
            });
        }
        return new Batch(numbers, continuations, owners);
    }

    /** How many tokens an item has, what its continuations share counted once. */
    private static int ownTokens(List<Continuation> item) {
        List<int[]> inputs = item.stream().map(Continuation::input).toList();
        int tokens = 0;
        int[] before = {};
        for (int index : PrefixForest.order(inputs)) {
            tokens += inputs.get(index).length - PrefixForest.shared(before, inputs.get(index));
            before = inputs.get(index);
        }
        return tokens;
    }

    @Override
    public long runs(Collection<Batch> batches) {
        return runs(batches, stack.size());
    }

    static long runs(Collection<Batch> batches, int layers) {
        return (layers + 1L) * batches.size();
    }

    @Override
    public void score(List<Batch> batches, IntFunction<String> name, Progress.Task progress,
            Consumer<Map<Integer, List<Score>>> found) {
        List<Planned> planned = batches.stream().map(batch -> new Planned(batch, share)).toList();
        long tokenBytes = (long) runner.store().config().hiddenSize() * compute.type().bytes();
        long tokens = Math.min(GROUP_TOKENS, memory / tokenBytes);
        List<TokenChunks> groups = new TokenChunks(planned.stream().map(plan -> plan.chunk).toList()).groups(tokens,
                compute.threads());
        runner.reporting(progress, () -> {
            int done = 0;
            for (TokenChunks group : groups) {
                found.accept(scores(planned.subList(done, done + group.size()), group.chunks(), name));
                done += group.size();
            }
            return done;
        });
    }

    private Map<Integer, List<Score>> scores(List<Planned> group, List<Chunk> chunks, IntFunction<String> name) {
        try (ScoringPass pass = new ScoringPass(group, name)) {
            runner.run(stack.nodes().stream().map(node -> new LayerRunner.Step(node, _ -> {
            }, pass)).toList(), chunks);
            List<Map<Integer, List<Score>>> results = new ArrayList<>(Collections.nCopies(group.size(), Map.of()));
            runner.workers().forEach(group.size(), (chunk, workspace) -> {
                Map<Integer, List<Score>> scores = group.get(chunk).scores(runner, pass.before(chunk), workspace, name);
                synchronized (results) {
                    results.set(chunk, scores);
                }
                runner.advance(1);
            });
            Map<Integer, List<Score>> all = new LinkedHashMap<>();
            results.forEach(all::putAll);
            return all;
        }
    }

    /** A batch laid out. */
    private static final class Planned {
        private final Batch batch;
        private final PrefixForest forest;
        private final Chunk chunk;

        Planned(Batch batch, boolean share) {
            this.batch = batch;
            this.forest = new PrefixForest(batch.continuations().stream().map(Continuation::input).toList(), share);
            this.chunk = new Chunk(0, forest.tokens(), forest.layout());
        }

        /** What is asked of the output projection; the same token after the same row is asked for once. */
        private record Question(int row, int target) {}

        Map<Integer, List<Score>> scores(LayerRunner runner, Tensor hidden, Workspace workspace,
                IntFunction<String> name) {
            Map<Question, Integer> questions = new LinkedHashMap<>();
            for (int i = 0; i < batch.continuations().size(); i++) {
                for (Question question : questions(i)) {
                    questions.putIfAbsent(question, questions.size());
                }
            }
            int[] rows = questions.keySet().stream().mapToInt(Question::row).toArray();
            int[] targets = questions.keySet().stream().mapToInt(Question::target).toArray();
            NextTokenLikelihoods answers = runner.crossEntropy().likelihoods(hidden, rows, targets, workspace);
            Map<Integer, List<Score>> scores = new LinkedHashMap<>();
            for (int i = 0; i < batch.continuations().size(); i++) {
                double sum = 0;
                boolean greedy = true;
                for (Question question : questions(i)) {
                    int answer = Objects.requireNonNull(questions.get(question));
                    sum += answers.logLikelihoods()[answer];
                    greedy &= answers.greedy()[answer];
                }
                int item = batch.owners().get(i);
                if (!Double.isFinite(sum)) {
                    throw new FailedException("The log-likelihood of " + name.apply(item) + " is " + sum
                            + "; " + runner.whyNotFinite());
                }
                scores.computeIfAbsent(item, _ -> new ArrayList<>()).add(new Score(sum, greedy));
            }
            return scores;
        }

        private List<Question> questions(int index) {
            int[] ids = batch.continuations().get(index).ids();
            List<Question> questions = new ArrayList<>();
            for (int position = ids.length
                    - batch.continuations().get(index).scored(); position < ids.length; position++) {
                questions.add(new Question(forest.row(index, position - 1), ids[position]));
            }
            return questions;
        }
    }

    /** The layers over the chunks of a group; the states of a chunk stay where they are from the first layer to the last. */
    private final class ScoringPass implements LayerRunner.Pass, AutoCloseable {
        private final List<Planned> group;
        private final IntFunction<String> name;
        private final ChunkStates states;

        ScoringPass(List<Planned> group, IntFunction<String> name) {
            this.group = group;
            this.name = name;
            this.states = new ChunkStates(group.size());
        }

        @Override
        public Tensor before(int chunk) {
            Tensor own = states.borrow(chunk);
            if (own == null) {
                own = runner.embed(group.get(chunk).chunk);
                states.keep(chunk, own);
            }
            return own;
        }

        @Override
        public LayerObserver observer(int chunk) {
            return LayerObserver.NONE;
        }

        @Override
        public void after(int chunk, Tensor hidden) {
            // The layer has worked in place.
        }

        @Override
        public String subject(int chunk, Chunk tokens, Tensor hidden) {
            double[] sums = Tensors.doubles(hidden.sum(1));
            Planned planned = group.get(chunk);
            int row = 0;
            while (row < sums.length - 1 && Double.isFinite(sums[row])) {
                row++;
            }
            return name.apply(planned.batch.owners().get(planned.forest.textAt(row)));
        }

        @Override
        public void close() {
            states.close();
        }
    }

    @Override
    public void close() {
        runner.close();
    }
}
