package dev.come.text;

import dev.come.InvalidInputException;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

/** Whole rows of tables, for data that need more than one text of a row. */
public final class TableRows {
    private TableRows() {
    }

    /** What the names of such files end in. */
    public static List<String> endings() {
        return RowFile.tableEndings();
    }

    /**
     * Reads a parquet, JSON or CSV file.
     *
     * @return its rows in file order; fields of CSV are texts
     * @throws InvalidInputException if the file cannot be read or is not what its ending says
     */
    public static List<ObjectNode> read(Path file) {
        if (!RowFile.endsInOneOf(file, RowFile.tableEndings())) {
            throw new InvalidInputException(file + " has an unknown ending: tables are read from files that end in "
                    + String.join(", ", RowFile.tableEndings()) + ".");
        }
        if (RowFile.endsInOneOf(file, JsonFile.ENDINGS)) {
            return new JsonFile(file, List.of()).objects();
        }
        return new TableFile(file, List.of()).objects();
    }

    /**
     * The lines of a text file.
     *
     * @throws InvalidInputException if it cannot be read
     */
    public static List<String> lines(Path file) {
        return new PlainTextFile(file, TextRows.WHOLE).text().lines().toList();
    }

    /**
     * A text file as it stands.
     *
     * @throws InvalidInputException if it cannot be read
     */
    public static String text(Path file) {
        return new PlainTextFile(file, TextRows.WHOLE).text();
    }
}
