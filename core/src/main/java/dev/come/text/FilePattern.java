package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Shown;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
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

    /**
     * Those of the names that a pattern matches, sorted. Names that no file of this machine can have are left out.
     *
     * @param names paths with slashes, for example those that a repository of the hub lists
     */
    public static List<String> matching(Collection<String> names, String pattern) {
        PathMatcher matcher = FileSystems.getDefault().getPathMatcher("glob:" + pattern);
        return names.stream().filter(name -> path(name).filter(matcher::matches).isPresent()).sorted().toList();
    }

    /**
     * The path of a file that another file names.
     *
     * @param root what the name is relative to
     * @throws InvalidInputException if no file can have that name
     */
    public static Path named(Path root, String name) {
        return root.resolve(path(name).orElseThrow(() -> new InvalidInputException("'" + Shown.of(name)
                + "' is no name that a file can have here; write the name of a file")));
    }

    private static Optional<Path> path(String name) {
        try {
            return Optional.of(Path.of(name));
        } catch (InvalidPathException _) { // a zero or half a character; on Windows also a * and others
            return Optional.empty();
        }
    }

    private static boolean isThere(Path folder, String name) {
        return !name.isEmpty() && path(name).map(folder::resolve).filter(Files::exists).isPresent();
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
