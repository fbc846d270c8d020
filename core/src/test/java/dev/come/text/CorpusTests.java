package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTests {
    @TempDir
    Path data;

    private void write(String name, String content) throws IOException {
        Path file = data.resolve(name);
        Files.createDirectories(file.resolveSibling(""));
        Files.writeString(file, content);
    }

    private Corpus open(String dataset, Split... preference) {
        return Corpus.open(new TextSource(dataset, data, "text"), List.of(preference), TextRows.PARAGRAPHS);
    }

    private static List<String> allRows(Corpus corpus) {
        return TestRows.of(corpus);
    }

    @Test
    void rowsComeInTheOrderThatIsAskedForFromAllFiles() throws IOException {
        write("c4/b.jsonl", "{\"text\": \"two\"}\n{\"text\": \"three\"}\n");
        write("c4/a.utf8", "zero\none\n");
        write("c4/c.json", "[{\"input\": \"four\", \"output\": \"five\"}]");
        write("c4/README.md", "not read");
        Corpus corpus = open("c4", Split.ALL);
        assertThat(corpus.sources()).containsExactly("c4/a.utf8", "c4/b.jsonl", "c4/c.json");
        assertThat(corpus.rowCount()).isEqualTo(5);
        assertThat(TestRows.of(corpus, 3, 0, 4)).containsExactly("three", "zero", "four five");
        assertThat(corpus.separator()).contains(" ");
    }

    @Test
    void theFirstSplitThatIsThereIsTakenAndAnotherIsToldOf() throws IOException {
        write("wikitext2/wiki.valid.raw", " one \n \n");
        write("wikitext2/wiki.test.raw", " two \n");
        Corpus test = open("wiki2", Split.TEST, Split.VALIDATION);
        assertThat(allRows(test)).containsExactly(" two \n");
        assertThat(test.notes(Split.TEST)).isEmpty();
        Corpus validation = open("wiki2", Split.TRAIN, Split.VALIDATION, Split.ALL);
        assertThat(allRows(validation)).containsExactly(" one \n", "");
        assertThat(validation.notes(Split.TRAIN))
                .containsExactly("The train split of wiki2 is not there: the validation"
                        + " split was taken (wikitext2/wiki.valid.raw).");
    }

    @Test
    void aFileThatSaysItsSplitIsNoFileOfAllSplits() throws IOException {
        write("alpaca/test.json", "[{\"instruction\": \"a\", \"input\": \"b\", \"output\": \"c\"}]");
        assertThatThrownBy(() -> open("alpaca", Split.TRAIN, Split.ALL)).isInstanceOf(InvalidInputException.class);
        write("alpaca/some.json", "[{\"instruction\": \"d\", \"input\": \"\", \"output\": \"e\"}]");
        Corpus corpus = open("alpaca", Split.TRAIN, Split.ALL);
        assertThat(allRows(corpus)).containsExactly("d\n\ne");
        assertThat(corpus.notes(Split.TRAIN))
                .containsExactly("The train split of alpaca is not there: files that name no"
                        + " split were taken (alpaca/some.json).");
    }

    @Test
    void repositoriesOfHuggingFaceAreUnderstood() throws Exception {
        Files.createDirectories(data.resolve("wikitext/wikitext-2-raw-v1"));
        TestParquet.write(data.resolve("wikitext/wikitext-2-raw-v1/train-00000-of-00001.parquet"),
                "(''), (' = Title = \n')", "text");
        assertThat(allRows(open("wiki2", Split.TRAIN))).containsExactly("", " = Title = \n");
        for (String subject : List.of("anatomy", "all", "auxiliary_train")) {
            Files.createDirectories(data.resolve("mmlu/" + subject));
            TestParquet.write(data.resolve("mmlu/" + subject + "/dev-00000-of-00001.parquet"),
                    "('" + subject + "?', ['a', 'b', 'c', 'd'])", "question", "choices");
        }
        assertThat(allRows(open("mmlu", Split.TRAIN, Split.VALIDATION)))
                .containsExactly("anatomy?\nA. a\nB. b\nC. c\nD. d\nAnswer:");
    }

    @Test
    void booksAreWholeFilesAndServeTwoCorpora() throws IOException {
        write("books/emma.txt", "one\n\ntwo\n");
        write("books/iliad.txt", "three");
        assertThat(allRows(open("pg19", Split.TRAIN, Split.ALL))).containsExactly("one\n\ntwo\n", "three");
        assertThat(allRows(open("bookcorpus", Split.TRAIN, Split.ALL))).hasSize(2);
        write("pg19/train/7.txt", "four");
        assertThat(allRows(open("pg19", Split.TRAIN, Split.ALL))).containsExactly("four");
    }

    @Test
    void aMissingCorpusTellsWhereItWasLookedFor() {
        assertThatThrownBy(() -> open("mmlu", Split.TRAIN, Split.VALIDATION)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("The corpus mmlu is not in " + data + " (--data-dir): looked for"
                        + " mmlu/{split}/*_{split}.csv, mmlu/*/{split}-*.parquet, where {split} is train, validation,"
                        + " valid, val, dev, {table} is parquet,");
        Path absent = data.resolve("absent");
        assertThatThrownBy(
                () -> Corpus.open(new TextSource("c4", absent, "text"), List.of(Split.TRAIN), TextRows.PARAGRAPHS))
                .isInstanceOf(InvalidInputException.class).hasMessage("The data directory " + absent
                        + " (--data-dir) is not there: it is needed for the corpus c4.");
    }

    @Test
    void aPathIsAFileOrAFolderOfFiles() throws IOException {
        write("mine/b.txt", "one\n\ntwo\n");
        write("mine/a.csv", "text\nzero\n");
        write("mine/notes.md", "not read");
        Corpus folder = open(data.resolve("mine").toString());
        assertThat(folder.sources()).containsExactly("a.csv", "b.txt");
        assertThat(allRows(folder)).containsExactly("zero", "one", "two");
        assertThat(folder.notes(Split.TRAIN)).isEmpty();
        Corpus file = open(data.resolve("mine/b.txt").toString());
        assertThat(file.sources()).containsExactly("b.txt");
        assertThat(allRows(file)).containsExactly("one", "two");
    }

    @Test
    void theFieldOfTextIsForPathsOnly() throws IOException {
        write("a.jsonl", "{\"body\": \"one\"}\n");
        TextSource path = new TextSource(data.resolve("a.jsonl").toString(), data, "body");
        assertThat(allRows(Corpus.open(path, List.of(), TextRows.WHOLE))).containsExactly("one");
        assertThatThrownBy(() -> Corpus.open(new TextSource("c4", data, "body"), List.of(), TextRows.WHOLE))
                .isInstanceOf(UsageException.class)
                .hasMessage("--text-field body is for data at a path: the corpus c4 has fields of its own.");
    }

    @Test
    void aPathWithoutTextIsRefused() throws IOException {
        assertThatThrownBy(() -> open("wiki3")).isInstanceOf(InvalidInputException.class)
                .hasMessage("wiki3 is neither a file or folder that is there nor a corpus (did you mean wiki2?): the"
                        + " corpora are wiki2, c4, pg19, bookcorpus,"
                        + " alpaca, mmlu.");
        assertThatThrownBy(() -> open(data.toString())).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("The folder " + data + " has no file that ends in txt, ");
        write("blank.txt", " \n");
        Path blank = data.resolve("blank.txt");
        assertThatThrownBy(() -> open(blank.toString()).rowCount()).isInstanceOf(InvalidInputException.class)
                .hasMessage(blank + " has no rows of text in blank.txt below " + data + ".");
    }
}
