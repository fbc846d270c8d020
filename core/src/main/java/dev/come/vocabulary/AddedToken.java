package dev.come.vocabulary;

import tools.jackson.databind.node.ObjectNode;

/**
 * A token that is found in a text as it is spelt, before anything else is done to the text.
 *
 * @param special whether it is no text of its own, such as the end of a text
 * @param normalized whether it is looked for after the text was normalised
 * @param singleWord whether letters must not stand beside it
 * @param leftStrip whether it takes the white space before it along
 * @param rightStrip whether it takes the white space after it along
 */
public record AddedToken(int id, String content, boolean special, boolean normalized, boolean singleWord,
        boolean leftStrip, boolean rightStrip) {

    /** A token such as the beginning of a text. */
    public static AddedToken special(int id, String content) {
        return new AddedToken(id, content, true, false, false, false, false);
    }

    /** A token that is text. */
    public static AddedToken text(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, false);
    }

    void write(ObjectNode entry) {
        entry.put("id", id).put("content", content).put("single_word", singleWord).put("lstrip", leftStrip)
                .put("rstrip", rightStrip).put("normalized", normalized).put("special", special);
    }
}
