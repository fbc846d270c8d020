package dev.come.job;

import dev.come.FailedException;
import dev.come.UsageException;
import dev.come.generate.Sampling;
import dev.come.model.CausalLanguageModel;
import dev.come.model.Compute;
import dev.come.model.KeyValueCache;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;

/** {@code come generate}: lets a model continue a text. */
public final class GenerateJob {
    private GenerateJob() {
    }

    /**
     * Generates.
     *
     * @param said is given the text piece by piece as it comes
     * @return the whole continuation, without the prompt
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     */
    public static String run(Path folder, String prompt, Sampling sampling, ComputeChoice choice,
            Consumer<String> said) {
        return Interruptible.job(() -> generate(folder, prompt, sampling, choice, said));
    }

    private static String generate(Path folder, String prompt, Sampling sampling, ComputeChoice choice,
            Consumer<String> said) {
        try (OpenModel model = new OpenModel(folder, choice.tokenizers())) {
            model.config().requireOutputProjection("Texts that go on");
            int[] ids = model.tokenizer().encode(prompt);
            if (ids.length == 0) {
                throw new UsageException(
                        "--prompt is empty, and this tokenizer begins no text of its own; give a text");
            }
            long positions = (long) ids.length + sampling.maxNewTokens();
            int most = model.config().positions().count();
            if (positions > most) {
                throw new UsageException("The prompt has " + ids.length + " tokens, and with --max-new-tokens "
                        + sampling.maxNewTokens() + " that is more than the " + most
                        + " positions of the model; shorten one of them");
            }
            Set<Integer> ends = model.endTokens();
            SplittableRandom random = new SplittableRandom(sampling.seed());
            // Decoded along with the prompt: alone, some tokenizers take the blank before the first word away.
            List<Integer> all = new ArrayList<>(IntStream.of(ids).boxed().toList());
            Said text = new Said(model.tokenizer().decode(ids), said);
            Compute compute = model.compute(choice);
            try (CausalLanguageModel network = new CausalLanguageModel(model.checkpoint(), model.config(),
                    compute); KeyValueCache cache = network.cache((int) positions)) {
                int[] next = ids;
                while (all.size() < positions) {
                    Interruptible.ask();
                    float[] logits = network.nextTokenLogits(next, cache);
                    requireFinite(logits, all.size(), compute);
                    int token = sampling.choose(logits, random);
                    if (ends.contains(token)) {
                        break;
                    }
                    all.add(token);
                    text.grow(model.tokenizer().decode(all.stream().mapToInt(Integer::intValue).toArray()));
                    next = new int[]{token};
                }
            }
            return text.end();
        }
    }

    /** What of a growing text was said. */
    private static final class Said {
        private static final char UNFINISHED = '\uFFFD';
        /** A character has four bytes at most, so of one that is not whole there are at most three. */
        private static final int MOST_UNFINISHED = 3;

        private final String prompt;
        private final Consumer<String> listener;
        private String whole;
        private String text;

        Said(String prompt, Consumer<String> listener) {
            this.prompt = prompt;
            this.listener = listener;
            this.whole = prompt;
            this.text = prompt;
        }

        /** The text is now this. A character that may still become whole is not said yet. */
        void grow(String longer) {
            whole = longer;
            int end = longer.length();
            while (end > 0 && longer.length() - end < MOST_UNFINISHED && longer.charAt(end - 1) == UNFINISHED) {
                end--;
            }
            if (longer.startsWith(text) && end > text.length()) {
                listener.accept(longer.substring(text.length(), end));
                text = longer.substring(0, end);
            }
        }

        /** Says the rest, whatever it is, and gives all that follows the prompt. */
        String end() {
            int same = common(text, whole);
            if (same < whole.length()) {
                listener.accept(whole.substring(same));
            }
            return whole.substring(common(prompt, whole));
        }

        /** How far two texts are alike; they are not to their end where a decoder changes what it gave before. */
        private static int common(String one, String other) {
            int at = 0;
            while (at < Math.min(one.length(), other.length()) && one.charAt(at) == other.charAt(at)) {
                at++;
            }
            return at;
        }
    }

    private static void requireFinite(float[] logits, int tokens, Compute compute) {
        for (float logit : logits) {
            if (!Float.isFinite(logit)) {
                throw new FailedException("The logits after token " + tokens
                        + " are not finite; " + compute.whyNotFinite());
            }
        }
    }
}
