package dev.come;

import dev.come.checkpoint.ConfigTree;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.node.ObjectNode;

/** Golden models with a tokenizer, which makes them complete: their 128 tokens are the words w3 to w127 and three marks. */
public final class WordModels {
    private static final Path TOKENIZER = Path.of("src/test/resources/fixtures/words/tokenizer.json");

    private WordModels() {
    }

    /** A copy of a golden model with the tokenizer, below the folder. */
    public static Path copy(String golden, Path folder) throws IOException {
        Path copy = copied(Golden.model(golden), folder.resolve(golden));
        Files.copy(TOKENIZER, copy.resolve("tokenizer.json"));
        return copy;
    }

    /** A copy of a fixture of families with as many words as it has rows, below the folder. */
    public static Path family(String name, int words, Path folder) throws IOException {
        Path copy = copied(Golden.familyModel(name), folder.resolve(name));
        ConfigTree tokenizer = ConfigTree.read(TOKENIZER).edited(root -> {
            ObjectNode vocabulary = (ObjectNode) root.get("model").get("vocab");
            List.copyOf(vocabulary.propertyNames()).stream().filter(word -> vocabulary.get(word).intValue() >= words)
                    .forEach(vocabulary::remove);
        });
        Files.writeString(copy.resolve("tokenizer.json"), tokenizer.toJson());
        return copy;
    }

    private static Path copied(Path model, Path copy) throws IOException {
        Files.createDirectories(copy);
        try (Stream<Path> files = Files.list(model)) {
            for (Path file : files.toList()) {
                Files.copy(file, copy.resolve(file.getFileName().toString()));
            }
        }
        return copy;
    }

    /** A text file of paragraphs of words drawn at random, always the same ones. */
    public static Path text(Path file, int paragraphs) throws IOException {
        return text(file, paragraphs, 128);
    }

    /** The same with the first of the words only. */
    public static Path text(Path file, int paragraphs, int words) throws IOException {
        Random random = new Random(7);
        return Files.writeString(file, Stream.generate(() -> paragraph(random, words)).limit(paragraphs)
                .collect(Collectors.joining("\n\n", "", "\n")));
    }

    private static String paragraph(Random random, int words) {
        return random.ints(40, 3, words).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    /** The SHA-256 of every file below a folder, by its path from there. */
    public static SortedMap<String, String> hashes(Path folder) {
        SortedMap<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file));
                hashes.put(folder.relativize(file).toString(), HexFormat.of().formatHex(digest));
            }
            return hashes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** The names of what lies in a folder, hidden or not. */
    public static SortedSet<String> names(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
