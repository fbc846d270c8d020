package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.text.CalibrationSet;
import dev.come.text.Sequences;
import dev.come.text.TextFacts;
import dev.come.text.TextSource;
import java.util.ArrayList;
import java.util.List;

/**
 * The text of a {@link DistillJob}: what is trained on, and the last windows of each source, which are held back.
 *
 * @param facts about each source
 */
record TrainingText(Sequences training, Sequences validation, List<TextFacts> facts) {
    /**
     * Takes it.
     *
     * @throws InvalidInputException if a source has too little text to train on some of it
     */
    static TrainingText take(OpenModel teacher, DistillJob.Options options, Progress progress) {
        int window = options.windows().within(teacher.config().positions()).tokens();
        List<int[]> training = new ArrayList<>();
        List<int[]> held = new ArrayList<>();
        List<TextFacts> facts = new ArrayList<>();
        try (CalibrationCache sets = new CalibrationCache(teacher, progress)) {
            for (DistillJob.Text text : options.texts()) {
                TextSource source = text.source();
                long tokens = part(options.training().trainingTokens(), text);
                long validation = part(options.training().validationTokens(), text);
                // Whole windows are held back, so there is one more than the tokens ask for.
                CalibrationSet set = sets.set(
                        new CalibrationSet.Budget(source, tokens + validation + window, options.training().seed(),
                                options.windows()),
                        "Training");
                facts.add(set.facts());
                int first = firstHeld(set.sequences(), validation, source);
                for (int i = 0; i < set.sequences().count(); i++) {
                    (i < first ? training : held).add(set.sequences().sequence(i));
                }
            }
        }
        return new TrainingText(Sequences.of(training), Sequences.of(held), facts);
    }

    private static long part(long tokens, DistillJob.Text text) {
        return (long) Math.ceil(tokens * text.share() - 1e-6);
    }

    /**
     * The first of the sequences that are held back to validate on. They lie at the end and have at least {@code
     * validation} tokens together.
     */
    private static int firstHeld(Sequences sequences, long validation, TextSource source) {
        int first = sequences.count();
        for (long held = 0; held < validation && first > 0;) {
            held += sequences.length(--first);
        }
        if (first == 0) {
            throw new InvalidInputException("The text of " + source.dataset() + " has " + sequences.tokenCount()
                    + " tokens in " + sequences.count() + " windows, but " + validation
                    + " are held back to validate on and nothing is left to train on; give more text, or lower"
                    + " --validation-tokens or --seqlen");
        }
        return first;
    }
}
