package dev.come.job;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.FileModes;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Shown;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The texts of a run as they come in: a file beside the output, from which a run that was interrupted goes on. Its first line
 * says what the texts depend on, each other one holds a text. Texts come in batches; what there is of one that is not whole is
 * dropped and written again.
 */
final class WrittenTexts implements AutoCloseable {
    static final String TOKENS = "tokens";
    static final String ENDED = "ended";
    private static final String FORMAT = "format";
    private static final String NAME = "come-write-unfinished";
    private static final JsonMapper JSON = new JsonMapper();

    private final Path file;
    /** Goes before the first text, with which the file is made: nothing is left of a run that wrote none. */
    private final String header;
    private long end;
    private @Nullable FileChannel channel;
    private Sums sums;

    /**
     * What texts have together.
     *
     * @param texts how many there are
     * @param tokens that were written for them
     * @param ended texts that came to an end by themselves
     */
    record Sums(int texts, long tokens, int ended) {
        static final Sums NONE = new Sums(0, 0, 0);

        Sums plus(JsonNode row) {
            return new Sums(texts + 1, tokens + row.path(TOKENS).asLong(),
                    ended + (row.path(ENDED).asBoolean() ? 1 : 0));
        }
    }

    private WrittenTexts(Path file, String header, long end, Sums sums) {
        this.file = file;
        this.header = header;
        this.end = end;
        this.sums = sums;
    }

    /**
     * Opens the texts of an interrupted run, or begins anew.
     *
     * @param settings what the texts depend on
     * @param batch how many texts are added at once
     * @throws UsageException if the file is of a run with other settings
     * @throws InvalidInputException if it is something else
     */
    static WrittenTexts open(Path file, ObjectNode settings, int batch) {
        ObjectNode header = JSON.createObjectNode().put(FORMAT, NAME);
        settings.properties().forEach(one -> header.set(one.getKey(), one.getValue()));
        try {
            return Files.exists(file)
                    ? found(file, header, batch)
                    : new WrittenTexts(file, header + "\n", 0, Sums.NONE);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private static WrittenTexts found(Path file, ObjectNode header, int batch) throws IOException {
        InputFile.check(file);
        String first = header + "\n";
        long size = Files.size(file);
        long at = 0;
        long end = 0;
        Sums all = Sums.NONE;
        Sums whole = Sums.NONE;
        try (BufferedReader lines = Files.newBufferedReader(file)) {
            for (int number = 1;; number++) {
                String line = lines.readLine();
                at += line == null ? 0 : line.getBytes(StandardCharsets.UTF_8).length + 1L;
                if (line == null || at > size) { // the last one was not written to its end
                    break;
                }
                JsonNode row = parsed(line, number, file);
                if (number == 1) {
                    requireSame(row, header, file);
                    end = at;
                    continue;
                }
                all = all.plus(row);
                if (all.texts % batch == 0) {
                    whole = all;
                    end = at;
                }
            }
        }
        if (end == 0 && size > first.length()) {
            throw notOurs(file);
        }
        return new WrittenTexts(file, first, end, whole);
    }

    private static InvalidInputException notOurs(Path file) {
        return new InvalidInputException(
                file + " does not hold the texts of an interrupted run, which would be kept in a"
                        + " file of that name; move it away, or give another --output");
    }

    private static JsonNode parsed(String line, int number, Path file) {
        try {
            return JSON.readTree(line);
        } catch (JacksonException e) {
            throw number == 1
                    ? notOurs(file)
                    : new InvalidInputException(file + ", line " + number + " is not JSON: "
                            + Shown.of(e.getOriginalMessage()) + "; --restart discards the texts of an interrupted run",
                            e);
        }
    }

    private static void requireSame(JsonNode there, ObjectNode now, Path file) {
        if (!there.path(FORMAT).asString("").equals(NAME)) {
            throw notOurs(file);
        }
        List<String> differences = new ArrayList<>();
        for (String key : now.propertyNames()) {
            if (!there.path(key).toString().equals(now.path(key).toString())) {
                differences.add(key + ": " + Shown.of(there.path(key)) + " there, " + Shown.of(now.path(key)) + " now");
            }
        }
        if (!differences.isEmpty()) {
            throw new UsageException(file + " holds the texts of an interrupted run with other settings ("
                    + String.join("; ", differences)
                    + "); give the same settings to go on with it, --restart to discard it, or another --output");
        }
    }

    /**
     * Removes the texts of an interrupted run, if there are some.
     *
     * @throws InvalidInputException if the file is something else, so that nobody loses a file of his own
     */
    static void discard(Path file) {
        if (!Files.exists(file)) {
            return;
        }
        try {
            InputFile.check(file);
            try (BufferedReader lines = Files.newBufferedReader(file)) {
                String first = lines.readLine();
                if (first != null && !parsed(first, 1, file).path(FORMAT).asString("").equals(NAME)) {
                    throw notOurs(file);
                }
            }
            Files.delete(file);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    Sums sums() {
        return sums;
    }

    /** Adds the texts of a batch, which are then safe. */
    void add(List<ObjectNode> rows) {
        StringBuilder lines = new StringBuilder();
        rows.forEach(row -> lines.append(row).append('\n'));
        try {
            write(lines.toString());
        } catch (IOException e) {
            throw unwritable(file, e);
        }
        for (ObjectNode row : rows) {
            sums = sums.plus(row);
        }
    }

    private void write(String text) throws IOException {
        if (channel == null) {
            channel = FileChannel.open(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                    FileModes.ofPrivateFile(file));
            channel.truncate(end).position(end);
        }
        ByteBuffer bytes = ByteBuffer.wrap(((end == 0 ? header : "") + text).getBytes(StandardCharsets.UTF_8));
        end += bytes.remaining();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        channel.force(false);
    }

    /**
     * Writes the first texts that have a number of tokens together, or all, to a file of their own.
     *
     * @return what they have together
     */
    Sums writeTo(Path output, long tokens) {
        Sums[] written = {Sums.NONE};
        AtomicFile.writeText(output, out -> {
            try (BufferedReader lines = Files.newBufferedReader(file)) {
                lines.readLine();
                while (written[0].tokens < tokens && written[0].texts < sums.texts) {
                    String line = lines.readLine();
                    out.write(line + "\n");
                    written[0] = written[0].plus(JSON.readTree(line));
                }
            }
        });
        return written[0];
    }

    private static FailedException unwritable(Path file, IOException e) {
        return new FailedException("The texts of this run cannot be kept in " + file + " (" + IoReason.of(e)
                + "); choose an --output in a folder that may be written to and has room", e);
    }

    /** Removes the file: the run has ended. */
    void remove() {
        close();
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new FailedException(file + ", where the run kept its texts, cannot be removed (" + IoReason.of(e)
                    + "); remove it by hand", e);
        }
    }

    @Override
    public void close() {
        try {
            if (channel != null) {
                channel.close();
            }
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }
}
