package dev.come.stack;

import dev.come.InvalidInputException;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Stacks as JSON. An original layer is its number; every other recipe stands once in a table, under a name, however many
 * stacks it occurs in, and refers to its sources in the same way.
 *
 * <pre>{@code
 * "nodes": {"m1": {"kind": "concatenated", "query_heads": "grouped",
 *                  "shares": [{"source": 2, "ratio": 0.3, "key_value_heads": [0, 2], "channels": [0, 1, 5]}, ...]}}
 * "stack": [0, 1, "m1", 4]
 * }</pre>
 */
public final class StackJson {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private StackJson() {
    }

    /** Writes stacks and the table of their recipes. */
    public static final class Writer {
        private final ObjectNode nodes = JSON.objectNode();
        private final Map<LayerNode, String> names = new HashMap<>();

        /** A stack as an array; recipes that are new go into the table. */
        public ArrayNode stack(LayerStack stack) {
            ArrayNode array = JSON.arrayNode();
            stack.nodes().forEach(node -> array.add(reference(node)));
            return array;
        }

        /** The table of all recipes so far. */
        public ObjectNode nodes() {
            return nodes;
        }

        private JsonNode reference(LayerNode node) {
            return switch (node) {
                case Original original -> JSON.numberNode(original.index());
                case Concatenated concatenated -> {
                    String name = names.get(node);
                    if (name == null) {
                        ObjectNode written = write(concatenated);
                        name = "m" + (names.size() + 1);
                        names.put(node, name);
                        nodes.set(name, written);
                    }
                    yield JSON.stringNode(name);
                }
            };
        }

        private ObjectNode write(Concatenated node) {
            ObjectNode written = JSON.objectNode();
            written.put("kind", "concatenated");
            written.put("query_heads", node.queryHeads().name().toLowerCase(Locale.ROOT));
            ArrayNode shares = written.putArray("shares");
            for (Share share : node.shares()) {
                ObjectNode entry = shares.addObject();
                entry.set("source", reference(share.source()));
                entry.put("ratio", share.ratio());
                share.keyValueHeads().forEach(entry.putArray("key_value_heads")::add);
                share.channels().forEach(entry.putArray("channels")::add);
            }
            return written;
        }
    }

    /** Reads stacks with the help of a table of recipes. */
    public static final class Reader {
        private final JsonNode nodes;
        private final String file;
        private final int layers;
        private final Map<String, LayerNode> read = new HashMap<>();

        /**
         * Takes the table.
         *
         * @param file what messages call the file
         * @param layers how many layers the checkpoint has
         */
        public Reader(JsonNode nodes, String file, int layers) {
            this.nodes = nodes;
            this.file = file;
            this.layers = layers;
        }

        /** Reads a stack. */
        public LayerStack stack(JsonNode array) {
            List<LayerNode> stack = new ArrayList<>();
            array.forEach(reference -> stack.add(node(reference)));
            if (stack.isEmpty()) {
                throw new InvalidInputException(file + ": a stack has no layers; the file is damaged");
            }
            return new LayerStack(stack);
        }

        private LayerNode node(JsonNode reference) {
            if (reference.isInt()) {
                int index = reference.asInt();
                if (index < 0 || index >= layers) {
                    throw new InvalidInputException(file + ": a stack names layer " + index + ", but the model has "
                            + layers + " layers; it belongs to another model");
                }
                return new Original(index);
            }
            String name = reference.asString();
            LayerNode known = read.get(name);
            if (known == null) {
                JsonNode entry = nodes.path(name);
                if (!entry.path("kind").asString("").equals("concatenated")) {
                    throw new InvalidInputException(file + ": node \"" + name
                            + "\" is not in the table or of a kind that this version does not know");
                }
                known = concatenated(entry);
                read.put(name, known);
            }
            return known;
        }

        private LayerNode concatenated(JsonNode entry) {
            List<Share> shares = new ArrayList<>();
            for (JsonNode share : entry.path("shares")) {
                shares.add(new Share(node(share.path("source")), share.path("ratio").asDouble(),
                        integers(share.path("key_value_heads")), integers(share.path("channels"))));
            }
            return new Concatenated(shares,
                    QueryHeads.valueOf(entry.path("query_heads").asString().toUpperCase(Locale.ROOT)));
        }

        private static List<Integer> integers(JsonNode array) {
            List<Integer> integers = new ArrayList<>();
            array.forEach(value -> integers.add(value.asInt()));
            return integers;
        }
    }
}
