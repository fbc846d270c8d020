package dev.come.job;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.RecordJson;
import dev.come.overlap.Overlap;
import dev.come.text.SourceTexts;
import dev.come.text.TextSource;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code come overlap}: tells how much of a test text stands in texts that a model is trained on. */
public final class OverlapJob {
    private OverlapJob() {
    }

    /**
     * What is asked for.
     *
     * @param texts that a model is trained on
     * @param tests what it is tested with, each by itself
     * @param words in a run
     */
    public record Options(List<TextSource> texts, List<TextSource> tests, int words) {
        /** @throws UsageException if a number is out of range */
        public Options {
            texts = List.copyOf(texts);
            tests = List.copyOf(tests);
            if (words < 1 || words > 1000) {
                throw new UsageException("--words is " + words + ", but must be from 1 to 1000");
            }
        }
    }

    /**
     * What was found of a test text.
     *
     * @param text what was looked in
     * @param test what was looked for
     */
    public record Result(String text, String test, Overlap.Found found) {
        /** One sentence. */
        public String inWords() {
            return found.inWords(text, test);
        }
    }

    /**
     * Looks.
     *
     * @throws dev.come.InvalidInputException if a text is missing or broken
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile
     */
    public static List<Result> run(Options options, Progress progress) {
        return Interruptible.job(() -> {
            Progress asking = Interruptible.asking(progress);
            List<Result> results = new ArrayList<>();
            try (Progress.Task task = asking.begin("Looking for runs of words",
                    (long) options.tests.size() * options.texts.size(), "texts")) {
                for (TextSource test : options.tests) {
                    for (TextSource text : options.texts) {
                        Overlap overlap = new Overlap(options.words);
                        SourceTexts.toTestOn(test, overlap::test);
                        SourceTexts.toTrainOn(text, one -> {
                            overlap.other(one);
                            task.advance(0); // where an interrupt is heard
                        });
                        results.add(new Result(text.dataset(), test.dataset(), overlap.found()));
                        task.advance(1);
                    }
                }
            }
            return results;
        });
    }

    /** The results as JSON. */
    public static String json(List<Result> results) {
        ObjectNode root = RecordJson.file("come-overlap", 1);
        ArrayNode list = root.putArray("overlaps");
        for (Result result : results) {
            ObjectNode one = list.addObject().put("text", result.text).put("test", result.test);
            RecordJson.tree(result.found).properties().forEach(field -> one.set(field.getKey(), field.getValue()));
        }
        return RecordJson.text(root);
    }
}
