package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Small SentencePiece models of both kinds against SentencePiece itself; make_sentencepiece.py in the resources made them. */
class SentencePieceFixtureTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures/sentencepiece");

    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"bpe", "bpe-trimmed", "bpe-no-prefix", "unigram", "unigram-unknown"})
    void idsAndTextsAreThoseOfSentencePiece(String model) throws IOException {
        Files.copy(FIXTURES.resolve(model + ".model"), folder.resolve("tokenizer.model"));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            for (JsonNode vector : JsonMapper.shared().readTree(FIXTURES.resolve("ids.json")).get(model)) {
                String text = vector.get("text").asString();
                int[] ids = GoldenRandom.ints(vector.get("ids"));
                assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
                // What is unknown has no text; each program writes something of its own.
                String decoded = vector.get("decoded").asString();
                if (!decoded.contains("\u2047")) {
                    assertThat(tokenizer.decode(ids)).as(text).isEqualTo(decoded);
                }
            }
        }
    }
}
