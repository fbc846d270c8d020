package dev.come.evaluate;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.model.CausalLanguageModel;
import dev.come.model.KeyValueCache;
import dev.come.model.ModelConfig;
import dev.come.model.TextsCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Texts that a model writes, always with the likeliest token. A text ends with a token that ends texts, with a stop text, or
 * with its last allowed token. The model, which is in memory as a whole, writes several side by side, and runs the common
 * beginning of all prompts once.
 */
final class TextGeneration implements AutoCloseable {
    /** Texts side by side: with more of them, attention takes longer than it helps the products. */
    static final int MOST_TEXTS = 32;
    /** Tokens of a common beginning that are worth a run of their own. */
    private static final int WORTH_SHARING = 16;

    private final ScoredModel model;
    private final ModelConfig config;
    private final CausalLanguageModel network;

    /**
     * A text to go on from.
     *
     * @param tokens at least one
     * @param most how many tokens are written at most
     * @param until what ends it besides
     */
    @SuppressWarnings("ArrayRecordComponent") // handed on at once, never compared
    record Request(int[] tokens, int most, StopTexts until) {
        int positions() {
            return tokens.length + most;
        }
    }

    /** Loads the model. */
    TextGeneration(ScoredModel model) {
        this.model = model;
        this.config = model.store().config();
        this.network = new CausalLanguageModel(model.store().checkpoint(), config, model.compute());
    }

    /**
     * Puts requests into batches, the longest first. What is in a batch never depends on what is done already.
     *
     * @param memory bytes of keys and values that there is room for; one text is written in any case
     */
    static List<List<Integer>> batches(List<Request> requests, ModelConfig config, long memory) {
        List<List<Integer>> batches = new ArrayList<>();
        long most = memory / TextsCache.bytesOfToken(config, config.layers());
        List<Integer> order = IntStream.range(0, requests.size()).boxed()
                .sorted(Comparator.comparingInt((Integer i) -> -requests.get(i).positions())).toList();
        int room = 0;
        for (int request : order) {
            if (room == 0) {
                batches.add(new ArrayList<>());
                room = config.rotationDependsOnLength()
                        ? 1 // a longer text is another text from its beginning on
                        : Math.clamp(most / requests.get(request).positions(), 1, MOST_TEXTS);
            }
            batches.getLast().add(request);
            room--;
        }
        return batches;
    }

    /**
     * Writes texts.
     *
     * @param batches those that are to be written of all requests
     * @param name what messages call a request
     * @param found gets the texts of a batch
     */
    void write(List<List<Integer>> batches, List<Request> requests, IntFunction<String> name, Progress.Task progress,
            Consumer<Map<Integer, String>> found) {
        int shared = config.rotationDependsOnLength() ? 0 : shared(requests.stream().map(Request::tokens).toList());
        try (KeyValueCache beginning = network.cache(Math.max(1, shared))) {
            if (shared > 0 && !batches.isEmpty()) {
                network.nextTokenLogits(Arrays.copyOf(requests.getFirst().tokens, shared), beginning);
            }
            for (List<Integer> batch : batches) {
                Map<Integer, String> texts = new LinkedHashMap<>();
                List<Writing> writings = batch.stream().map(i -> new Writing(i, requests.get(i), name.apply(i)))
                        .toList();
                if (config.rotationDependsOnLength()) {
                    writings.forEach(this::writeAlone);
                } else {
                    write(writings, beginning, progress);
                }
                writings.forEach(writing -> texts.put(writing.number, writing.text()));
                found.accept(texts);
                progress.advance(config.rotationDependsOnLength() ? 1 : 0);
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

    private void write(List<Writing> all, KeyValueCache beginning, Progress.Task progress) {
        int capacity = all.stream().mapToInt(writing -> writing.request.positions()).max().orElseThrow();
        List<Writing> running = new ArrayList<>(all);
        try (TextsCache cache = network.texts(all.size(), capacity)) {
            cache.begin(all.size(), beginning);
            int[] next = network.likeliestAfter(all.stream().map(writing -> Arrays.copyOfRange(writing.request.tokens,
                    beginning.length(), writing.request.tokens.length)).toArray(int[][]::new), cache);
            while (true) {
                for (int i = running.size() - 1; i >= 0; i--) {
                    if (running.get(i).ends(next[i])) {
                        cache.end(i);
                        running.set(i, running.getLast()); // as the cache does
                        running.removeLast();
                        next[i] = next[running.size()];
                        progress.advance(1);
                    }
                }
                if (running.isEmpty()) {
                    return;
                }
                progress.advance(0); // where an interrupt is heard
                next = network.likeliestAfter(Arrays.copyOf(next, running.size()), cache);
            }
        }
    }

    /** Writes one text by itself, as models need it whose positions turn by other angles in longer texts. */
    private void writeAlone(Writing writing) {
        try (KeyValueCache cache = network.cache(writing.request.positions())) {
            int next = network.likeliestTokens(new int[][]{writing.request.tokens}, cache)[0];
            while (!writing.ends(next)) {
                next = network.likeliestTokens(new int[][]{{next}}, cache)[0];
            }
        }
    }

    /** A text on its way. */
    private final class Writing {
        private final int number;
        private final Request request;
        private final String name;
        private final StopTexts until;
        private final int[] written;
        private int count;

        Writing(int number, Request request, String name) {
            this.number = number;
            this.request = request;
            this.name = name;
            this.written = new int[request.most];
            this.until = model.special().end().isEmpty()
                    ? request.until
                    : request.until.and(model.tokenizer().decode(new int[]{model.special().end().getAsInt()}));
        }

        /** Takes the next token, and tells whether the text ends with it. */
        boolean ends(int token) {
            if (token == CausalLanguageModel.NONE_LIKELIEST) {
                throw new FailedException("The logits for " + name + ", after " + count + " tokens, are no numbers; "
                        + model.compute().whyNotFinite());
            }
            written[count++] = token;
            return count == request.most || model.ends().contains(token)
                    || until.isIn(model.tokenizer().decode(Arrays.copyOf(written, count)));
        }

        String text() {
            return until.cut(model.tokenizer().decodeWithoutSpecialTokens(Arrays.copyOf(written, count)));
        }
    }

    @Override
    public void close() {
        network.close();
    }
}
