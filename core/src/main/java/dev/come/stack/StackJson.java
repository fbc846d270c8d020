package dev.come.stack;

import dev.come.InvalidInputException;
import dev.come.checkpoint.CheckedFields;
import dev.come.checkpoint.Limits;
import dev.come.checkpoint.RecordNames;
import dev.come.checkpoint.Shown;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
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
import java.util.stream.Collectors;
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
 * "nodes": {"m1": {"kind": "concatenated", "query_heads": "grouped", "merge_norms": "fold",
 *                  "shares": [{"source": 2, "ratio": 0.3, "key_value_heads": [0, 2], "channels": [0, 1, 5]}, ...]},
 *           "m2": {"kind": "weighted_sum", "scope": "matrices", "terms": [{"source": 5, "factor": 0.6}, ...]},
 *           "m3": {"kind": "trained", "training": "distilled", "start": "m1", "position": 2, "sha256": "9f86d0..."}}
 * "stack": [0, 1, "m3", 4, "m2"]
 * }</pre>
 *
 * <p>Where {@code merge_norms} is absent, norms are averaged.
 */
public final class StackJson {
    private static final String MERGE_NORMS = "merge_norms";
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
            if (node.mergeNorms() != MergeNorms.MEAN) { // which a plan that does not say it has always meant
                written.put(MERGE_NORMS, RecordNames.name(node.mergeNorms()));
            }
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
        /** Shares and factors of one layer sum to 1 but for what doubles round. */
        private static final double ROUNDING = 1e-6;

        private final CheckedFields table;
        private final int layers;
        private final Map<String, Recipe> recipes = new HashMap<>();

        /**
         * A recipe of the table.
         *
         * @param first the first of the original layers under it
         * @param last the last of them
         * @param depth how many recipes lie in each other
         */
        private record Recipe(LayerNode node, int first, int last, int depth) {}

        /**
         * Reads the table. A recipe may only refer to those before it, as {@link Writer} lays them down, so that no damage
         * makes them go in circles.
         *
         * @param layers how many layers the checkpoint has
         * @throws InvalidInputException if a recipe is not one
         */
        public Reader(CheckedFields table, int layers) {
            this.table = table;
            this.layers = layers;
            for (String name : table.names()) {
                recipes.put(name, recipe(name));
            }
        }

        /**
         * Reads a stack.
         *
         * @throws InvalidInputException if it has no layers, or one that is neither in the checkpoint nor in the table, or
         *         they are not in their order
         */
        public LayerStack stack(List<JsonNode> references) {
            if (references.isEmpty()) {
                throw table.damaged("a stack has no layers");
            }
            List<Recipe> stack = references.stream().map(this::referred).toList();
            LayerStack read = new LayerStack(stack.stream().map(Recipe::node).toList());
            if (!inOrder(stack)) {
                throw table.damaged("the layers of the stack " + read.tree() + " are not in their order");
            }
            return read;
        }

        private Recipe referred(JsonNode reference) {
            if (reference.isIntegralNumber()) {
                if (!reference.isInt() || reference.intValue() < 0 || reference.intValue() >= layers) {
                    throw table.damaged("it names layer " + reference + " of a model with " + layers + " layers");
                }
                return new Recipe(new Original(reference.intValue()), reference.intValue(), reference.intValue(), 0);
            }
            Recipe recipe = reference.isString() ? recipes.get(reference.stringValue()) : null;
            if (recipe == null) {
                throw table.damaged(
                        "it names node " + Shown.of(reference) + ", which is not in its table or only further down");
            }
            return recipe;
        }

        private static boolean inOrder(List<Recipe> layers) {
            return IntStream.range(1, layers.size()).allMatch(i -> layers.get(i - 1).last < layers.get(i).first);
        }

        private Recipe recipe(String name) {
            CheckedFields entry = table.object(name);
            List<Recipe> sources = new ArrayList<>();
            LayerNode node = switch (entry.has("kind") ? entry.text("kind") : "") {
                case "concatenated" -> concatenated(entry, sources);
                case "weighted_sum" -> weightedSum(entry, sources);
                case "trained" -> trained(entry, sources);
                default ->
                    throw table.damaged("node \"" + Shown.of(name) + "\" is of the kind " + Shown.of(entry.get("kind"))
                            + ", and this version knows \"concatenated\", \"weighted_sum\" and \"trained\"");
            };
            if (sources.size() < (node instanceof Trained ? 1 : 2) || !inOrder(sources)) {
                throw table.damaged("node \"" + Shown.of(name) + "\" is not made of two or more layers in their order");
            }
            entry.requireOnly(switch (node) {
                case Concatenated _ -> List.of("kind", "query_heads", MERGE_NORMS, "shares");
                case WeightedSum _ -> List.of("kind", "scope", "terms");
                case Trained _ -> List.of("kind", "training", "start", "position", "sha256");
                case Original _ -> List.of();
            });
            int depth = 1 + sources.stream().mapToInt(Recipe::depth).max().orElse(0);
            if (depth > Limits.RECIPE_DEPTH) {
                throw table.damaged("more than " + Limits.RECIPE_DEPTH + " recipes lie in each other");
            }
            return new Recipe(node, sources.getFirst().first, sources.getLast().last, depth);
        }

        private LayerNode source(CheckedFields entry, String key, List<Recipe> sources) {
            if (!entry.has(key)) {
                throw entry.wrong(key, "a layer, or the name of a node");
            }
            sources.add(referred(entry.get(key)));
            return sources.getLast().node;
        }

        private Trained trained(CheckedFields entry, List<Recipe> sources) {
            return new Trained(source(entry, "start", sources), named(Training.values(), "training", entry),
                    (int) entry.integer("position", 0, layers - 1L), entry.sha256("sha256"));
        }

        private WeightedSum weightedSum(CheckedFields entry, List<Recipe> sources) {
            List<Term> terms = new ArrayList<>();
            for (CheckedFields term : parts(entry, "terms")) {
                terms.add(new Term(source(term, "source", sources),
                        term.number("factor", -Double.MAX_VALUE, Double.MAX_VALUE)));
                term.requireOnly(List.of("source", "factor"));
            }
            requireWhole(entry, "terms", terms.stream().map(Term::factor).toList());
            return new WeightedSum(terms, named(Scope.values(), "scope", entry));
        }

        private Concatenated concatenated(CheckedFields entry, List<Recipe> sources) {
            List<Share> shares = new ArrayList<>();
            for (CheckedFields share : parts(entry, "shares")) {
                shares.add(new Share(source(share, "source", sources), share.number("ratio", -ROUNDING, 1 + ROUNDING),
                        ascending(share, "key_value_heads", Limits.HEADS),
                        ascending(share, "channels", Limits.CHANNELS)));
                share.requireOnly(List.of("source", "ratio", "key_value_heads", "channels"));
            }
            requireWhole(entry, "shares", shares.stream().map(Share::ratio).toList());
            return new Concatenated(shares, named(QueryHeads.values(), "query_heads", entry),
                    entry.has(MERGE_NORMS) ? named(MergeNorms.values(), MERGE_NORMS, entry) : MergeNorms.MEAN);
        }

        /** What a merged layer is made of; what is missing is told later, by how many there are. */
        private static List<CheckedFields> parts(CheckedFields entry, String key) {
            return entry.has(key) ? entry.objects(key) : List.of();
        }

        private void requireWhole(CheckedFields entry, String key, List<Double> shares) {
            double sum = shares.stream().mapToDouble(Double::doubleValue).sum();
            if (!shares.isEmpty() && !(Math.abs(sum - 1) <= ROUNDING)) {
                throw entry.wrong(key, "shares that sum to 1 and not to " + sum);
            }
        }

        private static List<Integer> ascending(CheckedFields share, String key, int limit) {
            List<Integer> kept = share.integers(key, 0, limit - 1);
            if (!IntStream.range(1, kept.size()).allMatch(i -> kept.get(i - 1) < kept.get(i))) {
                throw share.wrong(key, "whole numbers in ascending order");
            }
            return kept;
        }

        private static <E extends Enum<E>> E named(E[] values, String key, CheckedFields entry) {
            return Arrays.stream(values)
                    .filter(value -> entry.get(key).isString()
                            && RecordNames.name(value).equals(entry.get(key).stringValue()))
                    .findFirst().orElseThrow(() -> entry.wrong(key, "one of "
                            + Arrays.stream(values).map(RecordNames::name).collect(Collectors.joining(", "))));
        }
    }
}
