package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.vocabulary.TokenizerCompat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Ids that AutoTokenizer of transformers 5.24 gives where it builds a tokenizer anew: fixtures/compat/compat.json, which
 * make_compat.py beside it has from transformers itself.
 */
class TokenizerCompatTests {
    private static final JsonNode FIXTURE = read();

    @TempDir
    private Path folder;

    private static JsonNode read() {
        try (var in = TokenizerCompatTests.class.getResourceAsStream("/fixtures/compat/compat.json")) {
            return JsonMapper.shared().readTree(in);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private Path write(JsonNode one) throws IOException {
        Path place = Files.createDirectories(folder.resolve(one.path("name").asString()));
        ObjectNode tokenizer = (ObjectNode) FIXTURE.path("bases").path(one.path("base").asString()).deepCopy();
        one.path("tokenizer").properties().forEach(change -> {
            if (change.getKey().equals("model")) {
                ((ObjectNode) tokenizer.path("model")).setAll((ObjectNode) change.getValue());
            } else {
                tokenizer.set(change.getKey(), change.getValue());
            }
        });
        Files.writeString(place.resolve("tokenizer.json"), tokenizer.toString());
        Files.writeString(place.resolve("config.json"), one.path("config").toString());
        if (one.path("settings").isObject()) {
            Files.writeString(place.resolve("tokenizer_config.json"), one.path("settings").toString());
        }
        return place;
    }

    private static List<int[]> ids(JsonNode lists) {
        List<int[]> all = new ArrayList<>();
        lists.forEach(list -> all.add(JsonMapper.shared().convertValue(list, int[].class)));
        return all;
    }

    private static JsonNode named(String name) {
        for (JsonNode one : FIXTURE.path("cases")) {
            if (one.path("name").asString().equals(name)) {
                return one;
            }
        }
        throw new IllegalArgumentException(name);
    }

    @TestFactory
    Stream<DynamicTest> idsAreThoseOfAutoTokenizer() {
        return FIXTURE.path("cases").valueStream()
                .map(one -> DynamicTest.dynamicTest(one.path("name").asString(), () -> {
                    List<String> texts = new ArrayList<>();
                    FIXTURE.path("texts").forEach(text -> texts.add(text.asString()));
                    List<int[]> full = ids(one.path("ids"));
                    List<int[]> plain = ids(one.path("plain"));
                    try (Tokenizer tokenizer = Tokenizer.open(write(one), TokenizerCompat.TRANSFORMERS5)) {
                        for (int i = 0; i < texts.size(); i++) {
                            assertThat(tokenizer.encode(texts.get(i))).as("'%s'", texts.get(i)).isEqualTo(full.get(i));
                            assertThat(tokenizer.encodeWithoutSpecialTokens(texts.get(i)))
                                    .as("'%s' alone", texts.get(i))
                                    .isEqualTo(plain.get(i));
                        }
                    }
                }));
    }

    @Test
    void ofMostClassesTheFileItselfSaysOtherIds() throws IOException {
        List<String> different = new ArrayList<>();
        for (JsonNode one : FIXTURE.path("cases")) {
            Path place = write(one);
            Optional<TokenizerDifference> difference = TokenizerDifference.of(place);
            if (difference.isPresent()) {
                different.add(one.path("name").asString());
                try (Tokenizer file = Tokenizer.open(place)) {
                    assertThat(file.encode(difference.get().text())).containsExactly(
                            difference.get().file().stream().mapToInt(Integer::intValue).toArray());
                }
            }
        }
        assertThat(different)
                .contains("llama-2", "llama-legacy", "smollm3-gpt2", "qwen2", "starcoder2", "gpt_neox", "cohere2")
                .doesNotContain("llama-backend", "llama-without-class", "llama-byte-level", "mistral", "phi3", "gemma2",
                        "qwen3-backend");
    }

    @Test
    void whatIsNotKnownIsRefused() throws IOException {
        Path place = write(named("llama-2"));
        Files.writeString(place.resolve("tokenizer_config.json"), "{\"tokenizer_class\": \"XLMRobertaTokenizer\"}");
        assertThatThrownBy(() -> Tokenizer.open(place, TokenizerCompat.TRANSFORMERS5))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("the class XLMRobertaTokenizer");
        assertThatThrownBy(() -> TokenizerCompat.of("File")).isInstanceOf(UsageException.class);
    }
}
