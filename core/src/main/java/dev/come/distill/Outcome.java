package dev.come.distill;

import dev.come.checkpoint.AtomicFile;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.bytedeco.javacpp.PointerScope;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * What came out of training some layers together: the curve, and the layers if they became better. It lies in a folder of the
 * run, so that it need not be done again.
 *
 * @param layers by position; empty if no step made the validation loss smaller
 */
record Outcome(Curve curve, SortedMap<Integer, Trained> layers) {
    private static final JsonMapper JSON = new JsonMapper();

    /** Writes what came out: the weights first, and last the record that says that all is there. */
    static Outcome write(Path record, LayerStore store, List<TrainableLayer> trained, LayerStack before, Curve curve) {
        SortedMap<Integer, Trained> layers = new TreeMap<>();
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.set("curve", curve.toJson());
        ObjectNode sums = root.putObject("layers");
        if (curve.improved()) {
            for (TrainableLayer layer : trained) {
                try (var _ = new PointerScope()) {
                    Trained node = TrainedLayers.write(folder(record), store.config(), before.get(layer.position()),
                            Training.DISTILLED, layer.position(), layer.stored(store));
                    layers.put(layer.position(), node);
                    sums.put("" + layer.position(), node.sha256());
                }
            }
        }
        AtomicFile.writePrivate(record, JSON.writeValueAsString(root));
        return new Outcome(curve, layers);
    }

    /** Reads what was written, if it was. */
    static Optional<Outcome> read(Path record, LayerStack before) {
        if (!Files.exists(record)) {
            return Optional.empty();
        }
        JsonNode root = JSON.readTree(record);
        SortedMap<Integer, Trained> layers = new TreeMap<>();
        for (Map.Entry<String, JsonNode> entry : root.path("layers").properties()) {
            int position = Integer.parseInt(entry.getKey());
            layers.put(position, new Trained(before.get(position), Training.DISTILLED, position,
                    entry.getValue().asString()));
        }
        return Optional.of(new Outcome(Curve.of(root.path("curve")), layers));
    }

    private static Path folder(Path record) {
        return record.toAbsolutePath().resolveSibling("");
    }
}
