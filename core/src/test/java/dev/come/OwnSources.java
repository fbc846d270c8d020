package dev.come;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The sources of the program, for tests that look for what they must not do. */
final class OwnSources {
    private OwnSources() {
    }

    /** The names of the classes in whose source a pattern is found. */
    static Set<String> with(Pattern pattern) throws IOException {
        Set<String> found = new TreeSet<>();
        for (String module : List.of("core", "cli")) {
            try (Stream<Path> files = Files.walk(Path.of(System.getProperty("come.root"), module, "src/main/java"))) {
                for (Path file : files.filter(path -> path.toString().endsWith(".java")).toList()) {
                    if (pattern.matcher(Files.readString(file)).find()) {
                        found.add(file.getFileName().toString().replace(".java", ""));
                    }
                }
            }
        }
        return found;
    }
}
