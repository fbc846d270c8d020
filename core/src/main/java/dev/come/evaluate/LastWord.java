package dev.come.evaluate;

import tools.jackson.databind.node.ObjectNode;

/** A passage without its last word, and that word. */
final class LastWord {
    private LastWord() {
    }

    /** Makes {@code context} and {@code word}, which has the blank before it. */
    static ObjectNode prepare(ObjectNode row) {
        String text = Preparation.text(row, "text");
        int blank = text.lastIndexOf(' ');
        ObjectNode result = row.deepCopy();
        result.put("context", blank < 0 ? "" : text.substring(0, blank));
        return result.put("word", " " + text.substring(blank + 1));
    }
}
