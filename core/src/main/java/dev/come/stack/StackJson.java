package dev.come.stack;

import dev.come.InvalidInputException;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.RecordNames;
import dev.come.checkpoint.Shown;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerNode.WeightedSum;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
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
 *                  "shares": [{"source": 2, "ratio": 0.3, "key_value_heads": [0, 2], "channels": [0, 1, 5]}, ...]},
 *           "m2": {"kind": "weighted_sum", "scope": "matrices", "terms": [{"source": 5, "factor": 0.6}, ...]},
 *           "m3": {"kind": "trained", "training": "distilled", "start": "m1", "position": 2, "sha256": "9f86d0..."}}
 * "stack": [0, 1, "m3", 4, "m2"]
 * }</pre>
 */
public final class StackJson {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

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
                case Concatenated concatenated -> named(concatenated, this::write);
                case WeightedSum sum -> named(sum, this::write);
                case Trained trained -> named(trained, this::write);
            };
        }

        private <N extends LayerNode> JsonNode named(N node, Function<N, ObjectNode> write) {
            String name = names.get(node);
            if (name == null) {
                ObjectNode written = write.apply(node);
                name = "m" + (names.size() + 1);
                names.put(node, name);
                nodes.set(name, written);
            }
            return JSON.stringNode(name);
        }

        private ObjectNode write(Trained node) {
            ObjectNode written = JSON.objectNode();
            written.put("kind", "trained");
            written.put("training", RecordNames.name(node.training()));
            written.set("start", reference(node.start()));
            written.put("position", node.position());
            written.put("sha256", node.sha256());
            return written;
        }

        private ObjectNode write(WeightedSum node) {
            ObjectNode written = JSON.objectNode();
            written.put("kind", "weighted_sum");
            written.put("scope", RecordNames.name(node.scope()));
            ArrayNode terms = written.putArray("terms");
            for (Term term : node.terms()) {
                ObjectNode entry = terms.addObject();
                entry.set("source", reference(term.source()));
                entry.put("factor", term.factor());
            }
            return written;
        }

        private ObjectNode write(Concatenated node) {
            ObjectNode written = JSON.objectNode();
            written.put("kind", "concatenated");
            written.put("query_heads", RecordNames.name(node.queryHeads()));
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
        /** How many recipes lie in each other under a name. */
        private final Map<String, Integer> depths = new HashMap<>();
        private int deepestSource;

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
                deepestSource = 0;
                nodes.put(entry.getKey(), recipe(entry.getKey(), entry.getValue()));
                if (deepestSource >= Limits.RECIPE_DEPTH) {
                    throw damaged("more than " + Limits.RECIPE_DEPTH + " recipes lie in each other");
                }
                depths.put(entry.getKey(), deepestSource + 1);
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
                throw damaged("it names node " + Shown.of(reference) + ", which is not in its table or only further down");
            }
            deepestSource = Math.max(deepestSource, depths.getOrDefault(reference.asString(), 0));
            return node;
        }

        private LayerNode recipe(String name, JsonNode entry) {
            LayerNode node = switch (entry.path("kind").asString()) {
                case "concatenated" -> concatenated(name, entry);
                case "weighted_sum" -> weightedSum(name, entry);
                case "trained" -> trained(name, entry);
                default -> throw damaged("node \"" + Shown.of(name) + "\" is of the kind " + Shown.of(entry.path("kind"))
                        + ", and this version knows \"concatenated\", \"weighted_sum\" and \"trained\"");
            };
            int[] originals = node.originals().toArray();
            if (originals.length < (node instanceof Trained ? 1 : 2)
                    || IntStream.range(1, originals.length).anyMatch(i -> originals[i - 1] >= originals[i])) {
                throw damaged("node \"" + Shown.of(name) + "\" is not made of two or more layers in their order");
            }
            return node;
        }

        private Trained trained(String name, JsonNode entry) {
            String sha256 = entry.path("sha256").asString();
            if (!SHA256.matcher(sha256).matches() || !entry.path("position").isInt()) {
                throw damaged("node \"" + Shown.of(name) + "\" does not say by position and sha256 which weights it has");
            }
            return new Trained(node(entry.path("start")), named(Training.values(), name, "training", entry),
                    entry.path("position").asInt(), sha256);
        }

        private WeightedSum weightedSum(String name, JsonNode entry) {
            List<Term> terms = new ArrayList<>();
            for (JsonNode term : entry.path("terms")) {
                if (!term.path("factor").isNumber()) {
                    throw damaged("node \"" + Shown.of(name) + "\" has the factor " + Shown.of(term.path("factor")));
                }
                terms.add(new Term(node(term.path("source")), term.path("factor").asDouble()));
            }
            return new WeightedSum(terms, named(Scope.values(), name, "scope", entry));
        }

        private Concatenated concatenated(String name, JsonNode entry) {
            List<Share> shares = new ArrayList<>();
            for (JsonNode share : entry.path("shares")) {
                shares.add(new Share(node(share.path("source")), share.path("ratio").asDouble(),
                        integers(share.path("key_value_heads")), integers(share.path("channels"))));
            }
            return new Concatenated(shares, named(QueryHeads.values(), name, "query_heads", entry));
        }

        private <E extends Enum<E>> E named(E[] values, String node, String key, JsonNode entry) {
            return Arrays.stream(values).filter(value -> RecordNames.name(value).equals(entry.path(key).asString()))
                    .findFirst()
                    .orElseThrow(() -> damaged("node \"" + Shown.of(node) + "\" has the " + key + " " + Shown.of(entry.path(key))));
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
}
