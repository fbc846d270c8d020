package dev.come.evaluate;

import dev.come.UsageException;
import dev.come.text.TextSource.Folder;
import dev.come.text.TextSource.Library;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What is to be measured and by which rules.
 *
 * @param tasks names of tasks, and files that describe one ({@code --tasks})
 * @param shots examples in front of each document ({@code --num-fewshot}), or {@link #USUAL}
 * @param limit how many documents of each task at most, from the beginning ({@code --limit})
 * @param harness the release whose numbers are to be met ({@code --harness-version})
 * @param bosRule whether the BOS token stands in front ({@code --bos})
 * @param maxLength tokens that go through the model at once at most ({@code --max-length}); those of the model if it has fewer
 * @param library where data are taken from: a folder ({@code --data-dir}) or the hub
 */
public record EvaluationOptions(List<String> tasks, int shots, int limit, HarnessVersion harness, BosRule bosRule,
        int maxLength, Library library) {
    /** No limit on documents or tokens. */
    public static final int ALL = Integer.MAX_VALUE;
    /** Each task has its usual number of examples: none, but for a few. */
    public static final int USUAL = Integer.MAX_VALUE;

    /** With data below a folder. */
    public EvaluationOptions(List<String> tasks, int shots, int limit, HarnessVersion harness, BosRule bosRule,
            int maxLength, Path dataDirectory) {
        this(tasks, shots, limit, harness, bosRule, maxLength, new Folder(dataDirectory));
    }

    /** @throws UsageException if a number makes no sense or a task is named twice */
    public EvaluationOptions {
        tasks = List.copyOf(tasks);
        if (shots < 0) {
            throw new UsageException("--num-fewshot is " + shots + ", but must be at least 0");
        }
        if (limit < 1) {
            throw new UsageException("--limit is " + limit + ", but must be at least 1");
        }
        if (maxLength < 1) {
            throw new UsageException("--max-length is " + maxLength + ", but must be at least 1");
        }
        if (tasks.stream().distinct().count() < tasks.size()) {
            throw new UsageException("--tasks names a task twice: " + String.join(",", tasks));
        }
    }

    /** The tasks that are described by files of users. */
    public Stream<Path> files() {
        return tasks.stream().filter(TaskCatalog::isFile).map(Path::of);
    }
}
