package dev.come.chat;

import dev.come.InvalidInputException;
import dev.come.vocabulary.ChatFormat;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Makes the text for a model from a conversation, by a template in Jinja. The text is the one that transformers makes. Where a
 * template comes to something that this class does not know, it refuses the template and never makes a nearly right text.
 */
public final class ChatTemplate {
    private final ChatFormat format;
    private final Statements.Statement statement;

    private ChatTemplate(ChatFormat format) {
        this.format = format;
        this.statement = told(() -> new Statements(Lexer.tokens(format.template())).whole());
    }

    /**
     * A message of a conversation.
     *
     * @param role whose it is: system, user, assistant, ...
     */
    public record Message(String role, String content) {}

    /**
     * The template of a model.
     *
     * @return nothing if the model has none
     * @throws InvalidInputException if it cannot be read, or uses statements that are not known here
     */
    public static Optional<ChatTemplate> of(Path folder) {
        return ChatFormat.of(folder).map(ChatTemplate::new);
    }

    /**
     * The text of a conversation to which the model is to give the next answer.
     *
     * @throws InvalidInputException if the template refuses the messages, or uses what this class does not know
     */
    public String prompt(List<Message> messages) {
        return told(() -> {
            Scope scope = new Scope(null);
            Calls.functions().forEach(scope::set);
            format.tokens().forEach(scope::set);
            scope.set("messages", messages.stream().map(ChatTemplate::fields).toList());
            scope.set("tools", null);
            scope.set("documents", null);
            scope.set("add_generation_prompt", true);
            StringBuilder text = new StringBuilder();
            statement.render(scope, text);
            return text.toString();
        });
    }

    /** The template itself. */
    public String text() {
        return format.template();
    }

    private static Map<String, @Nullable Object> fields(Message message) {
        Map<String, @Nullable Object> fields = new LinkedHashMap<>();
        fields.put("role", message.role);
        fields.put("content", message.content);
        return fields;
    }

    private <T> T told(Supplier<T> work) {
        try {
            return work.get();
        } catch (UnknownTemplateException e) {
            throw new InvalidInputException("The chat template in " + format.file() + " " + e.getMessage()
                    + "; give prompts of text, to which the template has been applied already, in place of messages",
                    e);
        } catch (ArithmeticException | StackOverflowError e) {
            throw new InvalidInputException("The chat template in " + format.file() + " cannot be rendered ("
                    + e + "); give prompts of text in place of messages", e);
        }
    }
}
