package dev.come.evaluate;

import dev.come.Progress;
import dev.come.evaluate.Document.Prompt;
import dev.come.generate.TextGeneration;
import dev.come.generate.TextGeneration.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What a model writes for a task.
 *
 * @param what the task and the model, as progress calls them
 * @param keys those of the requests
 */
record WrittenUnits(String what, List<Journal.Key> keys, List<Request> requests) {
    /**
     * Makes tokens of all documents.
     *
     * @param name of the task
     * @param model that writes
     */
    static WrittenUnits of(String name, List<TaskData> group, PairEncoding encoding, ScoredModel model) {
        List<Journal.Key> keys = new ArrayList<>();
        List<Request> requests = new ArrayList<>();
        for (TaskData data : group) {
            String task = data.task().name();
            for (Document document : data.documents()) {
                if (document instanceof Prompt prompt) {
                    keys.add(new Journal.Key(model.role(), task, document.id(), 0));
                    int tokens = prompt.task().tokens();
                    requests.add(new Request(
                            encoding.prompt(prompt.text(), tokens, TaskUnits.documentName(task, document.id())), tokens,
                            model.endingToo(prompt.task().until())));
                }
            }
        }
        return new WrittenUnits(TaskUnits.what(name, model.role()), keys, requests);
    }

    /** The batches that hold something which the journal does not know yet. */
    List<List<Integer>> missing(ScoredModel model, Journal journal) {
        return TextGeneration.batches(requests, model.store().config(), model.memory()).stream()
                .filter(batch -> batch.stream().anyMatch(i -> journal.findText(keys.get(i)) == null)).toList();
    }

    /**
     * Has the model write; the journal gets the texts as they come.
     *
     * @param batches those that are {@link #missing}
     */
    void write(List<List<Integer>> batches, ScoredModel model, Journal journal, Progress progress) {
        if (batches.isEmpty()) {
            return;
        }
        try (TextGeneration generation = new TextGeneration(model.author());
                Progress.Task task = progress.begin(what, runs(batches), "documents")) {
            generation.write(batches, requests, i -> TaskUnits.documentName(keys.get(i).task(), keys.get(i).document()),
                    (_, ended) -> task.advance(ended), found -> {
                        Map<Journal.Key, String> keyed = new LinkedHashMap<>();
                        found.forEach((i, written) -> keyed.put(keys.get(i), written.text()));
                        journal.addTexts(keyed);
                    });
        }
    }

    /** Steps of progress. */
    static long runs(List<List<Integer>> batches) {
        return batches.stream().mapToLong(List::size).sum();
    }

    /** What was written for a document, when all is there. */
    static String text(Journal journal, String role, String task, int document) {
        return Objects.requireNonNull(journal.findText(new Journal.Key(role, task, document, 0)));
    }
}
