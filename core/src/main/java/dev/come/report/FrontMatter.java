package dev.come.report;

import dev.come.InvalidInputException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.dataformat.yaml.YAMLMapper;
import tools.jackson.dataformat.yaml.YAMLWriteFeature;

/**
 * A model card: the YAML between lines of three dashes, which the hub reads, and the text for people.
 *
 * @param yaml as it is written, with a line end at its end; empty if there is none
 * @param text what follows
 */
record FrontMatter(String yaml, String text) {
    private static final Pattern CARD = Pattern.compile("\\A---[ \\t]*\\r?\\n(.*?)(?<=\\n)---[ \\t]*(?:\\r?\\n|\\z)",
            Pattern.DOTALL);
    private static final YAMLMapper YAML = YAMLMapper.builder().disable(YAMLWriteFeature.WRITE_DOC_START_MARKER)
            .disable(YAMLWriteFeature.SPLIT_LINES).build();

    /**
     * Takes a card apart.
     *
     * @param source what it is, for messages
     * @throws InvalidInputException if its front matter has no end
     */
    static FrontMatter of(String card, String source) {
        Matcher front = CARD.matcher(card);
        if (front.find()) {
            return new FrontMatter(front.group(1), card.substring(front.end()));
        }
        if (card.startsWith("---") || card.startsWith("\uFEFF")) {
            throw new InvalidInputException(source + " begins neither with text nor with a front matter that ends in a"
                    + " line of three dashes; mend its beginning");
        }
        return new FrontMatter("", card);
    }

    /**
     * What the front matter says.
     *
     * @throws InvalidInputException if it is no YAML with names and values
     */
    JsonNode tree(String source) {
        try {
            JsonNode tree = YAML.readTree(yaml);
            if (tree.isObject()) {
                return tree;
            }
            if (tree.isMissingNode() || tree.isNull()) {
                return JsonNodeFactory.instance.objectNode();
            }
        } catch (JacksonException _) {
            // said below
        }
        throw new InvalidInputException(source + " has a front matter that is no YAML of names and values; mend that");
    }

    /** A tree as YAML, with a line end at its end. */
    static String written(JsonNode tree) {
        return YAML.writeValueAsString(tree);
    }

    /** The card again. */
    String card() {
        return yaml.isEmpty() ? text : "---\n" + yaml + "---\n" + text;
    }
}
