package dev.come.evaluate;

import dev.come.evaluate.TaskDescription.HubPlace;
import java.nio.file.Path;
import java.util.List;

/**
 * A task that comes with the project.
 *
 * @param name how {@code --tasks} calls it
 * @param version of its definition in the newest release of lm-evaluation-harness that is imitated
 * @param documents the number of documents that are scored
 * @param subjects the number of data sets that it consists of
 * @param hubDataset the data set of the hub that they are fetched from; empty where they lie in a folder only
 */
public record TaskSummary(String name, String version, int documents, int subjects, String hubDataset) {
    /** All of them. */
    public static List<TaskSummary> all() {
        return TaskCatalog.NAMES.stream().map(TaskSummary::of).toList();
    }

    /** The names of all of them. */
    public static List<String> names() {
        return TaskCatalog.NAMES;
    }

    private static TaskSummary of(String name) {
        List<TaskDescription> tasks = TaskCatalog.find(name, Path.of(""), HarnessVersion.V0_4_13);
        TaskDescription first = tasks.getFirst();
        int documents = first.group().isPresent()
                ? first.group().get().published().orElse(0)
                : first.documents().published().orElse(0);
        return new TaskSummary(name, first.version(), documents, tasks.size(),
                first.documents().onHub().map(HubPlace::dataset).orElse(""));
    }
}
