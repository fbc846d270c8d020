package dev.come.job;

import dev.come.UsageException;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.TaskSummary;
import dev.come.hub.Hub;
import dev.come.report.ModelCard;
import dev.come.report.ResultsCard;
import dev.come.text.CorpusSummary;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** {@code come eval --card}: writes results into the model's own card. */
public final class EvalCard {
    private final ResultsCard card;

    private EvalCard(ResultsCard card) {
        this.card = card;
    }

    /**
     * Looks before anything is measured whether the card can take results.
     *
     * @param folder the model, if it is on this machine
     * @throws UsageException if it is no folder of the user's own
     * @throws dev.come.InvalidInputException if the card cannot be read, or results put into it without a risk for the rest
     */
    public static EvalCard of(Optional<Path> folder) {
        Path own = folder.filter(Files::isDirectory).filter(place -> Hub.nameOf(place).isEmpty())
                .orElseThrow(() -> new UsageException("--card writes into " + ModelCard.FILE_NAME
                        + " of the model's folder, but the model is no folder of yours; save it as one first"));
        return new EvalCard(ResultsCard.of(own.resolve(ModelCard.FILE_NAME)));
    }

    /**
     * Writes the results in place of those that were there before.
     *
     * @param tasks what was asked for
     */
    public void write(EvaluationReport report, EvaluationOptions tasks) {
        card.write(report.toJson(), datasets(tasks));
    }

    /** The data sets of the hub by the names that they have here; of a user's own files none is known. */
    private static Map<String, String> datasets(EvaluationOptions tasks) {
        Map<String, String> datasets = new HashMap<>();
        CorpusSummary.all().forEach(corpus -> datasets.put(corpus.name(), corpus.hubDataset()));
        for (String name : tasks.tasks()) {
            TaskSummary.all().stream().filter(task -> !name.endsWith(".json"))
                    .filter(task -> name.equals(task.name()) || name.startsWith(task.name() + "_"))
                    .filter(task -> !task.hubDataset().isEmpty()).findFirst()
                    .ifPresent(task -> datasets.put(name, task.hubDataset()));
        }
        return datasets;
    }
}
