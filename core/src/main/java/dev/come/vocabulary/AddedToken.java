package dev.come.vocabulary;

import dev.come.checkpoint.ConfigTree;
import tools.jackson.databind.node.ObjectNode;

/**
 * A token that is found in a text as it is spelt, before anything else is done to the text.
 *
 * @param id its id, or {@link #NEXT} if it gets the next that is free
 * @param special whether it is no text of its own, such as the end of a text
 * @param normalized whether it is looked for after the text was normalised
 * @param singleWord whether letters must not stand beside it
 * @param leftStrip whether it takes the white space before it along
 * @param rightStrip whether it takes the white space after it along
 */
public record AddedToken(int id, String content, boolean special, boolean normalized, boolean singleWord,
        boolean leftStrip, boolean rightStrip) {
    /** The id of a token that nothing gives one. */
    static final int NEXT = -1;

    /** A token such as the beginning of a text. */
    public static AddedToken special(int id, String content) {
        return new AddedToken(id, content, true, false, false, false, false);
    }

    /** A token that is text. */
    public static AddedToken text(int id, String content) {
        return new AddedToken(id, content, false, false, false, false, false);
    }

    /** A token that is text, and is looked for after the text was normalised. */
    static AddedToken normalized(int id, String content) {
        return new AddedToken(id, content, false, true, false, false, false);
    }

    /** A token as the files of transformers describe it; what is not said of one that is special is false. */
    static AddedToken read(int id, ConfigTree token, boolean special) {
        boolean isSpecial = token.bool("special", special);
        return new AddedToken(id, token.string("content"), isSpecial, token.bool("normalized", !isSpecial),
                token.bool("single_word", false), token.bool("lstrip", false), token.bool("rstrip", false));
    }

    AddedToken withId(int other) {
        return new AddedToken(other, content, special, normalized, singleWord, leftStrip, rightStrip);
    }

    AddedToken asSpecial() {
        return new AddedToken(id, content, true, normalized, singleWord, leftStrip, rightStrip);
    }

    AddedToken asSpelt() {
        return new AddedToken(id, content, special, false, singleWord, leftStrip, rightStrip);
    }

    /** Whether a token of the same content is found in texts in the same way. */
    boolean isLike(AddedToken other) {
        return special == other.special && normalized == other.normalized && singleWord == other.singleWord
                && leftStrip == other.leftStrip && rightStrip == other.rightStrip;
    }

    void write(ObjectNode entry) {
        entry.put("id", id).put("content", content).put("single_word", singleWord).put("lstrip", leftStrip)
                .put("rstrip", rightStrip).put("normalized", normalized).put("special", special);
    }
}
