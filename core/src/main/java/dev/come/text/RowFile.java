package dev.come.text;

import dev.come.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** A file that holds rows of text. It is read anew each time, because some corpora do not fit in memory. */
sealed interface RowFile permits PlainTextFile, JsonFile, TableFile {
    /** What the names of tables end in. */
    static List<String> tableEndings() {
        return Stream.of(List.of("parquet"), JsonFile.ENDINGS, List.of("csv", "csv.gz")).flatMap(List::stream).toList();
    }

    /**
     * Chooses the reader by the file's ending.
     *
     * @param textRows how the file falls into rows if it is plain text
     * @param recipes what makes the row if it is a table, in order of preference
     * @throws InvalidInputException if the ending is none of {@link PlainTextFile#ENDINGS} and {@link #tableEndings}
     */
    static RowFile of(Path path, TextRows textRows, List<RowRecipe> recipes) {
        if (endsInOneOf(path, PlainTextFile.ENDINGS)) {
            return new PlainTextFile(path, textRows);
        }
        if (endsInOneOf(path, JsonFile.ENDINGS)) {
            return new JsonFile(path, recipes);
        }
        if (endsInOneOf(path, tableEndings())) {
            return new TableFile(path, recipes);
        }
        throw new InvalidInputException(path + " has an unknown ending: text is read from files that end in "
                + String.join(", ", PlainTextFile.ENDINGS) + ", " + String.join(", ", tableEndings()) + ".");
    }

    /** Whether {@link #of} takes the file. */
    static boolean isReadable(Path path) {
        return endsInOneOf(path, PlainTextFile.ENDINGS) || endsInOneOf(path, tableEndings());
    }

    /** Whether the name of a file ends in a point and one of these. */
    static boolean endsInOneOf(Path path, List<String> endings) {
        return endings.stream().anyMatch(ending -> path.toString().endsWith("." + ending));
    }

    Path path();

    /**
     * Sends the rows in file order, until the sink is full.
     *
     * @throws InvalidInputException if the file cannot be read or is not what its ending says
     */
    void read(RowSink sink);

    /**
     * Counts the rows.
     *
     * @throws InvalidInputException if the file cannot be read or is not what its ending says
     */
    default long count() {
        RowSink.Counter all = new RowSink.Counter(Long.MAX_VALUE);
        read(all);
        return all.rows();
    }
}
