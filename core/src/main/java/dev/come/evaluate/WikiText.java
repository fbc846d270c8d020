package dev.come.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Pages of WikiText: as the data set has them, and as people would write them. */
final class WikiText {
    private static final String BLANKS = PythonText.BLANK + "*";

    private static final Pattern ROUND = inner("\\(", "[^)]", "\\)");
    private static final Pattern SQUARE = inner("\\[", "[^\\]]", "\\]");
    private static final Pattern CURLY = inner("\\{", "[^}]", "\\}");
    private static final Pattern DOUBLE = inner("\"", "[^\"]", "\"");
    private static final Pattern SINGLE = inner("'", "[^']", "'");

    private WikiText() {
    }

    /** Blanks on the inside of a pair of marks. */
    private static Pattern inner(String open, String content, String close) {
        return Pattern.compile(open + BLANKS + "(" + content + "*?)" + BLANKS + close);
    }

    /** Adds {@code text}, which is scored; {@code page} stays as it is, and is counted. */
    static ObjectNode prepare(ObjectNode row) {
        ObjectNode result = row.deepCopy();
        result.put("text", plain(Preparation.text(row, "page")));
        return result;
    }

    /** Rows of one {@code page} each from the file of the original data set; a page begins with a heading of the first level. */
    static List<ObjectNode> pages(String file) {
        List<List<String>> pages = new ArrayList<>(List.of(new ArrayList<>()));
        for (String line : file.split("\n", -1)) {
            String heading = PythonText.strip(line.replace("= = =", "===").replace("= =", "=="));
            if (heading.startsWith("= ") && heading.endsWith(" =")) {
                pages.add(new ArrayList<>());
            }
            pages.getLast().add(line);
        }
        return pages.stream().map(lines -> String.join("\n", lines))
                .filter(page -> !PythonText.strip(page).isEmpty())
                .map(page -> JsonNodeFactory.instance.objectNode().put("page", page)).toList();
    }

    /**
     * Undoes the tokenisation of the data set, with the rules of lm-evaluation-harness in its order. One of them was meant for
     * apostrophes before years and only ever finds a literal {@code /' 5/}, which it makes the text of its own pattern.
     */
    static String plain(String page) {
        String text = page.replace("s '", "s'").replaceAll("/' [0-9]/", "/'[0-9]/");
        text = text.replace(" @-@ ", "-").replace(" @,@ ", ",").replace(" @.@ ", ".");
        for (String mark : List.of(":", ";", ".", "!", "?", ",")) {
            text = text.replace(" " + mark + " ", mark + " ");
        }
        text = ROUND.matcher(text).replaceAll("($1)");
        text = SQUARE.matcher(text).replaceAll("[$1]");
        text = CURLY.matcher(text).replaceAll("{$1}");
        text = DOUBLE.matcher(text).replaceAll("\"$1\"");
        text = SINGLE.matcher(text).replaceAll("'$1'");
        text = text.replace("= = = =", "====").replace("= = =", "===").replace("= =", "==");
        text = text.replace(" \u00b0 ", "\u00b0").replace(" \n", "\n").replace("\n ", "\n");
        return text.replace(" N ", " 1 ").replace(" 's", "'s");
    }
}
