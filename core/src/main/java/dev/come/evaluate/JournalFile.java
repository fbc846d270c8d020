package dev.come.evaluate;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.InputFile;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.Stream;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;

/** What can be known of the {@link Journal} of a run that has ended, without going on with it. */
public final class JournalFile {
    private static final JsonMapper JSON = new JsonMapper();

    private JournalFile() {
    }

    /** Whether a file holds the scores of a run. */
    public static boolean isOne(Path file) {
        try (Stream<String> lines = linesOf(file)) {
            return lines.findFirst().map(JSON::readTree).filter(first -> first.has(Journal.FINGERPRINT)).isPresent();
        } catch (IOException | UncheckedIOException | JacksonException _) {
            return false;
        }
    }

    /**
     * The files of results that an interrupted run has begun to write, with the SHA-256 of what they are to hold.
     *
     * @param file its scores, if it has left any
     */
    public static Map<String, String> written(Path file) {
        Map<String, String> written = new HashMap<>();
        try (Stream<String> lines = Files.exists(file) ? linesOf(file) : Stream.empty()) {
            lines.filter(line -> line.startsWith("{\"" + Journal.WRITTEN))
                    .forEach(line -> Journal.take(JSON.readTree(line), written));
        } catch (IOException | UncheckedIOException | JacksonException _) {
            return Map.of(); // what is damaged is told when it is opened
        }
        return written;
    }

    /**
     * Removes a journal, if there is one.
     *
     * @throws InvalidInputException if the file is none, so that nobody loses a file of his own
     */
    public static void discard(Path file) {
        if (!Files.exists(file)) {
            return;
        }
        try {
            String first;
            try (Stream<String> lines = linesOf(file)) {
                first = lines.findFirst().orElse("");
            }
            if (!first.isEmpty() && !Journal.parsed(first, 1, file).has(Journal.FINGERPRINT)) {
                throw new InvalidInputException(file + " does not hold the scores of an interrupted run, so --restart"
                        + " does not remove it; give another --output");
            }
            Files.delete(file);
        } catch (IOException | UncheckedIOException e) {
            throw new FailedException(file + " cannot be removed (" + e.getMessage() + "); remove it by hand", e);
        }
    }

    /** The caller closes them. */
    @SuppressWarnings("StreamResourceLeak")
    private static Stream<String> linesOf(Path file) throws IOException {
        InputFile.check(file);
        return Files.lines(file);
    }
}
