package dev.come.text;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;

/** Small parquet files. */
final class TestParquet {
    private TestParquet() {
    }

    /** Writes rows, given as an SQL list of VALUES, with the given names of columns; returns the file. */
    static Path write(Path file, String values, String... columns) throws SQLException {
        try (Connection database = DriverManager.getConnection("jdbc:duckdb:");
                Statement statement = database.createStatement()) {
            statement.execute("COPY (SELECT * FROM (VALUES " + values + ") AS rows(" + String.join(", ", columns)
                    + ")) TO " + RowRecipe.quotedText(file.toString()) + " (FORMAT parquet)");
        }
        return file;
    }
}
