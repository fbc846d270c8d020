package dev.come.vocabulary;

import dev.come.checkpoint.ConfigTree;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** A tokenizer.json in the making: what all of them have in common, and the components that several of them have. */
final class TokenizerJson {
    private TokenizerJson() {
    }

    /**
     * The text of a tokenizer.json.
     *
     * @param components puts normalizer, pre_tokenizer, decoder and model; what it leaves out is null
     */
    static String of(SurroundingTokens specials, Consumer<ObjectNode> components) {
        return ConfigTree.create(Path.of("tokenizer.json"), root -> {
            root.put("version", "1.0").putNull("truncation").putNull("padding");
            ArrayNode added = root.putArray("added_tokens");
            specials.added().forEach(token -> token.write(added.addObject()));
            root.putNull("normalizer").putNull("pre_tokenizer");
            template(root.putObject("post_processor"), specials);
            root.putNull("decoder");
            components.accept(root);
        }).toJson();
    }

    /** Puts the tokens in front of a text and behind it. */
    private static void template(ObjectNode processor, SurroundingTokens specials) {
        processor.put("type", "TemplateProcessing");
        sequence(processor.putArray("single"), "A", 0, specials);
        ArrayNode pair = processor.putArray("pair");
        sequence(pair, "A", 0, specials);
        sequence(pair, "B", 1, specials);
        ObjectNode tokens = processor.putObject("special_tokens");
        specials.inFront().ifPresent(token -> described(tokens, token));
        specials.behind().ifPresent(token -> described(tokens, token));
    }

    private static void sequence(ArrayNode template, String id, int typeId, SurroundingTokens specials) {
        mark(template, specials.inFront(), typeId);
        template.addObject().putObject("Sequence").put("id", id).put("type_id", typeId);
        mark(template, specials.behind(), typeId);
    }

    private static void mark(ArrayNode template, Optional<AddedToken> token, int typeId) {
        token.ifPresent(mark -> template.addObject().putObject("SpecialToken").put("id", mark.content())
                .put("type_id", typeId));
    }

    private static void described(ObjectNode tokens, AddedToken token) {
        ObjectNode entry = tokens.putObject(token.content()).put("id", token.content());
        entry.putArray("ids").add(token.id());
        entry.putArray("tokens").add(token.content());
    }

    /** A component that is a list of steps, which the caller fills. */
    static ArrayNode steps(ObjectNode root, String component, String list) {
        return root.putObject(component).put("type", "Sequence").putArray(list);
    }

    /** Replaces every occurrence of a text. */
    static void replace(ObjectNode step, String text, String replacement) {
        step.put("type", "Replace").putObject("pattern").put("String", text);
        step.put("content", replacement);
    }

    /** Replaces every match of a regular expression. */
    static void replaceMatches(ObjectNode step, String regex, String replacement) {
        step.put("type", "Replace").putObject("pattern").put("Regex", regex);
        step.put("content", replacement);
    }
}
