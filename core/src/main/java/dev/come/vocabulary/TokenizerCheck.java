package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Shown;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Looks for faults in a tokenizer.json that the tokenizers library does not expect: it would end the process, or give tokens
 * other ids than the file does. What the library itself refuses is left to it.
 */
public final class TokenizerCheck {
    private static final List<String> STEPS = List.of("normalizer", "pre_tokenizer", "post_processor", "decoder");
    /** Where steps lie in steps. */
    private static final Set<String> LISTS = Set.of("normalizers", "pretokenizers", "processors", "decoders");
    private static final String MAP = "precompiled_charsmap";
    private static final String TOKENS = "special_tokens";

    private final Path file;
    private final String json;
    private final ObjectNode root;
    private final List<AddedToken> added = new ArrayList<>();

    private TokenizerCheck(Path file, String json) {
        this.file = file;
        this.json = json;
        this.root = TokenizerText.read(file, json, new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                // the second time, when it is known which are of interest
            }

            @Override
            public void added(AddedToken token) {
                added.add(token);
            }
        });
    }

    /**
     * Checks the text of a tokenizer.json.
     *
     * @param file what messages call it
     * @throws CheckpointException if there is a fault
     */
    public static void check(Path file, String json) {
        TokenizerCheck check = new TokenizerCheck(file, json);
        Map<String, Integer> ids = check.steps();
        check.addedTokens(ids);
        check.processor(check.root.path("post_processor"), ids);
    }

    /**
     * Checks a text whose ids nobody else has given.
     *
     * @param file what messages call it
     * @throws CheckpointException if there is a fault
     */
    public static void checkMade(Path file, String json) {
        TokenizerCheck check = new TokenizerCheck(file, json);
        check.processor(check.root.path("post_processor"), check.steps());
    }

    /** Checks the steps and the model, and gives the ids that the vocabulary has for tokens that other sections name. */
    private Map<String, Integer> steps() {
        JsonNode model = root.path("model");
        if (!model.path("vocab").isInt()) {
            throw damaged("it has no model with a vocabulary");
        }
        STEPS.forEach(step -> component(step, root.path(step)));
        Set<String> names = new HashSet<>(root.path("post_processor").findValues(TOKENS).stream()
                .flatMap(tokens -> tokens.propertyNames().stream()).toList());
        added.forEach(token -> names.add(token.content()));
        return ids(names, model.path("continuing_subword_prefix").asString(""));
    }

    /** The ids that the vocabulary has for tokens of these names; merges are looked at on the way. */
    private Map<String, Integer> ids(Set<String> names, String prefix) {
        Map<String, Integer> ids = new HashMap<>();
        TokenizerText.read(file, json, new TokenizerText.Visitor() {
            @Override
            public void token(String token, int id) {
                if (names.contains(token)) {
                    ids.put(token, id);
                }
            }

            @Override
            public void merge(String left, String right) {
                if (!right.startsWith(prefix)) {
                    throw damaged(
                            "the second token of the merge '%s %s' does not begin with '%s', as all within words do"
                                    .formatted(Shown.of(left), Shown.of(right), Shown.of(prefix)));
                }
            }
        });
        return ids;
    }

    /** The library numbers them itself; afterwards {@code ids} knows them. */
    private void addedTokens(Map<String, Integer> ids) {
        int next = root.path("model").path("vocab").intValue();
        for (AddedToken token : added) {
            Integer own = ids.putIfAbsent(token.content(), next);
            int id = own == null ? next : own;
            if (token.id() != id) {
                throw damaged(
                        "its added token '%s' has the id %s, but %s %s".formatted(Shown.of(token.content()), token.id(),
                                own == null ? "the next id that is free is" : "the vocabulary has it as", id));
            }
            next = Math.max(next, id + 1);
        }
    }

    /** A step, or several in a list. */
    private void component(String step, JsonNode component) {
        if (component.isNull() || component.isMissingNode()) {
            return;
        }
        if (!component.isObject()) {
            throw damaged("its %s is no object {...}".formatted(step));
        }
        if (component.has(MAP) || component.path("type").asString("").equals("Precompiled")) {
            map(component.path(MAP).asString(""));
        }
        if (step.equals("decoder") && component.path("stop").asDouble(0) > 0) {
            throw damaged("its decoder takes something off the end of texts ('stop'), which fails for empty ones");
        }
        component.properties().forEach(entry -> {
            if (LISTS.contains(entry.getKey())) {
                entry.getValue().forEach(part -> component(step, part));
            }
        });
    }

    private void map(String text) {
        byte[] bytes;
        try {
            bytes = Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException e) {
            throw damaged("its " + MAP + " is not base64");
        }
        if (!Base64.getEncoder().encodeToString(bytes).equals(text)) {
            throw damaged("its " + MAP + " is not base64 to its end");
        }
        CharacterMap.read(file, ByteBuffer.wrap(bytes));
    }

    /** What is put around a text. */
    private void processor(JsonNode processor, Map<String, Integer> ids) {
        processor.path("processors").forEach(part -> processor(part, ids));
        if (!processor.has(TOKENS)) {
            return;
        }
        JsonNode tokens = processor.path(TOKENS);
        tokens.properties().forEach(entry -> specialToken(entry.getKey(), entry.getValue(), ids));
        boolean text = false;
        for (JsonNode piece : processor.path("single")) {
            String name = piece.path("SpecialToken").path("id").asString("");
            if (piece.has("SpecialToken") && !tokens.has(name)) {
                throw damaged("its post_processor puts '%s' around a text, but does not say which token that is"
                        .formatted(Shown.of(name)));
            }
            String sequence = piece.path("Sequence").path("id").asString("A");
            if (!sequence.equals("A")) {
                throw damaged("its post_processor expects a second text beside the first ('%s')"
                        .formatted(Shown.of(sequence)));
            }
            text |= piece.has("Sequence");
        }
        if (!text) {
            throw damaged("its post_processor leaves the text itself out");
        }
    }

    private void specialToken(String name, JsonNode token, Map<String, Integer> ids) {
        JsonNode list = token.path("ids");
        Integer known = ids.get(name);
        if (!list.isArray() || list.isEmpty() || list.size() != token.path("tokens").size()) {
            throw damaged(
                    "its post_processor does not say which ids '%s' has, and their names".formatted(Shown.of(name)));
        }
        if (known != null && list.size() == 1 && list.get(0).asInt(-1) != known) {
            throw damaged(
                    "its post_processor gives '%s' the id %s, but the vocabulary has it as %s".formatted(Shown.of(name),
                            Shown.of(list.get(0)), known));
        }
    }

    private CheckpointException damaged(String problem) {
        return TokenizerText.damaged(file, problem);
    }
}
