package dev.come.job;

import dev.come.Progress;
import dev.come.checkpoint.RecordJson;
import dev.come.overlap.Overlap;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.Tokenizer;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** How much of what perplexity is measured on stands in what is trained on, by the windows of both. */
final class TrainingOverlap {
    private TrainingOverlap() {
    }

    /** Looks, says it in a sentence for each test text, and gives what the record holds. */
    static ArrayNode of(Sequences training, List<PerplexityText> tests, Tokenizer tokenizer, Progress progress) {
        ArrayNode record = JsonNodeFactory.instance.arrayNode();
        for (PerplexityText test : tests) {
            Overlap overlap = new Overlap(Overlap.WORDS);
            texts(test.windows(), tokenizer, overlap::test);
            texts(training, tokenizer, overlap::other);
            progress.note(overlap.found().inWords("The text to train on", test.facts().dataset()) + ".");
            ObjectNode one = record.addObject().put("test", test.facts().dataset());
            RecordJson.tree(overlap.found()).properties().forEach(field -> one.set(field.getKey(), field.getValue()));
        }
        return record;
    }

    private static void texts(Sequences windows, Tokenizer tokenizer, Consumer<String> sink) {
        for (int i = 0; i < windows.count(); i++) {
            sink.accept(tokenizer.decodeWithoutSpecialTokens(windows.sequence(i)));
        }
    }
}
