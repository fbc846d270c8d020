package dev.come.stack;

import dev.come.InvalidInputException;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorInfo;
import dev.come.checkpoint.TensorSpec;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Where the weights of trained layers lie: in the safetensors files of some folders, under the names that the model has for the
 * tensors at the layer's position. So a saved model holds the weights of its own trained layers, and a run that is under way
 * keeps each in a file by itself. Safe for use by several threads.
 */
public final class TrainedLayers implements AutoCloseable {
    private static final String ENDING = ".safetensors";

    private final List<Place> places;
    private final Map<Trained, Place> found = new HashMap<>();

    /** Those of some folders; they are not looked at before a trained layer is asked for, and need not be there. */
    public TrainedLayers(Path... folders) {
        this.places = Stream.of(folders).map(Place::new).toList();
    }

    /**
     * Writes the weights of a layer into a folder, in a file that is there all at once or not at all.
     *
     * @param start the layer before its weights were changed
     * @param position its position in the stack
     * @param weights in the types that the checkpoint stores; see {@link LayerStore#stored}
     * @return the recipe of the layer with these weights
     */
    public static Trained write(Path folder, ModelConfig config, LayerNode start, Training training, int position,
            LayerWeights weights) {
        Path file = folder.resolve("layer-" + position + ENDING);
        List<TensorSpec> specs = new ArrayList<>();
        Map<String, List<Part>> places = new HashMap<>();
        for (List<Part> parts : config.layerTensors()) {
            String name = config.tensorName(position, parts.getFirst());
            specs.add(new TensorSpec(name, DType.of(weights.get(parts.getFirst()).scalar_type()), config.shape(parts)));
            places.put(name, parts);
        }
        // The writer closes what it is given.
        TensorFile.write(file, specs, spec -> weights.stored(Objects.requireNonNull(places.get(spec.name()))).detach());
        try (TensorFile written = TensorFile.open(file)) {
            MessageDigest digest = TensorFile.sha256();
            names(config, position).forEach(name -> written.addTo(digest, name));
            return new Trained(start, training, position, HexFormat.of().formatHex(digest.digest()));
        }
    }

    /** Whether the weights of a layer are here. */
    synchronized boolean holds(Trained node, ModelConfig config) {
        try (var _ = new PointerScope()) {
            weights(node, config);
            return true;
        } catch (InvalidInputException _) {
            return false;
        }
    }

    /**
     * The weights of a layer.
     *
     * @return views on files in their stored types, of the current PointerScope
     * @throws InvalidInputException if they are in none of the folders
     */
    synchronized LayerWeights weights(Trained node, ModelConfig config) {
        Place place = found.get(node);
        if (place == null) {
            place = find(node, config);
            found.put(node, place);
        }
        Place there = place;
        int first = node.originals().findFirst().orElseThrow();
        return LayerWeights.named(config, config.attention(first), node.position(), there::tensor);
    }

    private Place find(Trained node, ModelConfig config) {
        List<String> reasons = new ArrayList<>();
        for (Place place : places) {
            Optional<String> reason = place.whyNot(node, config);
            if (reason.isEmpty()) {
                return place;
            }
            reasons.add(reason.get());
        }
        throw new InvalidInputException("The trained weights of layer " + node.tree() + " are not there: "
                + String.join("; ", reasons) + "; they lie in the folder of the model that was saved with the plan, so"
                + " give the come.json that lies there");
    }

    private static List<String> names(ModelConfig config, int position) {
        return config.layerTensors().stream().map(parts -> config.tensorName(position, parts.getFirst())).toList();
    }

    @Override
    public synchronized void close() {
        places.forEach(Place::close);
        found.clear();
    }

    /** One folder. One layer may lie in two files of a sharded model. */
    private static final class Place {
        private final Path folder;
        private final Map<Path, TensorFile> files = new TreeMap<>();

        Place(Path folder) {
            this.folder = folder;
        }

        /** Why the weights of a layer are not here; empty if they are. */
        Optional<String> whyNot(Trained node, ModelConfig config) {
            if (file(names(config, node.position()).getFirst()).isEmpty()) {
                openFiles(); // a run writes one layer after the other
            }
            MessageDigest digest = TensorFile.sha256();
            for (List<Part> parts : config.layerTensors()) {
                String name = config.tensorName(node.position(), parts.getFirst());
                Optional<TensorFile> file = file(name);
                if (file.isEmpty()) {
                    return Optional.of("no .safetensors file in " + folder + " has a tensor " + name);
                }
                TensorInfo info = file.get().info(name);
                if (!info.shape().equals(config.shape(parts))) {
                    return Optional.of("in " + folder + " tensor " + name + " has the shape " + info.shape()
                            + ", expected " + config.shape(parts));
                }
                file.get().addTo(digest, name);
            }
            String sha256 = HexFormat.of().formatHex(digest.digest());
            return sha256.equals(node.sha256())
                    ? Optional.empty()
                    : Optional.of("in " + folder + " those of position " + node.position() + " have the sha256 "
                            + sha256 + ", expected " + node.sha256());
        }

        Tensor tensor(String name) {
            return file(name).orElseThrow().tensor(name);
        }

        private Optional<TensorFile> file(String name) {
            return files.values().stream().filter(file -> file.contains(name)).findFirst();
        }

        private void openFiles() {
            if (!Files.isDirectory(folder)) {
                return;
            }
            try (Stream<Path> found = Files.list(folder)) {
                found.filter(file -> file.getFileName().toString().endsWith(ENDING) && Files.isRegularFile(file))
                        .sorted().forEach(file -> files.computeIfAbsent(file, TensorFile::open));
            } catch (IOException e) {
                throw new InvalidInputException(folder + " cannot be listed (" + IoReason.of(e)
                        + "), where the weights of trained layers should lie", e);
            }
        }

        void close() {
            files.values().forEach(TensorFile::close);
            files.clear();
        }
    }
}
