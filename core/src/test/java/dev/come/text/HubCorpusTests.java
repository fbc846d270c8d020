package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.hub.Hub;
import dev.come.hub.HubSettings;
import dev.come.hub.LocalHub;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Corpora by name where no data directory is given: from repositories laid out as those on the hub. */
class HubCorpusTests {
    private final LocalHub server = new LocalHub();

    @TempDir
    Path folder;

    @AfterEach
    void close() {
        server.close();
    }

    private Corpus open(String dataset, Split... preference) {
        return open(server.settings(folder.resolve("cache")), dataset, preference);
    }

    private static Corpus open(HubSettings settings, String dataset, Split... preference) {
        try (Hub hub = new Hub(settings, Progress.NONE)) {
            return Corpus.open(new TextSource(dataset, new TextSource.OnHub(() -> hub), TextSource.DEFAULT_FIELD),
                    List.of(preference), TextRows.PARAGRAPHS);
        }
    }

    private static List<String> allRows(Corpus corpus) {
        return TestRows.of(corpus);
    }

    private byte[] parquet(String values, String... columns) throws IOException, SQLException {
        return Files.readAllBytes(TestParquet.write(folder.resolve("made.parquet"), values, columns));
    }

    private static byte[] gzip(String text) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(bytes)) {
            gzip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }

    @Test
    void wiki2IsOneFileOfEachSplit() throws IOException, SQLException {
        for (String split : List.of("train", "validation", "test")) {
            server.file("datasets/Salesforce/wikitext", "wikitext-2-raw-v1/" + split + "-00000-of-00001.parquet",
                    parquet("(' = " + split + " = \n'), ('')", "text"));
            server.file("datasets/Salesforce/wikitext", "wikitext-103-raw-v1/" + split + "-00000-of-00002.parquet",
                    parquet("('much more')", "text"));
        }
        Corpus train = open("wiki2", Split.TRAIN, Split.VALIDATION);
        assertThat(allRows(train)).containsExactly(" = train = \n", "");
        assertThat(train.sources()).containsExactly("wikitext-2-raw-v1/train-00000-of-00001.parquet");
        assertThat(train.notes(Split.TRAIN)).isEmpty();
        assertThat(allRows(open("wiki2", Split.TEST))).containsExactly(" = test = \n", "");
        assertThat(folder.resolve("cache/datasets--Salesforce--wikitext/refs/main")).isRegularFile();
    }

    @Test
    void c4IsTheFirstShardAlone() throws IOException {
        for (String file : List.of("en/c4-train.00000-of-01024", "en/c4-train.00001-of-01024",
                "en.noclean/c4-train.00000-of-07168", "en/c4-validation.00000-of-00008")) {
            server.file("datasets/allenai/c4", file + ".json.gz", gzip("{\"text\": \"" + file + "\"}\n"));
        }
        assertThat(allRows(open("c4", Split.TRAIN))).containsExactly("en/c4-train.00000-of-01024");
        assertThat(allRows(open("c4", Split.VALIDATION))).containsExactly("en/c4-validation.00000-of-00008");
    }

    @Test
    void booksAreThoseOfTheFirstShard() throws IOException, SQLException {
        server.file("datasets/emozilla/pg19", "data/train-00000-of-00002-0a1b2c3d.parquet",
                parquet("('A book.')", "text"));
        server.file("datasets/emozilla/pg19", "data/train-00001-of-00002-4e5f6a7b.parquet",
                parquet("('Another.')", "text"));
        server.file("datasets/rojagtap/bookcorpus", "data/train-00000-of-00001.parquet",
                parquet("('a sentence .')", "text"));
        assertThat(allRows(open("pg19", Split.TRAIN))).containsExactly("A book.");
        assertThat(allRows(open("bookcorpus", Split.TRAIN))).containsExactly("a sentence .");
    }

    @Test
    void alpacaIsTheCleanedOne() {
        server.file("datasets/yahma/alpaca-cleaned", "alpaca_data_cleaned.json",
                "[{\"output\": \"4\", \"input\": \"2 + 2\", \"instruction\": \"Add.\"}]"
                        .getBytes(StandardCharsets.UTF_8));
        assertThat(allRows(open("alpaca", Split.TRAIN))).containsExactly("Add.\n2 + 2\n4");
    }

    @Test
    void mmluIsAllSubjectsAndNothingElse() throws IOException, SQLException {
        byte[] questions = parquet("('Why?', ['a', 'b', 'c', 'd'])", "question", "choices");
        for (int i = 0; i < 57; i++) {
            for (String split : List.of("validation", "test", "dev")) {
                server.file("datasets/cais/mmlu",
                        String.format(Locale.ROOT, "subject_%02d/%s-00000-of-00001.parquet", i, split), questions);
            }
        }
        server.file("datasets/cais/mmlu", "all/validation-00000-of-00001.parquet", questions);
        server.file("datasets/cais/mmlu", "auxiliary_train/train-00000-of-00001.parquet", questions);
        Corpus corpus = open("mmlu", Split.TRAIN, Split.VALIDATION);
        assertThat(corpus.files()).hasSize(57);
        assertThat(TestRows.of(corpus, 0)).containsExactly("Why?\nA. a\nB. b\nC. c\nD. d\nAnswer:");
        assertThat(corpus.notes(Split.TRAIN)).first().asString().contains("The train split of mmlu is not there");
    }

    @Test
    void aRepositoryThatIsNotWhatItWasIsRefused() {
        server.file("datasets/cais/mmlu", "subject/validation-00000-of-00001.parquet", new byte[]{1});
        assertThatThrownBy(() -> open("mmlu", Split.VALIDATION)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("The hub has 1 files */{split}-*.parquet of the data set cais/mmlu")
                .hasMessageContaining("there should be 57").hasMessageContaining("--data-dir");
    }

    @Test
    void aSplitThatTheRepositoryNeverHadIsRefused() {
        assertThatThrownBy(() -> open("alpaca", Split.TEST)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("yahma/alpaca-cleaned").hasMessageContaining("[test]");
    }

    @Test
    void offlineAnotherSplitIsNotTakenForTheOneThatIsMissing() throws IOException, SQLException {
        for (String split : List.of("train", "validation")) {
            server.file("datasets/Salesforce/wikitext", "wikitext-2-raw-v1/" + split + "-00000-of-00001.parquet",
                    parquet("('" + split + "')", "text"));
        }
        HubSettings offline = new HubSettings(server.endpoint(), folder.resolve("cache"), Optional.empty(), true);
        assertThatThrownBy(() -> open(offline, "wiki2", Split.TRAIN)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("HF_HUB_OFFLINE");
        open("wiki2", Split.VALIDATION);
        assertThatThrownBy(() -> open(offline, "wiki2", Split.TRAIN, Split.VALIDATION))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("The cache of the hub has 0 files wikitext-2-raw-v1/{split}-*.parquet")
                .hasMessageContaining("train split");
        assertThat(allRows(open(offline, "wiki2", Split.VALIDATION))).containsExactly("validation");
    }

    @Test
    void aPathNeedsNoHub() throws IOException {
        Path file = Files.writeString(folder.resolve("own.txt"), "mine");
        TextSource source = new TextSource(file.toString(), new TextSource.OnHub(() -> {
            throw new AssertionError("the hub was asked for");
        }), TextSource.DEFAULT_FIELD);
        assertThat(allRows(Corpus.open(source, List.of(Split.ALL), TextRows.WHOLE))).containsExactly("mine");
    }
}
