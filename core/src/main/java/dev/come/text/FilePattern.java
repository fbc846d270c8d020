package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.regex.PatternSyntaxException;

/** Finds files by patterns of their names, folder by folder. */
public final class FilePattern {
    private FilePattern() {
    }

    /**
     * The files of a pattern, by their paths.
     *
     * @param root where the pattern begins, unless it is an absolute path
     * @param pattern globs of names with slashes between, for example <code>en/c4-*.{json,json.gz}</code>
     * @throws InvalidInputException if a folder on the way cannot be listed
     */
    public static List<Path> files(Path root, String pattern) {
        boolean absolute = pattern.startsWith("/");
        List<Path> found = List.of(absolute ? Objects.requireNonNull(root.toAbsolutePath().getRoot()) : root);
        for (String name : (absolute ? pattern.replaceFirst("^/+", "") : pattern).split("/+", -1)) {
            found = found.stream().filter(Files::isDirectory).flatMap(folder -> children(folder, name).stream())
                    .toList();
        }
        return found.stream().filter(Files::isRegularFile).sorted(Comparator.comparing(Path::toString)).toList();
    }

    private static boolean isThere(Path folder, String name) {
        try {
            return !name.isEmpty() && Files.exists(folder.resolve(name));
        } catch (InvalidPathException _) {
            return false; // on Windows globs are no names
        }
    }

    private static List<Path> children(Path folder, String glob) {
        // A folder on the way need not be listed for a name that is one, nor a name be taken for a glob that looks like one.
        if (glob.equals(".") || glob.equals("..") || isThere(folder, glob)) {
            return List.of(folder.resolve(glob));
        }
        List<Path> children = new ArrayList<>();
        try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder, glob)) {
            stream.forEach(children::add);
        } catch (PatternSyntaxException e) {
            throw new InvalidInputException("'" + Shown.of(glob) + "' names no files (" + e.getDescription()
                    + "); write * and ? for parts of names, and close every bracket", e);
        } catch (IOException | DirectoryIteratorException e) {
            throw new InvalidInputException(folder + " cannot be listed (" + e.getMessage() + "); check --data-dir", e);
        }
        return children;
    }
}
