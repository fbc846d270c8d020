package dev.come.generate;

import dev.come.FailedException;
import dev.come.model.CausalLanguageModel;
import dev.come.model.KeyValueCache;
import dev.come.model.ModelConfig;
import dev.come.model.NextTokens;
import dev.come.model.Tensors;
import dev.come.model.TextsCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Texts that a model writes, with the likeliest token or with tokens that are drawn. A text ends with a token that ends texts,
 * with a stop text, or with its last allowed token. The model, which is in memory as a whole, writes several side by side, and
 * runs the common beginning of all prompts once.
 */
public final class TextGeneration implements AutoCloseable {
    /** Texts side by side: with more of them, attention takes longer than it helps the products. */
    static final int MOST_TEXTS = 32;
    /** Tokens of a common beginning that are worth a run of their own. */
    private static final int WORTH_SHARING = 16;

    private final Author author;
    private final ModelConfig config;
    private final Optional<Sampling> sampling;
    private final CausalLanguageModel network;

    /**
     * A text to go on from.
     *
     * @param tokens at least one
     * @param most how many tokens are written at most
     * @param until what ends it besides
     * @param seed decides what is drawn for it
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on at once, never compared
    public record Request(int[] tokens, int most, StopTexts until, long seed) {
        /** With the likeliest tokens. */
        public Request(int[] tokens, int most, StopTexts until) {
            this(tokens, most, until, 0);
        }

        int positions() {
            return tokens.length + most;
        }
    }

    /**
     * What was written.
     *
     * @param tokens all that came after the prompt, the one that ended the text among them
     * @param text of it, up to a stop text, without special tokens
     * @param ended whether the text came to an end by itself
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on at once, never compared
    public record Written(int[] tokens, String text, boolean ended) {}

    /** Is told how far the work is. */
    @FunctionalInterface
    public interface Steps {
        /**
         * Some more was written.
         *
         * @param tokens in all texts together; 0 before the first
         * @param ended texts
         */
        void took(int tokens, int ended);
    }

    /** Loads a model that always takes the likeliest token. */
    public TextGeneration(Author author) {
        this(author, Optional.empty());
    }

    /** Loads a model that draws tokens. */
    public TextGeneration(Author author, Sampling sampling) {
        this(author, Optional.of(sampling).filter(one -> !one.takesLikeliest()));
    }

    private TextGeneration(Author author, Optional<Sampling> sampling) {
        this.author = author;
        this.config = author.config();
        this.sampling = sampling;
        this.network = new CausalLanguageModel(author.checkpoint(), config, author.compute());
    }

    /**
     * Puts requests into batches, the longest first. What is in a batch never depends on what is done already.
     *
     * @param memory bytes of keys and values that there is room for; one text is written in any case
     */
    public static List<List<Integer>> batches(List<Request> requests, ModelConfig config, long memory) {
        List<List<Integer>> batches = new ArrayList<>();
        List<Integer> order = IntStream.range(0, requests.size()).boxed()
                .sorted(Comparator.comparingInt((Integer i) -> -requests.get(i).positions())).toList();
        int room = 0;
        for (int request : order) {
            if (room == 0) {
                batches.add(new ArrayList<>());
                room = sideBySide(requests.get(request).positions(), config, memory);
            }
            batches.getLast().add(request);
            room--;
        }
        return batches;
    }

    /**
     * How many texts are written side by side.
     *
     * @param positions tokens of the longest one
     * @param memory bytes of keys and values that there is room for
     */
    public static int sideBySide(int positions, ModelConfig config, long memory) {
        return config.rotationDependsOnLength()
                ? 1 // a longer text is another text from its beginning on
                : Math.clamp(memory / TextsCache.bytesOfToken(config, config.layers()) / positions, 1, MOST_TEXTS);
    }

    /**
     * Writes texts.
     *
     * @param batches those that are to be written of all requests
     * @param name what messages call a request
     * @param found gets the texts of a batch
     */
    public void write(List<List<Integer>> batches, List<Request> requests, IntFunction<String> name, Steps steps,
            Consumer<Map<Integer, Written>> found) {
        int shared = config.rotationDependsOnLength() ? 0 : shared(requests.stream().map(Request::tokens).toList());
        try (KeyValueCache beginning = network.cache(Math.max(1, shared))) {
            if (shared > 0 && !batches.isEmpty()) {
                network.nextTokenLogits(Arrays.copyOf(requests.getFirst().tokens, shared), beginning);
            }
            for (List<Integer> batch : batches) {
                Map<Integer, Written> texts = new LinkedHashMap<>();
                List<Writing> writings = batch.stream().map(i -> new Writing(i, requests.get(i), name.apply(i)))
                        .toList();
                if (config.rotationDependsOnLength()) {
                    writings.forEach(writing -> writeAlone(writing, steps));
                } else {
                    write(writings, beginning, steps);
                }
                writings.forEach(writing -> texts.put(writing.number, writing.whole()));
                found.accept(texts);
            }
        }
    }

    /** How many tokens all have in common at their beginning, without the last one of any; 0 if it is not worth it. */
    private static int shared(List<int[]> all) {
        int[] first = all.getFirst();
        int shared = first.length;
        for (int[] tokens : all) {
            int same = Arrays.mismatch(first, tokens);
            shared = Math.min(Math.min(shared, tokens.length - 1), same < 0 ? tokens.length : same);
        }
        return shared < WORTH_SHARING || all.size() < 2 ? 0 : shared;
    }

    private void write(List<Writing> all, KeyValueCache beginning, Steps steps) {
        int capacity = all.stream().mapToInt(writing -> writing.request.positions()).max().orElseThrow();
        List<Writing> running = new ArrayList<>(all);
        NextTokens choice = choice(running);
        try (TextsCache cache = network.texts(all.size(), capacity)) {
            cache.begin(all.size(), beginning);
            int[] next = network.nextAfter(all.stream().map(writing -> Arrays.copyOfRange(writing.request.tokens,
                    beginning.length(), writing.request.tokens.length)).toArray(int[][]::new), cache, choice);
            while (true) {
                int taken = running.size();
                for (int i = running.size() - 1; i >= 0; i--) {
                    if (running.get(i).ends(next[i])) {
                        cache.end(i);
                        running.set(i, running.getLast()); // as the cache does
                        running.removeLast();
                        next[i] = next[running.size()];
                    }
                }
                steps.took(taken, taken - running.size()); // where an interrupt is heard
                if (running.isEmpty()) {
                    return;
                }
                next = network.nextAfter(Arrays.copyOf(next, running.size()), cache, choice);
            }
        }
    }

    /** Writes one text by itself, as models need it whose positions turn by other angles in longer texts. */
    private void writeAlone(Writing writing, Steps steps) {
        NextTokens choice = choice(List.of(writing));
        try (KeyValueCache cache = network.cache(writing.request.positions())) {
            int next = network.nextTokens(new int[][]{writing.request.tokens}, cache, choice)[0];
            while (!writing.ends(next)) {
                steps.took(1, 0);
                next = network.nextTokens(new int[][]{{next}}, cache, choice)[0];
            }
            steps.took(1, 1);
        }
    }

    /** @param running the texts in the order in which their logits come; changes as texts end */
    private NextTokens choice(List<Writing> running) {
        return sampling.<NextTokens>map(how -> (logits, first) -> IntStream.range(0, (int) logits.size(0))
                .map(i -> running.get(first + i).draw(Tensors.floats(logits.select(0, i)), how)).toArray())
                .orElse(NextTokens.LIKELIEST);
    }

    /** A text on its way. */
    private final class Writing {
        private final int number;
        private final Request request;
        private final String name;
        private final SplittableRandom random;
        private final int[] written;
        private int count;
        private boolean ended;

        Writing(int number, Request request, String name) {
            this.number = number;
            this.request = request;
            this.name = name;
            this.random = new SplittableRandom(request.seed);
            this.written = new int[request.most];
        }

        int draw(float[] logits, Sampling how) {
            for (float logit : logits) {
                if (!Float.isFinite(logit)) {
                    return NextTokens.NONE;
                }
            }
            return how.choose(logits, random);
        }

        /** Takes the next token, and tells whether the text ends with it. */
        boolean ends(int token) {
            if (token == NextTokens.NONE) {
                throw new FailedException("The logits for " + name + ", after " + count + " tokens, are no numbers; "
                        + author.compute().whyNotFinite());
            }
            written[count++] = token;
            ended = author.ends().contains(token) || (!request.until.texts().isEmpty()
                    && request.until.isIn(author.tokenizer().decode(Arrays.copyOf(written, count))));
            return ended || count == request.most;
        }

        Written whole() {
            int[] tokens = Arrays.copyOf(written, count);
            return new Written(tokens, request.until.cut(author.tokenizer().decodeWithoutSpecialTokens(tokens)), ended);
        }
    }

    @Override
    public void close() {
        network.close();
    }
}
