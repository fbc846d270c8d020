package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.failure.Nearest;
import dev.come.failure.Shortage;
import dev.come.hub.Hub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Rows of text, in the order of their files.
 *
 * @param name the name, or the path as the user typed it
 * @param split the part of the data set that was taken
 * @param root the folder that the names of the files are given relative to
 * @param separator what stands between rows that are joined to one text; absent where each row is a sequence of its own
 */
record Corpus(String name, Split split, Path root, List<RowFile> files, Optional<String> separator) {
    private static final String PATH_SEPARATOR = "\n\n";

    /** An order of rows takes four bytes for each: an eighth of Java's memory. */
    private static final long MOST_ROWS = Math.min(1 << 30, Runtime.getRuntime().maxMemory() / 32);

    /**
     * Finds a corpus by its name, or takes the file or the folder at a path.
     *
     * @param preference the splits that may be taken of a corpus that has a name, the best first
     * @param rowsOfText how plain text files at a path fall into rows
     * @throws InvalidInputException if nothing is found
     */
    static Corpus open(TextSource source, List<Split> preference, TextRows rowsOfText) {
        Optional<NamedCorpus> named = NamedCorpus.of(source.dataset());
        if (named.isEmpty()) {
            return atPath(source, rowsOfText, List.of(RowRecipe.field(source.textField())));
        }
        if (!source.textField().equals(TextSource.DEFAULT_FIELD)) {
            throw new UsageException("--text-field " + source.textField() + " is for data at a path: the corpus "
                    + source.dataset() + " has fields of its own.");
        }
        return switch (source.library()) {
            case TextSource.Folder(Path folder) -> named.get().find(folder, preference);
            case TextSource.OnHub(Supplier<Hub> hub) -> named.get().fetch(hub.get(), preference);
        };
    }

    /**
     * The file or the folder at a path.
     *
     * @param recipes what makes a row of a table, in order of preference
     * @throws InvalidInputException if nothing is there
     */
    static Corpus atPath(TextSource source, TextRows rowsOfText, List<RowRecipe> recipes) {
        Path path = FilePattern.named(Path.of(""), source.dataset());
        if (!Files.exists(path)) {
            throw new InvalidInputException(
                    source.dataset() + " is neither a file or folder that is there nor a corpus"
                            + Nearest.hint(source.dataset(), NamedCorpus.names()) + ": the corpora are "
                            + String.join(", ", NamedCorpus.names()) + ".");
        }
        Path root = Files.isDirectory(path) ? path : path.resolveSibling("");
        List<Path> files = Files.isDirectory(path) ? readableFiles(path) : List.of(path);
        return new Corpus(source.dataset(), Split.ALL, root,
                files.stream().map(file -> RowFile.of(file, rowsOfText, recipes)).toList(),
                Optional.of(PATH_SEPARATOR));
    }

    private static List<Path> readableFiles(Path folder) {
        List<Path> files;
        try (Stream<Path> children = Files.list(folder)) {
            files = children.filter(Files::isRegularFile).filter(RowFile::isReadable)
                    .sorted(Comparator.comparing(Path::toString))
                    .toList();
        } catch (IOException e) {
            throw new InvalidInputException(folder + " cannot be listed: " + e.getMessage(), e);
        }
        if (files.isEmpty()) {
            throw new InvalidInputException("The folder " + folder + " has no file that ends in "
                    + String.join(", ", PlainTextFile.ENDINGS) + ", " + String.join(", ", RowFile.tableEndings())
                    + ".");
        }
        return files;
    }

    /** The names of the files below {@link #root}. */
    List<String> sources() {
        return files.stream().map(file -> root.relativize(file.path()).toString().replace('\\', '/')).toList();
    }

    /** What the user should know about the split: nothing, if it is the one that was wanted. */
    List<String> notes(Split wanted) {
        return switch (split) {
            case TRAIN, VALIDATION, TEST -> split == wanted
                    ? List.of()
                    : List.of(
                            "The " + wanted + " split of " + name + " is not there: the " + split + " split was taken ("
                                    + abridgedSources() + ").");
            case ALL -> NamedCorpus.of(name).isEmpty()
                    ? List.of()
                    : List.of("The " + wanted + " split of " + name
                            + " is not there: files that name no split were taken (" + abridgedSources() + ").");
        };
    }

    private String abridgedSources() {
        List<String> sources = sources();
        return sources.size() <= 3
                ? String.join(", ", sources)
                : sources.getFirst() + " to " + sources.getLast() + ", " + sources.size() + " files";
    }

    /** The same corpus with some of its files. */
    Corpus only(List<RowFile> some) {
        return new Corpus(name, split, root, some, separator);
    }

    /**
     * Counts the rows.
     *
     * @throws InvalidInputException if there are none
     */
    int rowCount() {
        long count = files.stream().mapToLong(file -> Shortage.reading(file.path(), file::count)).sum();
        if (count == 0) {
            throw new InvalidInputException(name + " has no rows of text in " + String.join(", ", sources()) + " below "
                    + root + ".");
        }
        if (count > MOST_ROWS) {
            throw new InvalidInputException(name + " has " + count + " rows of text, but at most " + MOST_ROWS
                    + " can be put in order: give fewer files, or a part of the file.");
        }
        return (int) count;
    }

    /** The first rows, which are read when they are sent. */
    RowTexts first(int count) {
        return new RowTexts() {
            @Override
            public int count() {
                return count;
            }

            @Override
            public void send(RowSink sink) {
                read(new FirstRows(count, sink));
            }
        };
    }

    /**
     * The rows with the given numbers, in the given order; the numbers go through all files.
     *
     * @param numbers no number twice
     * @param spool keeps them until they are sent
     */
    RowTexts rows(int[] numbers, TextSpool spool) {
        int[] ascending = numbers.clone();
        Arrays.sort(ascending);
        int before = spool.count();
        read(new ChosenRows(ascending, spool));
        if (spool.count() - before != numbers.length) {
            throw new InvalidInputException(name + " has fewer rows now than when they were counted: leave its files as"
                    + " they are during the run.");
        }
        int[] order = IntStream.of(numbers).map(number -> before + Arrays.binarySearch(ascending, number)).toArray();
        return new RowTexts() {
            @Override
            public int count() {
                return order.length;
            }

            @Override
            public void send(RowSink sink) {
                for (int i = 0; i < order.length && !sink.isFull(); i++) {
                    spool.send(order[i], sink);
                }
            }
        };
    }

    private void read(RowSink sink) {
        for (RowFile file : files) {
            if (!sink.isFull()) {
                Shortage.reading(file.path(), () -> {
                    file.read(sink);
                    return true;
                });
            }
        }
    }

    /** Passes the first rows on, and then is full. */
    private static final class FirstRows implements RowSink {
        private final int count;
        private final RowSink sink;
        private int begun;
        private boolean inRow;

        FirstRows(int count, RowSink sink) {
            this.count = count;
            this.sink = sink;
        }

        @Override
        public boolean begin() {
            begun++;
            inRow = sink.begin();
            return inRow;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            sink.text(characters, from, length);
        }

        @Override
        public void end() {
            sink.end();
            inRow = false;
        }

        @Override
        public boolean isFull() {
            return (begun == count && !inRow) || sink.isFull();
        }
    }

    /** Keeps some rows. */
    private static final class ChosenRows implements RowSink {
        private final int[] ascending;
        private final TextSpool spool;
        private int row;
        private int taken;
        private boolean inRow;

        ChosenRows(int[] ascending, TextSpool spool) {
            this.ascending = ascending;
            this.spool = spool;
        }

        @Override
        public boolean begin() {
            inRow = taken < ascending.length && ascending[taken] == row;
            row++;
            if (inRow) {
                taken++;
                spool.begin();
            }
            return inRow;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            spool.append(characters, from, length);
        }

        @Override
        public void end() {
            inRow = false;
        }

        @Override
        public boolean isFull() {
            return taken == ascending.length && !inRow;
        }
    }
}
