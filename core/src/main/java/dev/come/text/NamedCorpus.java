package dev.come.text;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.hub.Hub;
import dev.come.hub.HubSnapshot;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/**
 * The corpora that have a name, and the places of their files below the data directory. Places laid out as the original
 * or Hugging Face's repository of the data set come first, then plain names.
 *
 * <p>In a place, {@code {split}} stands for each name of the split in turn (train; validation, valid, val, dev; test),
 * {@code {table}} for the endings of table files and {@code {any}} for those of text files too. The first place with a
 * file wins, and all files there are read in the order of their names. A place without {@code {split}} serves when no file
 * says its split, and passes over files whose names begin with a split's.
 */
@SuppressWarnings("ImmutableEnumChecker") // its lists are unmodifiable
enum NamedCorpus {
    /** WikiText-2, raw. */
    WIKI2(Optional.of("\n\n"), TextRows.WIKITEXT, List.of(RowRecipe.field("text")), //
            new HubPlace("Salesforce/wikitext", "wikitext-2-raw-v1/{split}-*.parquet", 1, Split.TRAIN,
                    Split.VALIDATION, Split.TEST), //
            "wikitext2/wiki.{split}.raw", //
            "wikitext-2-raw/wiki.{split}.raw", //
            "wikitext/wikitext-2-raw-v1/{split}-*.parquet", //
            "wikitext2/{split}*.{any}"),

    /** C4, English; the first shard alone, as is the custom. Some samples of it have each text cut in two. */
    C4(Optional.of(" "), TextRows.LINES, List.of(RowRecipe.field("text"), RowRecipe.joined(" ", "input", "output")), //
            new HubPlace("allenai/c4", "en/c4-{split}.00000-of-*.json.gz", 1, Split.TRAIN, Split.VALIDATION), //
            "c4/en/c4-{split}.00000-of-*.json.gz", //
            "c4/c4-{split}.00000-of-*.json.gz", //
            "c4/{split}*.{any}", //
            "c4/*.{any}"),

    /** Books of Project Gutenberg; a text file is one book. */
    PG19(Optional.of("\n\n"), TextRows.WHOLE, List.of(RowRecipe.field("text")), //
            new HubPlace("emozilla/pg19", "data/{split}-00000-of-*.parquet", 1, Split.TRAIN, Split.VALIDATION,
                    Split.TEST), //
            "pg19/{split}/*.txt", //
            "pg19/data/{split}-*.parquet", //
            "pg19/{split}*.{any}", //
            "pg19/*.{any}", //
            "books/*.{any}"),

    /** Books that their authors published themselves; a text file is one book. */
    BOOKCORPUS(Optional.of("\n\n"), TextRows.WHOLE, List.of(RowRecipe.field("text")), //
            new HubPlace("rojagtap/bookcorpus", "data/{split}-00000-of-*.parquet", 1, Split.TRAIN), //
            "bookcorpus/plain_text/{split}-*.parquet", //
            "bookcorpus/{split}*.{any}", //
            "bookcorpus/*.{any}", //
            "books/*.{any}"),

    /** Instructions and answers. */
    ALPACA(Optional.empty(), TextRows.LINES, List.of(RowRecipe.joined("\n", "instruction", "input", "output")), //
            new HubPlace("yahma/alpaca-cleaned", "alpaca_data_cleaned.json", 1, Split.TRAIN), //
            "alpaca/data/{split}-*.parquet", //
            "alpaca/{split}*.{table}", //
            "alpaca/*.{table}"),

    /** Multiple-choice questions; each subject has a file of its own. */
    MMLU(Optional.empty(), TextRows.LINES,
            List.of(RowRecipe.questionWithChoiceFields(), RowRecipe.questionWithChoiceList()), //
            new HubPlace("cais/mmlu", "*/{split}-*.parquet", 57, Split.VALIDATION, Split.TEST), //
            "mmlu/{split}/*_{split}.csv", //
            "mmlu/*/{split}-*.parquet");

    /** Folders of the data set cais/mmlu that hold all subjects together, or other questions. */
    private static final Set<String> NOT_SUBJECTS = Set.of("all", "auxiliary_train");

    private static final String TABLES = String.join(",", RowFile.tableEndings());
    private static final String ANY = String.join(",", PlainTextFile.ENDINGS) + "," + TABLES;

    private final Optional<String> separator;
    private final TextRows textRows;
    private final List<RowRecipe> recipes;
    private final HubPlace hubPlace;
    private final List<String> places;

    NamedCorpus(Optional<String> separator, TextRows textRows, List<RowRecipe> recipes, HubPlace hubPlace,
            String... places) {
        this.separator = separator;
        this.textRows = textRows;
        this.recipes = recipes;
        this.hubPlace = hubPlace;
        this.places = List.of(places);
    }

    /**
     * The repository of the hub that has this corpus as tables, without a program to run.
     *
     * @param place the names of the files, with {@code {split}} for the usual name of the split
     * @param count how many files that are; another number means that the repository, or the cache, is not what it was
     * @param splits those that it has
     */
    private record HubPlace(String repository, String place, int count, List<Split> splits) {
        HubPlace(String repository, String place, int count, Split... splits) {
            this(repository, place, count, List.of(splits));
        }

        List<String> files(List<String> all, Split split) {
            return FilePattern.matching(all, place.replace("{split}", split.names().getFirst())).stream()
                    .filter(file -> NOT_SUBJECTS.stream().noneMatch(name -> file.startsWith(name + "/"))).toList();
        }
    }

    /** The corpus of that name, as it is typed. */
    static Optional<NamedCorpus> of(String name) {
        return Arrays.stream(values()).filter(corpus -> corpus.toString().equals(name)).findFirst();
    }

    /** All names. */
    static List<String> names() {
        return Arrays.stream(values()).map(NamedCorpus::toString).toList();
    }

    /** The repository of the hub that it is fetched from. */
    String hubDataset() {
        return hubPlace.repository();
    }

    /**
     * Looks for the files of this corpus.
     *
     * @param preference the splits that may be taken, the best first
     * @throws InvalidInputException if there are none; it lists the places
     */
    Corpus find(Path dataDirectory, List<Split> preference) {
        if (!Files.isDirectory(dataDirectory)) {
            throw new InvalidInputException("The data directory " + dataDirectory + " (--data-dir) is not there: it is"
                    + " needed for the corpus " + this + ".");
        }
        for (Split split : preference) {
            List<Path> files = filesOf(split, dataDirectory);
            if (!files.isEmpty()) {
                List<RowFile> rowFiles = files.stream().map(file -> RowFile.of(file, textRows, recipes)).toList();
                return new Corpus(toString(), split, dataDirectory, rowFiles, separator);
            }
        }
        throw new InvalidInputException("The corpus " + this + " is not in " + dataDirectory
                + " (--data-dir): looked for " + String.join(", ", places) + ", where {split} is "
                + preference.stream().flatMap(split -> split.names().stream()).collect(Collectors.joining(", "))
                + ", {table} is " + TABLES + " and {any} is " + ANY
                + "; put one of these files there, or give a path instead of a name.");
    }

    /**
     * Fetches this corpus from the hub, the first of the splits that there is.
     *
     * @param preference the splits that may be taken, the best first
     * @throws InvalidInputException if the repository no longer has the files
     * @throws FailedException if they cannot be fetched
     */
    Corpus fetch(Hub hub, List<Split> preference) {
        Split split = preference.stream().filter(hubPlace.splits::contains).findFirst()
                .orElseThrow(() -> new InvalidInputException("The data set " + hubPlace.repository
                        + " on the hub has none of the splits " + preference + "; give another corpus or a path"));
        HubSnapshot snapshot = hub.dataset(hubPlace.repository);
        List<String> files = hubPlace.files(snapshot.files(), split);
        if (files.size() != hubPlace.count) {
            throw new InvalidInputException((snapshot.isCacheOnly() ? "The cache of the hub has " : "The hub has ")
                    + files.size() + " files " + hubPlace.place + " of the data set " + hubPlace.repository + " ("
                    + split + " split), where there should be " + hubPlace.count + "; "
                    + (snapshot.isCacheOnly() ? "fetch them while the hub can be reached" : "download the corpus")
                    + ", or name a folder that holds it as --data-dir");
        }
        Path folder = snapshot.fetch(files);
        return new Corpus(toString(), split, folder,
                files.stream().map(file -> RowFile.of(folder.resolve(file), textRows, recipes)).toList(), separator);
    }

    private List<Path> filesOf(Split split, Path dataDirectory) {
        Stream<String> asked = split == Split.ALL
                ? places.stream().filter(place -> !place.contains("{split}"))
                : places.stream().filter(place -> place.contains("{split}"))
                        .flatMap(place -> split.names().stream().map(name -> place.replace("{split}", name)));
        return asked.map(place -> filesAt(dataDirectory, place))
                .map(files -> split == Split.ALL ? withoutSplit(files) : files)
                .filter(files -> !files.isEmpty()).findFirst().orElse(List.of());
    }

    private static List<Path> withoutSplit(List<Path> files) {
        return files.stream().filter(file -> Arrays.stream(Split.values())
                .noneMatch(split -> split.claims(file.getFileName().toString()))).toList();
    }

    private static List<Path> filesAt(Path dataDirectory, String place) {
        return FilePattern
                .files(dataDirectory, place.replace("{table}", "{" + TABLES + "}").replace("{any}", "{" + ANY + "}"))
                .stream().filter(file -> StreamSupport.stream(dataDirectory.relativize(file).spliterator(), false)
                        .noneMatch(name -> NOT_SUBJECTS.contains(name.toString())))
                .toList();
    }

    /** The name as it is typed and printed. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
