package dev.come.text;

import dev.come.hub.Hub;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Names a text: what {@code --calibration-dataset} and {@code --ppl-data} take, with the options beside them.
 *
 * @param dataset the name of a corpus (wiki2, c4, pg19, bookcorpus, alpaca, mmlu) or else the path of a file or folder; a
 *     file that is called like a corpus is reached as {@code ./wiki2}
 * @param library where the corpora that have a name are taken from
 * @param textField the field that holds the text in files at a path ({@code --text-field})
 */
public record TextSource(String dataset, Library library, String textField) {
    /** The field that is read where the user names none. */
    public static final String DEFAULT_FIELD = "text";

    /** Where the corpora that have a name are taken from. */
    public sealed interface Library {
    }

    /** A folder that they are looked for in ({@code --data-dir}); nothing is fetched. */
    public record Folder(Path folder) implements Library {}

    /**
     * The hub: the files that are needed are fetched into its cache.
     *
     * @param hub asked for only if the text is a corpus with a name
     */
    public record OnHub(Supplier<Hub> hub) implements Library {}

    /** What is read on this machine: the file or folder, or the one in which a corpus that has a name is looked for. */
    public Stream<Path> paths() {
        return path().isPresent() ? path().stream() : switch (library) {
            case Folder(Path folder) -> Stream.of(folder);
            case OnHub _ -> Stream.empty();
        };
    }

    /** The file or folder, if it is none of the corpora that have a name. */
    public Optional<Path> path() {
        return NamedCorpus.of(dataset).isEmpty() ? Optional.of(Path.of(dataset)) : Optional.empty();
    }

    /** A text whose corpus, if it names one, lies below a folder. */
    public TextSource(String dataset, Path dataDirectory, String textField) {
        this(dataset, new Folder(dataDirectory), textField);
    }
}
