package dev.come.evaluate;

import tools.jackson.databind.node.ObjectNode;

/**
 * A sentence with a gap and two fillings: what follows the gap is scored after either filling (partial evaluation, Trinh and Le,
 * arXiv 1806.02847).
 */
final class Winogrande {
    private Winogrande() {
    }

    /** Adds {@code contexts} and {@code continuation}, and the right one of the two as {@code gold}, counted from 0. */
    static ObjectNode prepare(ObjectNode row) {
        String sentence = Preparation.text(row, "sentence");
        int gap = sentence.indexOf('_');
        if (gap < 0) {
            throw new IllegalArgumentException("the sentence \"" + sentence + "\" has no gap (_)");
        }
        String answer = row.path("answer").asString("");
        if (!answer.equals("1") && !answer.equals("2")) {
            throw new IllegalArgumentException("answer is " + row.path("answer") + ", but must be 1 or 2");
        }
        ObjectNode result = row.deepCopy();
        result.putArray("contexts").add(sentence.substring(0, gap) + Preparation.text(row, "option1"))
                .add(sentence.substring(0, gap) + Preparation.text(row, "option2"));
        result.put("continuation", PythonText.strip(sentence.substring(gap + 1)));
        result.put("gold", answer.equals("1") ? 0 : 1);
        return result;
    }
}
