package dev.come.evaluate;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.FileModes;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Shown;
import dev.come.failure.Opening;
import dev.come.failure.Shortage;
import dev.come.run.Continuation.Score;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The scores of a run as they come in. Each item adds one line of JSON to a file, from which a run that was killed goes
 * on. The first line says what the run depends on. A last line that was not written to its end is dropped. Before the
 * results are written, a line says what their files will hold, by which the run recognises those that it has written.
 */
public final class Journal implements AutoCloseable {
    /** The setting that tells a journal from any other file. */
    public static final String FINGERPRINT = "tasks_fingerprint";

    static final String WRITTEN = "written";
    private static final String TEXT = "text";
    private static final JsonMapper JSON = new JsonMapper();

    private final Map<Key, List<Score>> scores = new ConcurrentHashMap<>();
    private final Map<Key, String> texts = new ConcurrentHashMap<>();
    private final Map<String, String> written = new ConcurrentHashMap<>();
    private final @Nullable Path file;
    private final @Nullable FileChannel channel;

    /**
     * What scores belong to.
     *
     * @param role the role of the model
     * @param part the number of a window, where a document falls into several
     */
    record Key(String role, String task, int document, int part) {}

    private Journal(@Nullable Path file, @Nullable FileChannel channel) {
        this.file = file;
        this.channel = channel;
    }

    /** A journal without a file. */
    public static Journal inMemory() {
        return new Journal(null, null);
    }

    /**
     * Opens a journal, or goes on with the one that is there.
     *
     * @param settings what the scores depend on
     * @throws UsageException if the file is of a run with other settings
     * @throws InvalidInputException if it is damaged
     */
    public static Journal open(Path file, ObjectNode settings) {
        return Shortage.reading(file, () -> read(file, settings));
    }

    private static Journal read(Path file, ObjectNode settings) {
        try {
            byte[] old = {};
            if (Files.exists(file)) {
                InputFile.check(file);
                old = Files.readAllBytes(file);
            }
            int end = old.length;
            while (end > 0 && old[end - 1] != '\n') {
                end--;
            }
            String header = JSON.writeValueAsString(settings) + "\n";
            if (end == 0 && !header.startsWith(new String(old, StandardCharsets.UTF_8))) {
                throw new InvalidInputException(file + " is not the scores of a run, which would be kept in a file of"
                        + " that name; move it away, or give another --output");
            }
            // Nothing is changed before the file is known to be of this run.
            List<JsonNode> known = end == 0
                    ? List.of()
                    : lines(new String(old, 0, end, StandardCharsets.UTF_8).lines().toList(), file, settings);
            FileChannel channel = FileChannel.open(file, Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                    FileModes.ofPrivateFile(file));
            Journal journal = new Journal(file, channel);
            try (Opening opening = new Opening()) {
                opening.add(journal::close);
                channel.truncate(end).position(end);
                if (end == 0) {
                    journal.write(header);
                }
                known.forEach(journal::take);
                opening.done();
                return journal;
            }
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    /** Whether there is something to go on from. */
    public boolean holdsSomething() {
        return !(scores.isEmpty() && texts.isEmpty() && written.isEmpty()) && file != null && Files.exists(file);
    }

    static void take(JsonNode line, Map<String, String> written) {
        line.path(WRITTEN).properties().forEach(one -> written.put(one.getKey(), one.getValue().asString("")));
    }

    /**
     * Says what the files of the results will hold, before the first of them is written.
     *
     * @param hashes SHA-256 by the paths of the files
     */
    public void willWrite(Map<String, String> hashes) {
        written.putAll(hashes);
        ObjectNode line = JsonNodeFactory.instance.objectNode();
        ObjectNode files = line.putObject(WRITTEN);
        hashes.forEach(files::put);
        append(JSON.writeValueAsString(line) + "\n");
    }

    private void take(JsonNode line) {
        if (line.has(WRITTEN)) {
            take(line, written);
            return;
        }
        if (line.has(TEXT)) {
            texts.put(key(line), line.path(TEXT).asString());
            return;
        }
        List<Score> values = new ArrayList<>();
        for (int choice = 0; choice < line.path("ll").size(); choice++) {
            values.add(new Score(line.path("ll").path(choice).asDouble(),
                    line.path("greedy").path(choice).asBoolean()));
        }
        scores.put(key(line), values);
    }

    private static Key key(JsonNode line) {
        return new Key(line.path("model").asString(), line.path("task").asString(), line.path("doc").asInt(),
                line.path("part").asInt());
    }

    /** The lines after the first, which says that they are of a run with these settings. */
    private static List<JsonNode> lines(List<String> lines, Path path, ObjectNode settings) {
        JsonNode others = parsed(lines.getFirst(), 1, path);
        if (!others.has(FINGERPRINT)) {
            throw new InvalidInputException(
                    path + " does not hold the scores of a run, which would be kept in a file of"
                            + " that name; move it away, or give another --output");
        }
        List<String> differences = new ArrayList<>();
        Stream.concat(settings.propertyNames().stream(), others.propertyNames().stream()).distinct()
                .filter(key -> !same(settings.path(key), others.path(key)))
                .forEach(key -> differences.add(
                        key + ": " + shown(others.path(key)) + " there, " + shown(settings.path(key)) + " now"));
        if (!differences.isEmpty()) {
            throw new UsageException(path + " holds the scores of another run (" + String.join("; ", differences)
                    + "); give the same settings to go on with it, --restart to discard it, or another --output");
        }
        return IntStream.range(1, lines.size()).mapToObj(i -> parsed(lines.get(i), i + 1, path)).toList();
    }

    private static String shown(JsonNode setting) {
        return setting.isMissingNode() ? "nothing" : Shown.of(setting);
    }

    /** As they are written: a long that fits is read as an int. */
    private static boolean same(JsonNode one, JsonNode other) {
        return one.toString().equals(other.toString());
    }

    static JsonNode parsed(String line, int number, Path path) {
        try {
            return JSON.readTree(line);
        } catch (JacksonException e) {
            throw new InvalidInputException(path + ", line " + number + " is not JSON: "
                    + Shown.of(e.getOriginalMessage().lines().findFirst().orElse(""))
                    + "; --restart discards the scores of an interrupted run", e);
        }
    }

    /** The scores of an item, or null if it was not scored yet. */
    @Nullable
    List<Score> find(Key key) {
        return scores.get(key);
    }

    /** Adds scores, which are then safe. */
    void add(Map<Key, List<Score>> found) {
        scores.putAll(found);
        StringBuilder lines = new StringBuilder();
        found.forEach((key, values) -> {
            ObjectNode line = line(key);
            ArrayNode likelihoods = line.putArray("ll");
            values.forEach(value -> likelihoods.add(value.logLikelihood()));
            ArrayNode greedy = line.putArray("greedy");
            values.forEach(value -> greedy.add(value.greedy()));
            lines.append(JSON.writeValueAsString(line)).append('\n');
        });
        append(lines.toString());
    }

    private static ObjectNode line(Key key) {
        return JsonNodeFactory.instance.objectNode().put("model", key.role).put("task", key.task)
                .put("doc", key.document).put("part", key.part);
    }

    /** What a model wrote for an item, or null if it was not asked yet. */
    @Nullable
    String findText(Key key) {
        return texts.get(key);
    }

    /** Adds what a model wrote, which is then safe. */
    void addTexts(Map<Key, String> found) {
        texts.putAll(found);
        StringBuilder lines = new StringBuilder();
        found.forEach((key, text) -> lines.append(JSON.writeValueAsString(line(key).put(TEXT, text))).append('\n'));
        append(lines.toString());
    }

    private void append(String lines) {
        try {
            write(lines);
        } catch (IOException e) {
            throw unwritable(file, e);
        }
    }

    private void write(String text) throws IOException {
        if (channel != null) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(false);
        }
    }

    /** Removes the file if there is nothing to go on from. */
    public void removeIfEmpty() {
        if (!holdsSomething()) {
            remove();
        }
    }

    /** Removes the file: the run has ended. */
    public void remove() {
        close();
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new FailedException(file + ", where the run kept its scores, cannot be removed (" + IoReason.of(e)
                    + "); remove it by hand", e);
        }
    }

    private static FailedException unwritable(@Nullable Path file, IOException e) {
        return new FailedException("The scores of this run cannot be kept in " + file + " (" + IoReason.of(e)
                + "); choose an --output in a folder that may be written to and has room", e);
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
