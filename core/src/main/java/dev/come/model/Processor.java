package dev.come.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the operating system says of the first processor; known on Linux only. */
public final class Processor {
    private static final Path INFO = Path.of("/proc/cpuinfo");

    private Processor() {
    }

    /** The name of the model. */
    public static Optional<String> name() {
        return Optional.ofNullable(facts().get("model name"));
    }

    /** The features that it has, as Linux calls them, such as {@code avx512_bf16}. */
    public static Set<String> features() {
        Map<String, String> facts = facts();
        return Set.copyOf(List.of(facts.getOrDefault("flags", facts.getOrDefault("Features", "")).split("\\s+")));
    }

    private static Map<String, String> facts() {
        Map<String, String> facts = new TreeMap<>();
        try (Stream<String> lines = Files.isReadable(INFO) ? Files.lines(INFO) : Stream.empty()) {
            lines.map(line -> line.split("\\s*:\\s*", 2)).filter(pair -> pair.length == 2)
                    .forEach(pair -> facts.putIfAbsent(pair[0], pair[1].strip()));
        } catch (IOException _) {
            // Then nothing is known.
        }
        return facts;
    }
}
