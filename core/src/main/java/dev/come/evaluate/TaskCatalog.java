package dev.come.evaluate;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.evaluate.TaskDescription.Group;
import dev.come.evaluate.TaskDescription.Sources;
import dev.come.failure.Nearest;
import dev.come.text.TextSource.Folder;
import dev.come.text.TextSource.Library;
import dev.come.text.TextSource.OnHub;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** The tasks by the names that users give: those of the project, which lie in its resources, and files of users. */
final class TaskCatalog {
    /** The tasks that come with the project. */
    static final List<String> NAMES = List.of("boolq", "piqa", "hellaswag", "winogrande", "arc_easy", "arc_challenge",
            "openbookqa", "race", "mmlu", "wikitext", "lambada_openai", "triviaqa", "nq_open", "gsm8k", "gsm8k_cot");

    private TaskCatalog() {
    }

    /**
     * Finds a task by its name. The name is that of a task of the project, of a subject of one ({@code mmlu_anatomy}),
     * of a part ({@code mmlu_stem}), or of a file.
     *
     * @param library where the data are; those of a file are looked for beside it first
     * @return one description, or those of a group
     * @throws UsageException if there is no such task
     */
    static List<TaskDescription> find(String name, Library library, HarnessVersion harness) {
        if (isFile(name)) {
            Path path = Path.of(name);
            return TaskFile.read(name, text(path), sources(library, Stream.of(path.toAbsolutePath().getParent())),
                    harness);
        }
        Optional<String> known = NAMES.contains(name)
                ? Optional.of(name)
                : NAMES.stream().filter(task -> name.startsWith(task + "_")).findFirst();
        List<TaskDescription> tasks = known.isEmpty() ? List.of() : builtIn(known.get(), library, harness);
        if (known.isPresent() && !name.equals(known.get())) {
            tasks = subjectOrPart(tasks, name);
        }
        if (tasks.isEmpty()) {
            throw new UsageException("--tasks names " + name + ", which is not there" + Nearest.hint(name, NAMES)
                    + "; the choices are "
                    + String.join(", ", NAMES) + ", one subject as in mmlu_anatomy, one part as in mmlu_stem, and files"
                    + " that end in .json");
        }
        return tasks;
    }

    /** Whether a user describes the task in a file. */
    static boolean isFile(String name) {
        return name.endsWith(".json");
    }

    /** With data below a folder. */
    static List<TaskDescription> find(String name, Path dataDirectory, HarnessVersion harness) {
        return find(name, new Folder(dataDirectory), harness);
    }

    private static Sources sources(Library library, Stream<Path> first) {
        return switch (library) {
            case Folder below -> new Sources(Stream.concat(first, Stream.of(below.folder())).distinct().toList(),
                    Optional.empty());
            case OnHub on -> new Sources(first.toList(), Optional.of(on.hub()));
        };
    }

    /** A subject that was asked for by itself is part of no group, and a part is a group. */
    private static List<TaskDescription> subjectOrPart(List<TaskDescription> tasks, String name) {
        List<TaskDescription> one = tasks.stream().filter(task -> task.name().equals(name))
                .map(task -> task.in(Optional.empty())).toList();
        return one.isEmpty()
                ? tasks.stream().filter(task -> task.group().filter(group -> group.part().equals(name)).isPresent())
                        .map(task -> task.in(Optional.of(new Group(name, "", OptionalInt.empty())))).toList()
                : one;
    }

    private static List<TaskDescription> builtIn(String name, Library library, HarnessVersion harness) {
        return TaskFile.read(name, resource(name), sources(library, Stream.empty()), harness);
    }

    /** The file of a task of the project. */
    static String resource(String name) {
        try (InputStream stream = TaskCatalog.class.getResourceAsStream("tasks/" + name + ".json")) {
            if (stream == null) {
                throw new IllegalStateException("the task " + name + " is missing in the jar");
            }
            return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(Path path) {
        try {
            return StandardCharsets.UTF_8.newDecoder()
                    .decode(ByteBuffer.wrap(Limits.read(path, Limits.CONFIG_BYTES))).toString();
        } catch (IOException e) {
            throw new InvalidInputException(path + " cannot be read (" + IoReason.of(e)
                    + "); --tasks takes names of tasks and files that describe one", e);
        }
    }
}
