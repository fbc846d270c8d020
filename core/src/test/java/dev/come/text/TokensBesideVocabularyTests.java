package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

/**
 * Tokens that tokenizer.json lacks and the files beside it have. The golden ids are those of transformers' AutoTokenizer;
 * make_tokens.py in the resources made them.
 */
class TokensBesideVocabularyTests {
    private static final Path CASES = Path.of("src/test/resources/fixtures/tokens/cases.jsonl.gz");
    /** AutoTokenizer gives these tokens other ids than the files say, without a word. */
    private static final List<String> REFUSED = List.of("a gap before the id", "an id of another token",
            "a token of the vocabulary with another id");

    @TempDir
    private Path folder;

    static Stream<String> cases() throws IOException {
        return GoldenVectors.read(CASES).stream().map(entry -> entry.get("name").asString())
                .filter(name -> !REFUSED.contains(name));
    }

    private JsonNode write(String name) throws IOException {
        JsonNode found = GoldenVectors.read(CASES).stream().filter(entry -> entry.get("name").asString().equals(name))
                .findFirst().orElseThrow();
        for (Map.Entry<String, JsonNode> file : found.get("files").properties()) {
            Files.writeString(folder.resolve(file.getKey()), file.getValue().toString());
        }
        return found;
    }

    @ParameterizedTest
    @MethodSource("cases")
    void idsAreThoseOfTransformers(String name) throws IOException {
        JsonNode golden = write(name);
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(golden.get("size").asInt());
            for (int i = 0; i < golden.get("texts").size(); i++) {
                String text = golden.get("texts").get(i).asString();
                int[] ids = GoldenRandom.ints(golden.get("ids").get(i));
                assertThat(tokenizer.encode(text)).as(text).isEqualTo(ids);
                if (!name.equals("flags")) { // newer libraries decode a normalised token as it is looked for: TOOL as tool
                    assertThat(tokenizer.decode(ids)).as(text).isEqualTo(golden.get("decoded").get(i).asString());
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"a gap before the id, tokenizer_config.json, <tool>, 104, the next id that is free is 101",
        "an id of another token, tokenizer_config.json, <tool>, 97, the next id that is free is 101",
        "a token of the vocabulary with another id, added_tokens.json, the, 101, the vocabulary has it as 97"})
    void aTokenThatCannotHaveItsIdIsRefused(String name, String file, String token, int id, String why)
            throws IOException {
        write(name);
        assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "%s gives the token '%s' the id %s, but %s; take all files of the tokenizer from the same model",
                        folder.resolve(file), token, id, why);
    }

    /** What begins or ends a text is refused by every command alike; a pad token is never used. */
    @Test
    void aNamedTokenWithoutAnEmbeddingIsRefusedWhereverItIsNeeded() throws IOException {
        write("three named ones, one twice");
        try (Tokenizer tokenizer = Tokenizer.open(folder, 103)) {
            assertThat(SpecialTokens.of(folder, tokenizer))
                    .isEqualTo(new SpecialTokens(OptionalInt.of(101), OptionalInt.of(102)));
        }
        assertThatThrownBy(() -> Tokenizer.open(folder, 102)).isInstanceOf(InvalidInputException.class)
                .hasMessage("%s names the token '<two>', whose id would be 102, but the model's vocab_size is 102:"
                        + " the tokenizer belongs to another model.", folder.resolve("tokenizer_config.json"));
        write("a named pad");
        try (Tokenizer tokenizer = Tokenizer.open(folder, 101)) {
            assertThat(tokenizer.furtherTokens()).isEqualTo(1);
            assertThatThrownBy(() -> tokenizer.encode("<fill>")).hasMessageContaining("gives the token id 101");
        }
    }
}
