package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.chat.ChatTemplate;
import dev.come.chat.ChatTemplate.Message;
import dev.come.generate.TextGeneration.Written;
import dev.come.text.Prompts;
import dev.come.text.Prompts.Messages;
import dev.come.text.Prompts.Prompt;
import dev.come.text.Prompts.Text;
import dev.come.text.Sequences;
import dev.come.text.Tokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Prompts as a model sees them.
 *
 * @param prompts what they were made of
 * @param texts what the model goes on from, of messages by its chat template
 * @param tokens of them
 */
record TeacherPrompts(Prompts prompts, List<String> texts, Sequences tokens, Tokenizer tokenizer,
        Optional<ChatTemplate> template) {
    private static final char UNFINISHED = '\uFFFD';

    /**
     * Makes tokens of prompts.
     *
     * @param chat whether a text is what a user says
     * @param newTokens how many come after a prompt at most
     * @throws InvalidInputException if the model has no chat template where there are messages, or no room for a prompt
     */
    static TeacherPrompts of(Prompts read, boolean chat, int newTokens, OpenModel model) {
        Prompts prompts = chat ? asMessages(read) : read;
        Path folder = model.checkpoint().folder();
        Optional<ChatTemplate> template = prompts.prompts().stream().anyMatch(Messages.class::isInstance)
                ? Optional.of(ChatTemplate.of(folder).orElseThrow(() -> new InvalidInputException(folder
                        + " has no chat template, by which messages become a text; give prompts of text"
                        + (chat ? " without --chat" : "") + ", or a teacher that was made to chat")))
                : Optional.empty();
        List<String> texts = new ArrayList<>();
        List<int[]> tokens = new ArrayList<>();
        int most = model.config().positions().count();
        for (int i = 0; i < prompts.prompts().size(); i++) {
            String text = switch (prompts.prompts().get(i)) {
                case Text(String plain) -> plain;
                case Messages(List<Message> messages) -> template.orElseThrow().prompt(messages);
            };
            int[] ids = prompts.prompts().get(i) instanceof Text
                    ? model.tokenizer().encode(text)
                    : model.tokenizer().encodeWithoutSpecialTokens(text);
            if ((long) ids.length + newTokens > most) {
                throw new InvalidInputException("Prompt " + i + " (counted from 0) has " + ids.length
                        + " tokens, and with --max-new-tokens " + newTokens + " that is more than the " + most
                        + " positions of the model; shorten it, cut all with --prompt-tokens, or lower"
                        + " --max-new-tokens");
            }
            texts.add(text);
            tokens.add(ids);
        }
        return new TeacherPrompts(prompts, texts, Sequences.of(tokens), model.tokenizer(), template);
    }

    private static Prompts asMessages(Prompts read) {
        if (read.prompts().stream().anyMatch(Messages.class::isInstance)) {
            throw new UsageException(
                    "--chat makes messages of texts, but the prompts are messages already; leave it out");
        }
        return new Prompts(read.prompts().stream().map(Text.class::cast)
                .<Prompt>map(text -> new Messages(List.of(new Message("user", text.text())))).toList(),
                read.available(), read.sources(), read.notes());
    }

    int count() {
        return texts.size();
    }

    int longest() {
        return IntStream.range(0, count()).map(tokens::length).max().orElseThrow();
    }

    /**
     * A row of the file: the whole text with its prompt, where in it the answer begins, and what it was made of.
     *
     * @param index of the prompt
     */
    ObjectNode row(int index, Written written) {
        Prompt prompt = prompts.prompts().get(index);
        boolean said = prompt instanceof Messages;
        int[] own = written.tokens();
        // What ends a conversation's turn is part of what is learnt; a plain text has no such sign.
        int[] shown = written.ended() && !said ? Arrays.copyOf(own, own.length - 1) : own;
        int[] ids = tokens.sequence(index);
        String before = tokenizer.decode(ids);
        String whole = tokenizer.decode(IntStream.concat(IntStream.of(ids), IntStream.of(shown)).toArray());
        int same = 0;
        while (same < Math.min(before.length(), whole.length()) && before.charAt(same) == whole.charAt(same)) {
            same++;
        }
        String text = texts.get(index);
        ObjectNode row = JsonNodeFactory.instance.objectNode();
        row.put("text", text + finished(whole.substring(same)));
        switch (prompt) {
            case Text(String plain) -> row.put("prompt", plain);
            case Messages(List<Message> messages) -> {
                ArrayNode list = row.putArray("messages");
                Stream.concat(messages.stream(), Stream.of(new Message("assistant", finished(written.text()))))
                        .forEach(one -> list.addObject().put("role", one.role()).put("content", one.content()));
            }
        }
        row.put("answer_from", text.codePointCount(0, text.length()));
        row.put(WrittenTexts.TOKENS, own.length);
        row.put(WrittenTexts.ENDED, written.ended());
        return row;
    }

    /** Without a character that was cut off in its middle. */
    private static String finished(String text) {
        int end = text.length();
        while (end > 0 && text.length() - end < 3 && text.charAt(end - 1) == UNFINISHED) {
            end--;
        }
        return text.substring(0, end);
    }
}
