package dev.come.evaluate;

import dev.come.Progress;
import dev.come.evaluate.Document.LastWords;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.Document.Question;
import dev.come.run.Continuation;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores;
import dev.come.run.ContinuationScores.Batch;
import dev.come.run.Scorer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * What goes through a model for a task.
 *
 * @param what the task and the model, as progress calls them
 */
record TaskUnits(String what, List<Unit> units) {
    /** A question, or a window of a long text, which goes through as one. */
    record Unit(Journal.Key key, List<Continuation> continuations) {
        private String name() {
            return (key.part() > 0 ? "window " + key.part() + " of " : "") + documentName(key.task(), key.document());
        }
    }

    /**
     * Makes tokens of all documents.
     *
     * @param name of the task
     * @param role of the model
     */
    static TaskUnits of(String name, List<TaskData> group, PairEncoding encoding, String role) {
        List<Unit> units = new ArrayList<>();
        for (TaskData data : group) {
            for (Document document : data.documents()) {
                String task = data.task().name();
                switch (document) {
                    case Question question -> units.add(new Unit(new Journal.Key(role, task, document.id(), 0),
                            choices(question, encoding, documentName(task, document.id()))));
                    case LastWords words -> units.add(new Unit(new Journal.Key(role, task, document.id(), 0),
                            List.of(encoding.cut(encoding.pair(words.context(), words.ending()),
                                    documentName(task, document.id())))));
                    case Prompt _ -> {
                        // written, not scored
                    }
                    case Page page -> {
                        List<Continuation> windows = encoding.windows(page.text());
                        for (int part = 0; part < windows.size(); part++) {
                            units.add(new Unit(new Journal.Key(role, task, document.id(), part),
                                    List.of(windows.get(part))));
                        }
                    }
                }
            }
        }
        return new TaskUnits(what(name, role), units);
    }

    /** A task and a model, as progress calls them. */
    static String what(String name, String role) {
        return name + (role.equals(ScoredModel.MODEL) ? "" : " (" + role + ")");
    }

    static List<Continuation> choices(Question question, PairEncoding encoding, String name) {
        List<Continuation> choices = new ArrayList<>();
        for (int choice = 0; choice < question.size(); choice++) {
            choices.add(encoding.cut(encoding.pair(question.context(choice), question.continuation(choice)),
                    "choice " + choice + " of " + name));
        }
        return choices;
    }

    static String documentName(String task, int document) {
        return "document " + document + " of " + task;
    }

    /** The batches that hold something which the journal does not know yet. */
    List<Batch> missing(Journal journal) {
        return ContinuationScores.batches(units.stream().map(Unit::continuations).toList()).stream()
                .filter(batch -> batch.items().stream().anyMatch(item -> journal.find(units.get(item).key) == null))
                .toList();
    }

    /**
     * Scores batches; the journal gets the scores as they come.
     *
     * @param batches those that are {@link #missing}
     */
    void score(List<Batch> batches, Scorer scores, Journal journal, Progress progress) {
        try (Progress.Task task = progress.begin(what, scores.runs(batches), "questions",
                batches.stream().mapToLong(batch -> batch.items().size()).sum())) {
            scores.score(batches, item -> units.get(item).name(), task, found -> {
                Map<Journal.Key, List<Score>> keyed = new LinkedHashMap<>();
                found.forEach((item, values) -> keyed.put(units.get(item).key, values));
                journal.add(keyed);
            });
        }
    }

    /** The scores, when all are there. */
    Map<Journal.Key, List<Score>> known(Journal journal) {
        Map<Journal.Key, List<Score>> known = new HashMap<>();
        units.forEach(unit -> known.put(unit.key, Objects.requireNonNull(journal.find(unit.key))));
        return known;
    }
}
