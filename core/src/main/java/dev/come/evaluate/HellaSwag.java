package dev.come.evaluate;

import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The texts of HellaSwag as lm-evaluation-harness shows them to a model. */
final class HellaSwag {
    private static final Pattern MARK = Pattern.compile("\\[[^\\n]*?]");

    private HellaSwag() {
    }

    /** Adds {@code query} and {@code choices}. */
    static ObjectNode prepare(ObjectNode row) {
        ObjectNode result = row.deepCopy();
        result.put("query", clean(Preparation.text(row, "activity_label") + ": " + Preparation.text(row, "ctx_a") + " "
                + PythonText.capitalize(Preparation.text(row, "ctx_b"))));
        ArrayNode choices = result.putArray("choices");
        for (JsonNode ending : row.path("endings")) {
            choices.add(clean(ending.asString()));
        }
        return result;
    }

    /** Takes away the marks of how-to pages, in the order that counts: no blanks are taken off at the end. */
    static String clean(String text) {
        String unmarked = MARK.matcher(PythonText.strip(text).replace(" [title]", ". ")).replaceAll("");
        return unmarked.replace("  ", " ");
    }
}
