package dev.come.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.InvalidInputException;
import dev.come.RandomChanges;
import dev.come.chat.ChatTemplate.Message;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Whatever a chat template says, it ends in a text or in one sentence. */
class ChatTemplateFuzzTests {
    /** What templates are made of. */
    private static final List<String> PIECES = List.of("{%", "%}", "{{", "}}", "{%-", "-%}", "{#", "#}", "|", "(", ")",
            "[", "]",
            "[::-1]", "[1:]", "~", "+", "-", "*", "//", "%", "==", " is ", " not ", " in ", " and ", " if ", " else ",
            "'", "\"", "\\", "messages", "loop.first", "m", ".role", "namespace()", "range(3)", "9223372036854775807",
            "99999999999999999999", "{% endfor %}", "{% for m in messages %}", "{% if true %}", "{% endif %}",
            "{% set x = 1 %}", "| trim", ".split('a')", "none", "\n", "\u00e9", "\ud83d\ude00");

    private static final List<Message> MESSAGES = List.of(new Message("system", "Be short."),
            new Message("user", " Hi "),
            new Message("assistant", "Hello"), new Message("user", "What is 2 + 2?"));

    @TempDir
    private Path folder;

    @Test
    void survivesRandomChanges() throws IOException {
        JsonMapper json = new JsonMapper();
        JsonNode golden;
        try (InputStream file = Objects
                .requireNonNull(ChatTemplateFuzzTests.class.getResourceAsStream("/fixtures/chat/chat.json"))) {
            golden = json.readTree(file);
        }
        Files.writeString(folder.resolve("tokenizer_config.json"), json.writeValueAsString(golden.path("tokens")));
        List<byte[]> sound = golden.path("templates").valueStream()
                .map(template -> template.stringValue().getBytes(StandardCharsets.UTF_8)).toList();
        RandomChanges.read("ChatTemplateFuzzTests", sound, PIECES, this::renders);
    }

    private boolean renders(byte[] template) {
        try {
            Files.write(folder.resolve("chat_template.jinja"), template);
            ChatTemplate.of(folder).ifPresent(read -> assertThat(read.prompt(MESSAGES)).isNotNull());
            return true;
        } catch (InvalidInputException e) {
            assertThat(e).hasMessageContaining(folder.toString());
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
