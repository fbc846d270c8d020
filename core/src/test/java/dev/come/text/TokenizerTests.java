package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class TokenizerTests {
    @TempDir
    Path folder;

    /** golden-eval/README.md: 91 strings each, tokenised by Hugging Face's own programs. */
    @ParameterizedTest
    @CsvSource({"models/smollm2-135m-instruct, smollm2-135m.jsonl.gz, false, 49152",
        "models/smollm2-135m-instruct, smollm2-135m.tokenizer-json.jsonl.gz, false, 49152",
        "data/tokenizers/mistral-7b-v0.1, mistral-7b-v0.1.tokenizer-json.jsonl.gz, true, 32000"})
    void idsAndTextsAreThoseOfHuggingFace(String model, String golden, boolean specialTokenInFront,
            int size) throws IOException {
        Path vectors = SharedData.path("golden-eval/tokenizers/" + golden);
        try (Tokenizer tokenizer = Tokenizer.open(SharedData.path(model))) {
            assertThat(tokenizer.beginsWithSpecialToken()).isEqualTo(specialTokenInFront);
            assertThat(tokenizer.vocabularySize()).isEqualTo(size);
            for (JsonNode vector : GoldenVectors.read(vectors)) {
                String name = vector.get("name").asString();
                String text = vector.get("text").asString();
                int[] ids = GoldenRandom.ints(vector.get("ids"));
                assertThat(tokenizer.encode(text)).as(name).isEqualTo(ids);
                assertThat(tokenizer.encodeWithoutSpecialTokens(text)).as(name)
                        .isEqualTo(GoldenRandom.ints(vector.get("ids_no_special")));
                assertThat(tokenizer.decode(ids)).as(name).isEqualTo(vector.get("decoded").asString());
            }
        }
    }

    /** transformers 5.24 takes Qwen 2's own steps where config.json says qwen2 (findings/). */
    @Test
    void theTypeOfAModelChangesNoIds() throws IOException {
        Path letters = Path.of("src/test/resources/fixtures/gguf/letters");
        for (String type : List.of("qwen2", "llama")) {
            Path model = Files.createDirectories(folder.resolve(type));
            Files.copy(letters.resolve("tokenizer.json"), model.resolve("tokenizer.json"));
            Files.writeString(model.resolve("config.json"), "{\"model_type\": \"" + type + "\"}");
            try (Tokenizer tokenizer = Tokenizer.open(model)) {
                assertThat(tokenizer.encode("the hat")).as(type).containsExactly(30, 4, 3, 11, 6, 5);
            }
        }
    }

    @Test
    void aTextOfMegabytesIsEncodedWhole() throws IOException {
        String text = Files.readString(SharedData.path("data/wikitext2/wiki.test.raw"));
        try (Tokenizer tokenizer = Tokenizer.open(SharedData.path("models/smollm2-135m-instruct"))) {
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
        }
    }

    /** Words only, with a beginning-of-sequence token in front, and a truncation at two tokens that must not count. */
    @Test
    void truncationThatTheFileAsksForIsOff() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(WordTokenizer.write(folder, "red", "green", "blue"))) {
            assertThat(tokenizer.encode("green red green blue")).containsExactly(1, 3, 2, 3, 4);
            assertThat(tokenizer.encodeWithoutSpecialTokens("blue yellow")).containsExactly(4, 0);
            assertThat(tokenizer.vocabularySize()).isEqualTo(5);
            assertThat(tokenizer.beginsWithSpecialToken()).isTrue();
        }
    }

    @Test
    void anIdBeyondTheEmbeddingIsRefused() throws IOException {
        WordTokenizer.write(folder, "red", "green");
        try (Tokenizer tokenizer = Tokenizer.open(folder, 3)) {
            assertThat(tokenizer.encode("red")).containsExactly(1, 2);
            assertThatThrownBy(() -> tokenizer.encode("red green")).isInstanceOf(InvalidInputException.class)
                    .hasMessage(folder.resolve("tokenizer.json") + " gives the token id 3, but the model's vocab_size"
                            + " is 3: the tokenizer belongs to another model.");
        }
    }

    @Test
    void aFolderWithoutTokenizerSaysWhatToDo() {
        assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        folder + " has no tokenizer.json, tokenizer.model or vocab.json: copy it from the model that"
                                + " the weights come from.");
    }

    @Test
    void aBrokenTokenizerIsNamed() throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), "{\"model\":");
        assertThatThrownBy(() -> Tokenizer.open(folder)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(folder.resolve("tokenizer.json") + " is not a tokenizer that can be read: EOF");
    }
}
