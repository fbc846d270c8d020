package dev.come.evaluate;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.model.CausalLanguageModel;
import dev.come.model.Compute;
import dev.come.model.KeyValueCache;
import dev.come.model.ModelConfig;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * How long a model takes for a prompt and for the tokens after it. Models that are compared run in turns, so that what
 * disturbs the machine disturbs both.
 */
public final class Latency {
    private static final long SEED = 10;

    private Latency() {
    }

    /**
     * What is run.
     *
     * @param batch sequences side by side
     * @param promptTokens tokens of each prompt
     * @param newTokens tokens that are generated after it, 2 or more; 0 times the prompt alone
     * @param iterations how many times it is timed, after once to warm up
     */
    public record Load(int batch, int promptTokens, int newTokens, int iterations) {
        public Load {
            require("--batch", batch, 1);
            require("--prompt", promptTokens, 2);
            // The first one comes with the prompt, so one alone takes no time of its own.
            require("--new-tokens", newTokens, newTokens == 0 ? 0 : 2);
            require("--iterations", iterations, 1);
        }

        private static void require(String option, int value, int least) {
            if (value < least) {
                throw new UsageException(option + " is " + value + ", but must be at least " + least);
            }
        }

        private int positions() {
            return promptTokens + newTokens;
        }
    }

    /** A model to time: a checkpoint's layers as a stack has them. */
    public record Subject(String name, LayerStore store, LayerStack stack) {}

    /**
     * Seconds of several runs.
     *
     * @param values in the order of the runs
     */
    public record Seconds(List<Double> values) {
        public Seconds {
            values = List.copyOf(values);
        }

        /** The middle one, or the mean of the two in the middle. */
        public double median() {
            double[] sorted = values.stream().mapToDouble(x -> x).sorted().toArray();
            return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
        }

        public double least() {
            return values.stream().mapToDouble(x -> x).min().orElseThrow();
        }

        public double most() {
            return values.stream().mapToDouble(x -> x).max().orElseThrow();
        }

        /** How many times as long the other took, run by run. */
        public Seconds ratioOf(Seconds other) {
            return new Seconds(
                    IntStream.range(0, values.size()).mapToObj(i -> other.values.get(i) / values.get(i)).toList());
        }
    }

    /**
     * What came of a model.
     *
     * @param parameters numbers in its tensors
     * @param weightBytes bytes of them in the type that is computed in
     * @param cacheBytes bytes of keys and values of all tokens of the load
     * @param prompt seconds for all prompts, up to the first token after them
     * @param generation seconds for the tokens after that one; none if there are none
     * @param anewFrom from how many tokens on positions turn by other angles, so that all tokens were run anew; none if that
     *        did not happen
     */
    public record Timing(String name, int layers, long parameters, long weightBytes, long cacheBytes, Seconds prompt,
            List<Seconds> generation, OptionalInt anewFrom) {
        /** Tokens of prompts in a second, by the median. */
        public double promptRate(Load load) {
            return load.batch() * (double) load.promptTokens() / prompt.median();
        }

        /** Tokens generated in a second, by the median. */
        public double generationRate(Load load) {
            return load.batch() * (load.newTokens() - 1.0) / generation.getFirst().median();
        }
    }

    /**
     * Times models in turns.
     *
     * @throws UsageException if the load is longer than a model's positions
     */
    public static List<Timing> measure(List<Subject> subjects, Load load, Compute compute, Progress progress) {
        List<CausalLanguageModel> models = new ArrayList<>();
        try (Progress.Task task = progress.begin("latency", (long) subjects.size() * (load.iterations() + 1), "runs")) {
            for (Subject subject : subjects) {
                ModelConfig config = subject.store().config();
                if (load.positions() > config.positions().count()) {
                    throw new UsageException("--prompt " + load.promptTokens() + " and --new-tokens " + load.newTokens()
                            + " are more than the " + config.positions().count() + " positions of " + subject.name()
                            + "; shorten one of them");
                }
                models.add(new CausalLanguageModel(subject.store().checkpoint(), config, compute,
                        subject.stack().size(),
                        position -> subject.store().materialise(subject.stack().get(position))));
            }
            List<List<double[]>> times = new ArrayList<>();
            subjects.forEach(_ -> times.add(new ArrayList<>()));
            long[] cacheBytes = new long[subjects.size()];
            for (int iteration = 0; iteration <= load.iterations(); iteration++) {
                for (int i = 0; i < subjects.size(); i++) {
                    int vocabulary = subjects.get(i).store().config().vocabularySize();
                    try (KeyValueCache cache = models.get(i).cache(load.batch(), load.positions())) {
                        cacheBytes[i] = cache.bytes();
                        double[] seconds = run(models.get(i), cache, load, vocabulary);
                        if (iteration > 0) { // the first one warms up
                            times.get(i).add(seconds);
                        }
                    }
                    task.advance(1);
                }
            }
            return IntStream.range(0, subjects.size())
                    .mapToObj(i -> timing(subjects.get(i), times.get(i), cacheBytes[i], load, compute)).toList();
        } finally {
            models.forEach(CausalLanguageModel::close);
        }
    }

    /** Seconds of the prompts and of the tokens after them. */
    private static double[] run(CausalLanguageModel model, KeyValueCache cache, Load load, int vocabulary) {
        Random random = new Random(SEED);
        int[][] next = new int[load.batch()][];
        for (int i = 0; i < next.length; i++) {
            next[i] = random.ints(load.promptTokens(), 0, vocabulary).toArray();
        }
        long started = System.nanoTime();
        int[] likeliest = model.likeliestTokens(next, cache);
        long prompted = System.nanoTime();
        for (int token = 1; token < load.newTokens(); token++) {
            likeliest = model.likeliestTokens(Arrays.stream(likeliest).mapToObj(id -> new int[]{id})
                    .toArray(int[][]::new), cache);
        }
        return new double[]{(prompted - started) / 1e9, (System.nanoTime() - prompted) / 1e9};
    }

    private static Timing timing(Subject subject, List<double[]> times, long cacheBytes, Load load, Compute compute) {
        long parameters = subject.store().config().parameters(subject.stack().size());
        return new Timing(subject.name(), subject.stack().size(), parameters, parameters * compute.type().bytes(),
                cacheBytes, seconds(times, 0), load.newTokens() > 1 ? List.of(seconds(times, 1)) : List.of(),
                anewFrom(subject.store().config(), load));
    }

    /** The last token is generated, but not run. */
    private static OptionalInt anewFrom(ModelConfig config, Load load) {
        return IntStream.range(load.promptTokens() + 1, load.positions())
                .filter(length -> !config.turnsAlike(load.promptTokens(), length)).findFirst();
    }

    private static Seconds seconds(List<double[]> times, int part) {
        return new Seconds(times.stream().map(time -> time[part]).toList());
    }
}
