package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.SharedData;
import dev.come.UsageException;
import dev.come.model.Positions;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A tokenizer of single words has the id 1 in front of a text, and the id of word wN is N + 2. */
class PerplexityTextTests {
    @TempDir
    Path data;

    private Tokenizer tokenizer;

    @BeforeEach
    void openTokenizer() throws IOException {
        tokenizer = Tokenizer.open(WordTokenizer.write(data, "w0", "w1", "w2"));
    }

    @AfterEach
    void closeTokenizer() {
        tokenizer.close();
    }

    private void write(String name, String content) throws IOException {
        Path file = data.resolve(name);
        Files.createDirectories(file.resolveSibling(""));
        Files.writeString(file, content);
    }

    private PerplexityText read(String dataset, int sequenceLength) {
        return read(new TextSource(dataset, data, "text"), sequenceLength, sequenceLength, Integer.MAX_VALUE);
    }

    private PerplexityText read(TextSource source, int sequenceLength, int stride, int windows) {
        return PerplexityText.read(source, WindowLength.of(sequenceLength), OptionalInt.of(stride), windows, tokenizer,
                new Positions(sequenceLength, false));
    }

    @Test
    void wiki2IsTheWholeTestSplit() throws IOException {
        write("wikitext2/wiki.train.raw", "w2 w2 w2 w2\n");
        write("wikitext2/wiki.test.raw", " \n w0 w1 \n w2 \n");
        PerplexityText text = read("wiki2", 2);
        assertThat(text.windows()).isEqualTo(Sequences.of(List.of(new int[]{1, 2}, new int[]{3, 4})));
        assertThat(text.facts().characters()).isEqualTo(8 + 5 + 4);
        assertThat(text.metric())
                .isEqualTo("wiki2 (test) perplexity per token, windows of 2 tokens, one BOS token before the text");
    }

    @Test
    void windowsThatSlideCoverTheTextOfWindowsSideBySide() throws IOException {
        write("mine.txt", "w0 w1 w2 w0 w1 w2 w0 w1");
        TextSource mine = new TextSource(data.resolve("mine.txt").toString(), data, "text");
        PerplexityText text = read(mine, 4, 3, Integer.MAX_VALUE);
        assertThat(text.windows()).isEqualTo(Sequences.of(List.of(new int[]{1, 2, 3, 4}, new int[]{4, 2, 3, 4},
                new int[]{4, 2})));
        assertThat(IntStream.range(0, 3).map(text::firstScored)).containsExactly(1, 1, 1);
        assertThat(IntStream.range(0, 3).map(text::scored).sum()).isEqualTo(8 - 1);
        PerplexityText beginning = read(mine, 4, 1, 1);
        assertThat(beginning.windows().count()).isEqualTo(1);
        assertThat(beginning.metric()).contains(
                "perplexity per token, first 4 tokens, windows of 4 tokens that move by 1, one BOS token");
        PerplexityText overlapping = read(mine, 4, 1, Integer.MAX_VALUE);
        assertThat(overlapping.windows().count()).isEqualTo(5);
        assertThat(overlapping.firstScored(1)).isEqualTo(3);
        assertThat(overlapping.metric()).contains("token, windows of 4 tokens that move by 1, one BOS token");
        assertThat(read(mine, 4, 4, Integer.MAX_VALUE).metric())
                .isEqualTo(read(data.resolve("mine.txt").toString(), 4).metric());
    }

    @Test
    void windowsThatOverlapTooMuchAreRefused() throws IOException {
        write("mine.txt", "w0 ".repeat(40_000));
        TextSource mine = new TextSource(data.resolve("mine.txt").toString(), data, "text");
        assertThatThrownBy(() -> read(mine, 20_000, 1, Integer.MAX_VALUE))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("--stride is 1, by which the windows would have");
    }

    @Test
    void c4IsTheFirst1100DocumentsAndTheFirst256Windows() throws IOException {
        write("c4/validation.jsonl", "{\"text\": \"w0\"}\n".repeat(1200));
        PerplexityText long4 = read("c4", 5);
        assertThat(long4.facts().rowsAvailable()).isEqualTo(1200);
        assertThat(long4.facts().rowsTaken()).isEqualTo(1100);
        assertThat(long4.facts().tokens()).isEqualTo(1101);
        assertThat(long4.windows().count()).isEqualTo(220);
        PerplexityText short4 = read("c4", 4);
        assertThat(short4.windows().count()).isEqualTo(256);
        assertThat(short4.facts().tokensUsed()).isEqualTo(1024);
        assertThat(short4.facts().notes()).isEmpty();
    }

    @Test
    void anotherSplitIsTakenAndToldOfIfTheRightOneIsMissing() throws IOException {
        write("c4/train.jsonl", "{\"text\": \"w0 w1\"}\n");
        assertThat(read("c4", 3).facts().notes()).containsExactly(
                "The validation split of c4 is not there: the train split was taken (c4/train.jsonl).");
        write("c4/c4.utf8", "w0 w1 w2\n");
        assertThat(read("c4", 3).facts().notes()).containsExactly(
                "The validation split of c4 is not there: files that name no split were taken (c4/c4.utf8).");
    }

    @Test
    void aTextFileAtAPathIsTakenAsItStands() throws IOException {
        write("mine.txt", "w0 w1\n\n\nw2\n");
        PerplexityText text = read(data.resolve("mine.txt").toString(), 4);
        assertThat(text.windows()).isEqualTo(Sequences.of(List.of(new int[]{1, 2, 3, 4})));
        assertThat(text.facts().characters()).isEqualTo(11);
    }

    @Test
    void whatCannotBeMeasuredIsRefused() throws IOException {
        assertThatThrownBy(() -> read("mmlu", 8)).isInstanceOf(UsageException.class)
                .hasMessage("--ppl-data takes wiki2, c4 or a path, not mmlu.");
        assertThatThrownBy(() -> read("wiki2", 0)).isInstanceOf(UsageException.class)
                .hasMessage(
                        "--seqlen is 0, but must be at least 2: nothing predicts the first token of a window, so a shorter one"
                                + " has no token to score");
        write("wikitext2/wiki.test.raw", "w0 w1\n");
        assertThatThrownBy(() -> read("wiki2", 8)).isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "The text of wiki2 (1 of 1 rows) has 3 tokens, but one window needs 8: lower --seqlen or give"
                                + " more text.");
    }

    /** golden/ppl.json, whose text was put together by an independent program. */
    @Test
    void theTextOfWiki2IsThatOfTheGoldenPerplexity() throws Exception {
        TextSource wiki2 = new TextSource("wiki2", SharedData.path("data"), "text");
        JsonNode golden = JsonMapper.shared().readTree(SharedData.path("golden/ppl.json"));
        Corpus corpus = Corpus.open(wiki2, List.of(Split.TEST), TextRows.WHOLE);
        assertThat(corpus.rowCount()).isEqualTo(golden.get("rows").asInt());
        String text = String.join(corpus.separator().orElseThrow(), TestRows.of(corpus));
        assertThat(text.codePointCount(0, text.length())).isEqualTo(golden.get("characters").asInt());
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        assertThat(HexFormat.of().formatHex(digest)).isEqualTo(golden.get("text_sha256_utf8").asString());
    }
}
