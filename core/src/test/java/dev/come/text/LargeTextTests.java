package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.InvalidInputException;
import dev.come.model.Positions;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Texts that do not fit in the heap, in a process of its own: 120 MB of text beside a heap of 48 MB. With
 * {@code -Dcome.test.largeText=540} it is a text as large as WikiText-103 beside the launcher's heap of 1 GB.
 */
class LargeTextTests {
    private static final int MEGABYTES = Integer.getInteger("come.test.largeText", 120);
    private static final Path TOKENIZER = Path.of("src/test/resources/fixtures/stories260K").toAbsolutePath();

    @TempDir
    private Path folder;

    /** The other process: what it is to do, the file, and prints what it got. */
    static final class Program {
        private static final WindowLength WINDOW = WindowLength.of(256);
        private static final Positions POSITIONS = new Positions(256, false);

        private Program() {
        }

        private static TextFacts perplexity(TextSource source, int windows, Tokenizer tokenizer) {
            return PerplexityText.read(source, WINDOW, OptionalInt.empty(), windows, tokenizer, POSITIONS).facts();
        }

        public static void main(String[] arguments) throws IOException {
            TextSource source = new TextSource(arguments[1], Path.of("."), TextSource.DEFAULT_FIELD);
            long start = System.nanoTime();
            try (Tokenizer tokenizer = Tokenizer.open(Path.of(arguments[2]))) {
                TextFacts facts = switch (arguments[0]) {
                    case "sample" -> new CalibrationSet.Options(source, 64, OptionalInt.empty(), 10, WINDOW)
                            .take(tokenizer, POSITIONS).facts();
                    case "perplexity" -> perplexity(source, 2, tokenizer);
                    case "all" -> perplexity(source, Integer.MAX_VALUE, tokenizer);
                    default -> throw new IllegalArgumentException(arguments[0]);
                };
                System.out.println(facts.summary());
            } catch (InvalidInputException e) {
                System.out.println(e.getMessage());
            }
            Path status = Path.of("/proc/self/status"); // Linux alone has it
            String peak = Files.exists(status)
                    ? Files.readAllLines(status).stream().filter(line -> line.startsWith("VmHWM")).findFirst()
                            .orElse("")
                    : "";
            System.out.println((System.nanoTime() - start) / 1_000_000 + " ms " + peak);
        }
    }

    private static List<String> run(String what, Path file) throws IOException, InterruptedException {
        return run(what, file, MEGABYTES >= 540 ? "-Xmx1g" : "-Xmx48m");
    }

    private static List<String> run(String what, Path file, String heap) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), heap,
                "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
                Program.class.getName(), what, file.toString(), TOKENIZER.toString()).redirectErrorStream(true).start();
        List<String> lines = process.inputReader().lines().toList();
        assertThat(process.waitFor(10, TimeUnit.MINUTES)).isTrue();
        lines.forEach(line -> System.out.println(what + " " + file.getFileName() + ": " + line));
        return lines;
    }

    /** Articles as those of WikiText: headings, blank lines, and paragraphs of one line. */
    private Path wikiText(String name) throws IOException {
        Path file = folder.resolve(name);
        Random random = new Random(7);
        List<String> paragraphs = new ArrayList<>();
        for (int i = 0; i < 1000; i++) {
            StringBuilder text = new StringBuilder(" ");
            int length = 50 + random.nextInt(900);
            while (text.length() < length) {
                text.append(random.ints(1 + random.nextInt(9), 'a', 'z' + 1).collect(StringBuilder::new,
                        StringBuilder::appendCodePoint, StringBuilder::append)).append(' ');
            }
            paragraphs.add(text.append("\n \n").toString());
        }
        try (Writer writer = Files.newBufferedWriter(file)) {
            for (long written = 0; written < MEGABYTES * 1_000_000L;) {
                String paragraph = paragraphs.get(random.nextInt(paragraphs.size()));
                writer.write(paragraph);
                written += paragraph.length();
            }
        }
        return file;
    }

    @Test
    void aTextLargerThanTheHeapIsSampledAndMeasured() throws Exception {
        Path file = wikiText("wiki.txt");
        assertThat(run("sample", file).getFirst()).matches(".*wiki\\.txt \\(all\\): 64 of [\\d,]+ rows, .* tokens");
        assertThat(run("perplexity", file).getFirst()).matches(".*: 1 of 1 rows, .*: 2 sequences, 512 tokens");
    }

    @Test
    void aTextWithMoreTokensThanTheHeapHoldsIsRefusedInOneSentence() throws Exception {
        Path file = wikiText("wiki.txt");
        assertThat(run("all", file).getFirst())
                .matches("The text of .*wiki.txt has more than [\\d,]+ tokens, which is what"
                        + " Java's memory \\([\\d,]+ MB\\) has room for: measure on less with --ppl-windows, or give it more with"
                        + " COME_JAVA_OPTS=-Xmx8g\\.");
    }

    /** One object with a text that is larger than what a table library takes for a line: a long book. */
    @Test
    void aBookInOneObjectOrFieldIsRead() throws Exception {
        String book = "It was the best of times, it was the worst of times. ".repeat(20_000_000 / 53);
        Path json = folder.resolve("book.json.gz");
        try (Writer writer = new BufferedWriter(new OutputStreamWriter(
                new GZIPOutputStream(Files.newOutputStream(json)), StandardCharsets.UTF_8))) {
            writer.write("[{\"title\": \"T\", \"text\": \"");
            writer.write(book);
            writer.write("\"}]");
        }
        Path csv = folder.resolve("book.csv");
        Files.writeString(csv, "title,text\nT,\"" + book + "\"\n");
        Path parquet = TestParquet.write(folder.resolve("book.parquet"),
                "('T', repeat('It was the best of times, it was the worst of times. ', " + 20_000_000 / 53 + "))",
                "title",
                "text");
        for (Path file : List.of(json, csv, parquet)) {
            RowFile rows = RowFile.of(file, TextRows.WHOLE, List.of(RowRecipe.field("text")));
            assertThat(rows.count()).isOne();
            assertThat(TestRows.of(rows).getFirst()).isEqualTo(book);
        }
        assertThat(run("perplexity", json, "-Xmx400m").getFirst())
                .matches(".*: 1 of 1 rows, .*: 2 sequences, 512 tokens");
        assertThat(run("perplexity", json, "-Xmx64m").getFirst())
                .startsWith(json + " is beyond what is read of a JSON file:")
                .endsWith(
                        "; divide it into more and flatter rows, or give Java more memory with COME_JAVA_OPTS=-Xmx8g.");
    }
}
