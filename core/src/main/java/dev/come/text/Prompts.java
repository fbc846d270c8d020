package dev.come.text;

import dev.come.InvalidInputException;
import dev.come.chat.ChatTemplate.Message;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a model is to go on from: the rows of a file, or the beginnings of the documents of a corpus.
 *
 * @param prompts in the order in which they are used
 * @param available rows that there are
 * @param sources the files
 * @param notes what the user should know, a sentence each
 */
public record Prompts(List<Prompt> prompts, int available, List<String> sources, List<String> notes) {
    /** Tokens of each document where the user names none and takes a corpus. */
    public static final int USUAL_TOKENS = 32;

    private static final String MESSAGES = "messages";
    private static final String ASSISTANT = "assistant";
    /** So many characters make a token at most, nearly always. */
    private static final int CHARACTERS = 64;

    /** What one text goes on from. */
    public sealed interface Prompt {
    }

    /** A text. */
    public record Text(String text) implements Prompt {}

    /** Messages to which an answer follows. */
    public record Messages(List<Message> messages) implements Prompt {
        public Messages {
            messages = List.copyOf(messages);
        }
    }

    public Prompts {
        prompts = List.copyOf(prompts);
        sources = List.copyOf(sources);
        notes = List.copyOf(notes);
    }

    /**
     * Reads them. Rows of a file are taken in their order, documents of a corpus in an order that the seed decides.
     *
     * @param source a corpus, or a file whose rows have {@code messages}, a text in {@link TextSource#textField()}, or a text in
     *        {@code prompt}; of a plain text each line is a row
     * @param firstTokens how many tokens of each text are the prompt; shorter ones are passed over; absent: of a corpus
     *        {@link #USUAL_TOKENS}, of a file all
     * @param most how many are taken at most
     * @throws InvalidInputException if there are none, or the file is not what its ending says
     */
    public static Prompts read(TextSource source, OptionalInt firstTokens, int most, long seed, Tokenizer tokenizer) {
        boolean named = source.path().isEmpty();
        List<RowRecipe> recipes = source.textField().equals(TextSource.DEFAULT_FIELD)
                ? List.of(RowRecipe.field(TextSource.DEFAULT_FIELD), RowRecipe.field("prompt"))
                : List.of(RowRecipe.field(source.textField()));
        Corpus corpus = named
                ? Corpus.open(source, List.of(Split.TRAIN, Split.VALIDATION, Split.ALL), TextRows.LINES)
                : Corpus.atPath(source, TextRows.LINES, recipes);
        if (corpus.files().getFirst() instanceof JsonFile file && !named && file.has(MESSAGES)) {
            return messages(corpus, file, most);
        }
        int available = corpus.rowCount();
        OptionalInt cut = named && firstTokens.isEmpty() ? OptionalInt.of(USUAL_TOKENS) : firstTokens;
        Collected rows = new Collected(cut.isPresent() ? cut.getAsInt() * CHARACTERS : Integer.MAX_VALUE);
        int taken = Math.min(most, available);
        if (named) {
            try (TextSpool spool = new TextSpool()) {
                corpus.rows(Arrays.copyOf(new Pcg64(seed).permutation(available), taken), spool).send(rows);
            }
        } else {
            corpus.first(taken).send(rows);
        }
        List<Prompt> prompts = new ArrayList<>();
        for (String row : rows.texts) {
            String text = cut.isPresent() ? beginning(row, cut.getAsInt(), tokenizer) : row.strip();
            if (!text.isEmpty()) {
                prompts.add(new Text(text));
            }
        }
        if (prompts.isEmpty()) {
            throw new InvalidInputException(source.dataset() + " has no prompt: none of its " + available + " rows "
                    + (cut.isPresent() ? "has " + cut.getAsInt() + " tokens; lower --prompt-tokens" : "has any text"));
        }
        return new Prompts(prompts, available, corpus.sources(), corpus.notes(Split.TRAIN));
    }

    /** The text of the first tokens; nothing where there are fewer. */
    private static String beginning(String row, int tokens, Tokenizer tokenizer) {
        int[] ids = tokenizer.encodeWithoutSpecialTokens(row);
        if (ids.length < tokens) {
            return "";
        }
        String text = tokenizer.decodeWithoutSpecialTokens(Arrays.copyOf(ids, tokens));
        int end = text.length();
        while (end > 0 && text.charAt(end - 1) == '\uFFFD') { // a character of which a token more is needed
            end--;
        }
        return text.substring(0, end);
    }

    private static Prompts messages(Corpus corpus, JsonFile file, int most) {
        List<ObjectNode> rows = file.objects();
        List<Prompt> prompts = new ArrayList<>();
        int answered = 0;
        for (int row = 0; row < Math.min(most, rows.size()); row++) {
            List<Message> messages = new ArrayList<>();
            for (JsonNode message : list(rows.get(row).path(MESSAGES), row, file.path())) {
                if (!message.path("role").isString() || !message.path("content").isString()) {
                    throw noMessages(file.path(), row);
                }
                messages.add(new Message(message.path("role").stringValue(), message.path("content").stringValue()));
            }
            boolean hasAnswer = messages.getLast().role().equals(ASSISTANT);
            if (hasAnswer) {
                messages.removeLast();
                answered++;
            }
            if (messages.isEmpty()) {
                throw noMessages(file.path(), row);
            }
            prompts.add(new Messages(messages));
        }
        List<String> notes = answered == 0
                ? List.of()
                : List.of(
                        answered + " of the prompts end with an answer, which is left out: the teacher gives its own.");
        return new Prompts(prompts, rows.size(), corpus.sources(), notes);
    }

    private static JsonNode list(JsonNode messages, int row, Path file) {
        if (!messages.isArray() || messages.isEmpty()) {
            throw noMessages(file, row);
        }
        return messages;
    }

    private static InvalidInputException noMessages(Path file, int row) {
        return new InvalidInputException(file + " has no messages to answer in row " + row + " (counted from 0): a list"
                + " of objects was expected, each with a role and a content that are texts, and not the assistant's"
                + " alone; mend or remove the row.");
    }

    /** Keeps the beginnings of rows. */
    private static final class Collected implements RowSink {
        private final int most;
        private final List<String> texts = new ArrayList<>();
        private StringBuilder text = new StringBuilder();

        Collected(int most) {
            this.most = most;
        }

        @Override
        public boolean begin() {
            text = new StringBuilder();
            return true;
        }

        @Override
        public void text(char[] characters, int from, int length) {
            text.append(characters, from, Math.min(length, most - text.length()));
        }

        @Override
        public void end() {
            int end = text.length();
            texts.add(end > 0 && Character.isHighSurrogate(text.charAt(end - 1))
                    ? text.substring(0, end - 1)
                    : text.toString());
        }
    }
}
