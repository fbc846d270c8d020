package dev.come.text;

import dev.come.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.IntPredicate;

/** A file that holds rows of text. It is read anew each time, because some corpora do not fit in memory. */
sealed interface RowFile permits PlainTextFile, TableFile {
    /**
     * Chooses the reader by the file's ending.
     *
     * @param textRows how the file falls into rows if it is plain text
     * @param recipes what makes the row if it is a table, in order of preference
     * @throws InvalidInputException if the ending is none of {@link PlainTextFile#ENDINGS} and {@link TableFile#ENDINGS}
     */
    static RowFile of(Path path, TextRows textRows, List<RowRecipe> recipes) {
        if (endsInOneOf(path, PlainTextFile.ENDINGS)) {
            return new PlainTextFile(path, textRows);
        }
        if (endsInOneOf(path, TableFile.ENDINGS)) {
            return new TableFile(path, recipes);
        }
        throw new InvalidInputException(path + " has an unknown ending: text is read from files that end in "
                + String.join(", ", PlainTextFile.ENDINGS) + ", " + String.join(", ", TableFile.ENDINGS) + ".");
    }

    /** Whether {@link #of} takes the file. */
    static boolean isReadable(Path path) {
        return endsInOneOf(path, PlainTextFile.ENDINGS) || endsInOneOf(path, TableFile.ENDINGS);
    }

    private static boolean endsInOneOf(Path path, List<String> endings) {
        return endings.stream().anyMatch(ending -> path.toString().endsWith("." + ending));
    }

    Path path();

    /**
     * Goes through the rows in file order.
     *
     * @param wanted says, for the number of a row in this file, whether its text is needed
     * @param found gets the number and the text of each wanted row
     * @return the number of rows in the file
     * @throws InvalidInputException if the file cannot be read or is not what its ending says
     */
    int scan(IntPredicate wanted, BiConsumer<Integer, String> found);
}
