package dev.come.heal;

import dev.come.InvalidInputException;
import dev.come.checkpoint.AtomicFile;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The fits of a healing as they come, in its folder. Each layer has the weights, if a fit was taken, and after them a
 * record {@code fit-POSITION.json} that says that all is there. An interrupted healing finds them, runs each such layer
 * once instead of fitting it, and has the same states to the bit.
 */
final class KeptFits implements AutoCloseable {
    private static final JsonMapper JSON = new JsonMapper();

    private final Path folder;
    private final LayerStore store;
    private final TrainedLayers found;
    private final int pass;

    /**
     * Makes one.
     *
     * @param store makes the layers before they are fitted
     * @param pass for the how manieth time they are fitted, from 1 on
     */
    KeptFits(Path folder, LayerStore store, int pass) {
        this.folder = folder;
        this.pass = pass;
        this.found = new TrainedLayers(folder);
        this.store = store.with(found);
    }

    /**
     * What became of a layer.
     *
     * @param layer its recipe with other weights, if a fit was taken
     */
    record Kept(LayerFit fit, Optional<Trained> layer) {}

    /** The weights of a layer, also of one that a pass before has left here. */
    LayerWeights materialise(LayerNode node) {
        return store.materialise(node);
    }

    /**
     * The fit of a layer if it was made before.
     *
     * @param weights of the layer before it
     */
    Optional<Kept> find(int position, LayerNode node, LayerWeights weights) {
        Path file = file(position);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            JsonNode record = JSON.readTree(Files.readString(file));
            Map<Part, Double> lambdas = new EnumMap<>(Part.class);
            for (Map.Entry<String, JsonNode> lambda : record.path("lambdas").properties()) {
                lambdas.put(Part.valueOf(lambda.getKey()), number(lambda.getValue()));
            }
            Optional<Trained> layer = lambdas.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Trained(node, Training.REFITTED, position, record.path("sha256").asString()));
            LayerWeights fitted = layer.map(store::materialise).orElse(weights);
            return Optional.of(new Kept(
                    new LayerFit(fitted, number(record.path("before")), number(record.path("after")), lambdas), layer));
        } catch (IOException | JacksonException | IllegalArgumentException | InvalidInputException e) {
            return Optional.empty(); // whatever is wrong with it, the layer can be fitted again
        }
    }

    /** Keeps the fit of a layer. */
    Kept keep(int position, LayerNode node, LayerFit fit) {
        Optional<Trained> layer = fit.isTaken()
                ? Optional.of(written(position, node, fit))
                : Optional.empty();
        ObjectNode record = JsonNodeFactory.instance.objectNode();
        // As text, which JSON readers do not round.
        record.put("before", Double.toString(fit.before()));
        record.put("after", Double.toString(fit.after()));
        ObjectNode lambdas = record.putObject("lambdas");
        fit.lambdas().forEach((part, lambda) -> lambdas.put(part.name(), Double.toString(lambda)));
        layer.ifPresent(trained -> record.put("sha256", trained.sha256()));
        AtomicFile.writePrivate(file(position), JSON.writeValueAsString(record));
        return new Kept(fit, layer);
    }

    /** What later passes leave has names of its own, since it may turn out to be no better. */
    private Trained written(int position, LayerNode node, LayerFit fit) {
        return pass == 1
                ? TrainedLayers.write(folder, store.config(), node, Training.REFITTED, position, fit.weights())
                : found.add(store.config(), node, Training.REFITTED, position, fit.weights());
    }

    private static double number(JsonNode text) {
        return Double.parseDouble(text.asString());
    }

    private Path file(int position) {
        return folder.resolve("fit-" + (pass > 1 ? pass + "-" : "") + position + ".json");
    }

    @Override
    public void close() {
        found.close();
    }
}
