package dev.come.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.chat.ChatTemplate.Message;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Expected texts are those of transformers 5.24 (fixtures/chat/make_chat.py). */
class ChatTemplateTests {
    private static final JsonNode GOLDEN = golden();
    private static final List<Message> HI = List.of(new Message("user", "Hi"));

    @TempDir
    private Path folder;

    private static JsonNode golden() {
        try (InputStream json = Objects
                .requireNonNull(ChatTemplateTests.class.getResourceAsStream("/fixtures/chat/chat.json"))) {
            return new JsonMapper().readTree(json);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static Stream<JsonNode> cases() {
        return GOLDEN.path("cases").valueStream();
    }

    private ChatTemplate template(String jinja) throws IOException {
        JsonMapper json = new JsonMapper();
        Files.writeString(folder.resolve("tokenizer_config.json"), json.writeValueAsString(GOLDEN.path("tokens")));
        Files.writeString(folder.resolve("chat_template.jinja"), jinja);
        return ChatTemplate.of(folder).orElseThrow();
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aConversationIsTheTextThatTransformersMakes(JsonNode golden) throws IOException {
        String name = golden.path("name").stringValue();
        List<Message> messages = golden.path("messages").valueStream()
                .map(one -> new Message(one.path("role").stringValue(), one.path("content").stringValue())).toList();
        assertThat(template(GOLDEN.path("templates").path(name).stringValue()).prompt(messages)).as(name)
                .isEqualTo(golden.path("expected").stringValue());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', quoteCharacter = '^', value = {"{{ messages|tojson }}; the filter tojson",
        "{% include 'x' %}; the statement include", "{{ messages[0].content.title() }}; the method title",
        "{{ strftime_now('%d') }}; a function that is not known", "{{ messages }}; prints a list",
        "{{ raise_exception('Only two') }}; says of these messages: Only two", "{{ messages[0].x.y }}; 'y' of what",
        "{{ 1 + 'a' }}; adds a text to a number", "{% if true %}x; before its endif", "{{ 'a; without an end",
        "{{ messages is callable }}; the test callable", "{% endif %}; the statement endif", "{{ 1 / 2 }}; '/'",
        "{{ 9223372036854775807 + 1 }}; overflow", "{{ 99999999999999999999 }}; the number 99999999999999999999",
        "{{ range(100001) }}; counts beyond", "{{ range(0 - 9223372036854775807, 9223372036854775807) }}; overflow"})
    void whatIsNotKnownIsRefusedByName(String jinja, String named) {
        assertThatThrownBy(() -> template(jinja).prompt(HI)).isInstanceOf(InvalidInputException.class)
                .hasMessageContainingAll("chat_template.jinja", named, "give prompts of text");
    }

    @Test
    void whatIsNotKnownIsNoHarmWhereNothingComesToIt() throws IOException {
        assertThat(template("{% if tools %}{{ tools|tojson(indent=4) }}{% endif %}{{ messages[0].content }}")
                .prompt(HI)).isEqualTo("Hi");
    }

    @Test
    void aModelWithoutATemplateHasNone() {
        assertThat(ChatTemplate.of(folder)).isEmpty();
    }
}
