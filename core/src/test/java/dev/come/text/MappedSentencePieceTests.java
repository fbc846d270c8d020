package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/**
 * SentencePiece models with the map of characters that the trainer takes if it is told nothing (nmt_nfkc): ids are those of
 * SentencePiece itself; make_mapped.py in the resources made models and ids.
 */
class MappedSentencePieceTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures/sentencepiece");
    /** A folder that make_mapped.py was told to fill with as many strings as wanted. */
    private static final String MORE = "come.sentencepiece";

    @TempDir
    private Path folder;

    /** Puts the map, which all models share, back into one. */
    private Tokenizer open(String model) throws IOException {
        byte[] map;
        try (GZIPInputStream packed = new GZIPInputStream(Files.newInputStream(FIXTURES.resolve("nmt_nfkc.map.gz")))) {
            map = packed.readAllBytes();
        }
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(Files.readAllBytes(FIXTURES.resolve(model + ".model")));
        ByteArrayOutputStream normalizer = new ByteArrayOutputStream();
        field(normalizer, 2, map);
        field(bytes, 3, normalizer.toByteArray()); // a part that comes twice is one
        Files.write(folder.resolve("tokenizer.model"), bytes.toByteArray());
        return Tokenizer.open(folder);
    }

    private static void field(ByteArrayOutputStream out, int number, byte[] content) throws IOException {
        out.write(number << 3 | 2);
        int size = content.length;
        for (; size > 0x7f; size >>>= 7) {
            out.write((size & 0x7f) | 0x80);
        }
        out.write(size);
        out.write(content);
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped-bpe", "mapped-unigram"})
    void idsAreThoseOfSentencePiece(String model) throws IOException {
        try (Tokenizer tokenizer = open(model)) {
            List<JsonNode> vectors = GoldenVectors.read(FIXTURES.resolve("mapped.jsonl.gz"));
            assertThat(vectors).hasSize(200);
            assertIds(tokenizer, model, vectors);
        }
    }

    private static void assertIds(Tokenizer tokenizer, String model, List<JsonNode> vectors) {
        for (JsonNode vector : vectors) {
            String text = vector.get("text").asString();
            assertThat(tokenizer.encode(text)).as("%s of %s", model, vector.get("text"))
                    .isEqualTo(GoldenRandom.ints(vector.get(model)));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"mapped-bpe", "mapped-bpe-blanks", "mapped-bpe-no-prefix", "mapped-bpe-folded",
        "mapped-bpe-nfkc", "mapped-unigram", "mapped-unigram-blanks"})
    void idsOfManyMoreAreThoseOfSentencePiece(String model) throws IOException {
        assumeTrue(System.getProperty(MORE) != null, "made outside the build: make_mapped.py says how");
        Path more = Path.of(System.getProperty(MORE));
        Files.copy(more.resolve(model + ".model"), folder.resolve("tokenizer.model"));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertIds(tokenizer, model, GoldenVectors.read(more.resolve("mapped.jsonl.gz")));
        }
    }

    /** The three that the step of the tokenizers library does otherwise. Texts of bytes show what is made of them. */
    @ParameterizedTest
    @CsvSource({"'a\r\nb', ' a b'", "'e\u0301', ' \u00e9'", "'a\u0300\u0323', ' \u00e0\u0323'",
        "'\u1112\u1161\u11ab', ' \ud55c'", "'x\u0300', ' x\u0300'", "' \uff11  \u2460 ', ' 1 1'", "'\u200b', ''",
        "'\u0001', ''"})
    void textsBecomeWhatSentencePieceMakesOfThem(String text, String read) throws IOException {
        try (Tokenizer tokenizer = open("mapped-bpe")) {
            // The blank that is put in front is taken off when a text is decoded.
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(read.replaceFirst("^ ", ""));
        }
    }

    /** Tokens that are no text divide a text where they are spelt out, and nowhere else. */
    @Test
    void onlyWhatIsSpeltOutIsASpecialToken() throws IOException {
        try (Tokenizer tokenizer = open("mapped-bpe")) {
            assertThat(tokenizer.encode("</s>")).containsExactly(2);
            assertThat(tokenizer.encode("a</s>a")).startsWith(tokenizer.encode("a")).endsWith(tokenizer.encode("a"))
                    .contains(2);
            assertThat(tokenizer.encode("\uff1c/s\uff1e")).as("it is spelt otherwise").doesNotContain(2);
            assertThat(tokenizer.encode("<\u0001/s>")).doesNotContain(2);
            assertThat(tokenizer.decode(new int[]{1, 2, 0})).isEqualTo("<s></s><unk>");
        }
    }

    @Test
    void aTextIsCutWhereItsIdsAreThoseOfTheWhole() throws IOException {
        try (Tokenizer tokenizer = open("mapped-bpe")) {
            String text = "The fox sees the dog.\r\nUnder the \ufb01r e\u0301 owl\u3000 \uff11 a</s> b\n\n c. "
                    .repeat(200);
            TokenIds ids = new TokenIds("text", Long.MAX_VALUE, false, "");
            TextEncoder encoder = new TextEncoder(tokenizer, true, ids, 100, 1000);
            encoder.append(text);
            encoder.finish();
            assertThat(ids.allIds()).isEqualTo(tokenizer.encodeAtOnce(text, true));
        }
    }
}
