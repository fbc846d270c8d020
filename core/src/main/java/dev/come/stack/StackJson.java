package dev.come.stack;

import dev.come.InvalidInputException;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
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
            written.put("query_heads", name(node.queryHeads()));
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
        private final String file;
        private final int layers;
        private final Map<String, LayerNode> nodes = new HashMap<>();

        /**
         * Reads the table. A recipe may only refer to those before it, as {@link Writer} lays them down, so that no damage
         * makes them go in circles.
         *
         * @param file what messages call the file
         * @param layers how many layers the checkpoint has
         * @throws InvalidInputException if a recipe is not one
         */
        public Reader(JsonNode table, String file, int layers) {
            this.file = file;
            this.layers = layers;
            for (Map.Entry<String, JsonNode> entry : table.properties()) {
                nodes.put(entry.getKey(), concatenated(entry.getKey(), entry.getValue()));
            }
        }

        /**
         * Reads a stack.
         *
         * @throws InvalidInputException if it has no layers, or one that is neither in the checkpoint nor in the table
         */
        public LayerStack stack(JsonNode array) {
            List<LayerNode> stack = new ArrayList<>();
            array.forEach(reference -> stack.add(node(reference)));
            if (stack.isEmpty()) {
                throw damaged("a stack has no layers");
            }
            return new LayerStack(stack);
        }

        private LayerNode node(JsonNode reference) {
            if (reference.isInt()) {
                int index = reference.asInt();
                if (index < 0 || index >= layers) {
                    throw damaged("it names layer " + index + " of a model with " + layers + " layers");
                }
                return new Original(index);
            }
            LayerNode node = nodes.get(reference.asString());
            if (node == null) {
                throw damaged("it names node " + reference + ", which is not in its table or only further down");
            }
            return node;
        }

        private Concatenated concatenated(String name, JsonNode entry) {
            if (!entry.path("kind").asString().equals("concatenated")) {
                throw damaged("node \"" + name + "\" is of the kind " + entry.path("kind")
                        + ", and this version knows \"concatenated\"");
            }
            List<Share> shares = new ArrayList<>();
            for (JsonNode share : entry.path("shares")) {
                shares.add(new Share(node(share.path("source")), share.path("ratio").asDouble(),
                        integers(share.path("key_value_heads")), integers(share.path("channels"))));
            }
            Concatenated node = new Concatenated(shares, queryHeads(name, entry.path("query_heads").asString()));
            int[] originals = node.originals().toArray();
            if (shares.size() < 2 || IntStream.range(1, originals.length)
                    .anyMatch(i -> originals[i - 1] >= originals[i])) {
                throw damaged("node \"" + name + "\" is not made of two or more layers in their order");
            }
            return node;
        }

        private QueryHeads queryHeads(String node, String name) {
            return Arrays.stream(QueryHeads.values()).filter(heads -> name(heads).equals(name)).findFirst()
                    .orElseThrow(() -> damaged("node \"" + node + "\" has the query heads \"" + name + "\""));
        }

        private InvalidInputException damaged(String what) {
            return new InvalidInputException(
                    file + ": " + what + "; the file is damaged or of another version, give the one that was written");
        }

        private static List<Integer> integers(JsonNode array) {
            List<Integer> integers = new ArrayList<>();
            array.forEach(value -> integers.add(value.asInt()));
            return integers;
        }
    }

    private static String name(QueryHeads heads) {
        return heads.name().toLowerCase(Locale.ROOT);
    }
}
