package dev.come.evaluate;

import java.util.List;
import java.util.stream.Stream;

/** What a task asks of one row of its data. */
sealed interface Document {
    /** The number of the row, counted from 0. */
    int id();

    /** How many characters it has, those of all contexts and continuations. */
    long length();

    /**
     * A question with choices. Either there is one context, and a continuation for each choice, or one continuation, and a
     * context for each choice.
     *
     * @param contexts what comes before, examples included
     * @param continuations what is scored, with the blank before it
     * @param choices the texts of the choices, whose characters are counted
     * @param gold the number of the right choice
     * @param examples the rows of the examples, in their order
     */
    record Question(int id, List<String> contexts, List<String> continuations, List<String> choices, int gold,
            List<Integer> examples) implements Document {
        @Override
        public long length() {
            return Stream.concat(contexts.stream(), continuations.stream()).mapToLong(String::length).sum();
        }

        /** How many choices there are. */
        int size() {
            return Math.max(contexts.size(), continuations.size());
        }

        String context(int choice) {
            return contexts.get(contexts.size() == 1 ? 0 : choice);
        }

        String continuation(int choice) {
            return continuations.get(continuations.size() == 1 ? 0 : choice);
        }
    }

    /**
     * An ending of a text.
     *
     * @param context what comes before, examples included
     * @param ending what is scored
     * @param examples the rows of the examples, in their order
     */
    record LastWords(int id, String context, String ending, List<Integer> examples) implements Document {
        @Override
        public long length() {
            return (long) context.length() + ending.length();
        }
    }

    /**
     * A text that the model goes on with.
     *
     * @param text what it goes on from, examples included
     * @param answers the right ones
     * @param examples the rows of the examples, in their order
     * @param task how its text is ended and understood
     */
    record Prompt(int id, String text, List<String> answers, List<Integer> examples,
            TaskDescription.Generated task) implements Document {
        @Override
        public long length() {
            return text.length();
        }
    }

    /**
     * A long text.
     *
     * @param text what is scored
     * @param words pieces between blanks of what is counted
     * @param bytes its bytes in UTF-8
     */
    record Page(int id, String text, long words, long bytes) implements Document {
        @Override
        public long length() {
            return text.length();
        }
    }
}
