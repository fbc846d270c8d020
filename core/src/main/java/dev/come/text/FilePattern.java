package dev.come.text;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Finds files by patterns of their names, folder by folder. */
public final class FilePattern {
    private FilePattern() {
    }

    /**
     * The files of a pattern, by their paths.
     *
     * @param pattern globs of names with slashes between, for example <code>en/c4-*.{json,json.gz}</code>
     * @throws InvalidInputException if a folder on the way cannot be listed
     */
    public static List<Path> files(Path root, String pattern) {
        List<Path> found = List.of(root);
        for (String name : pattern.split("/", -1)) {
            found = found.stream().filter(Files::isDirectory).flatMap(folder -> children(folder, name).stream())
                    .toList();
        }
        return found.stream().filter(Files::isRegularFile).sorted(Comparator.comparing(Path::toString)).toList();
    }

    private static List<Path> children(Path folder, String glob) {
        List<Path> children = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
            stream.forEach(children::add);
        } catch (IOException | DirectoryIteratorException e) {
            throw new InvalidInputException(folder + " cannot be listed (" + e.getMessage() + "); check --data-dir", e);
        }
        return children;
    }
}
