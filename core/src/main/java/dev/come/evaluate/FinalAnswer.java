package dev.come.evaluate;

import tools.jackson.databind.node.ObjectNode;

/** Solutions with the answer at their end, behind four number signs. */
final class FinalAnswer {
    private static final String SIGN = "####";

    private FinalAnswer() {
    }

    /** Adds {@code solution}, which is the column {@code target} of solved examples or else the answer alone. */
    static ObjectNode prepare(ObjectNode row) {
        ObjectNode result = row.deepCopy();
        if (row.path("answer").isString()) {
            String answer = row.path("answer").stringValue();
            int sign = answer.lastIndexOf(SIGN);
            return result.put("solution",
                    PythonText.strip(sign < 0 ? answer : answer.substring(sign + SIGN.length())));
        }
        return result.put("solution", Preparation.text(row, "target"));
    }
}
