package dev.come.stack;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.TensorFile;
import dev.come.checkpoint.TensorInfo;
import dev.come.checkpoint.TensorSpec;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Wrapper;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.pytorch.Tensor;

/**
 * The places of the weights of trained layers. They lie in the safetensors files of some folders, under the names that
 * the model has for the tensors at the layer's position. So a saved model holds the weights of its own trained layers,
 * and a run that is under way keeps each in a file by itself; where several come to lie at one position, in files that
 * are named after their content. Safe for use by several threads.
 */
public final class TrainedLayers implements AutoCloseable {
    private static final String ENDING = ".safetensors";
    private static final Pattern NAMED_AFTER_CONTENT = Pattern.compile("layer-\\d+-[0-9a-f]{64}\\.safetensors");

    private final List<Place> places;
    private final Set<Path> undecided = new LinkedHashSet<>();
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
        return new Trained(start, training, position, write(file, config, position, weights));
    }

    /**
     * Writes the weights of a layer into the first of the folders. The file is named after the weights, so others at
     * the same position stay. The file is there all at once or not at all.
     *
     * @return the recipe of the layer with these weights
     */
    public synchronized Trained add(ModelConfig config, LayerNode start, Training training, int position,
            LayerWeights weights) {
        Path folder = places.getFirst().folder;
        Path unnamed = folder.resolve("layer-" + position + ".unnamed");
        Trained added = new Trained(start, training, position, write(unnamed, config, position, weights));
        Path file = folder.resolve(name(added));
        try {
            if (Files.exists(file)) {
                Files.delete(unnamed);
            } else {
                Files.move(unnamed, file, StandardCopyOption.ATOMIC_MOVE);
                undecided.add(file);
            }
        } catch (IOException e) {
            throw new FailedException(file + " cannot be written (" + IoReason.of(e)
                    + "), where the weights of a layer should lie; check that the folder may be written to", e);
        }
        return added;
    }

    /** Removes the files that were added since this was said last, except those that the layers of a stack are made from. */
    public synchronized void keepOnly(LayerStack stack) {
        Path folder = places.getFirst().folder;
        stack.nodes().stream().flatMap(LayerNode::trained).map(node -> folder.resolve(name(node)))
                .forEach(undecided::remove);
        for (Path file : undecided) {
            found.values().removeIf(place -> place.folder.equals(file));
            places.getFirst().remove(file);
        }
        undecided.clear();
    }

    /** The name of the file that {@link #add} writes the weights of a layer to. */
    public static String name(Trained node) {
        return "layer-" + node.position() + "-" + node.sha256() + ENDING;
    }

    /** Writes a file, and gives the sha256 of the data of its tensors. */
    private static String write(Path file, ModelConfig config, int position, LayerWeights weights) {
        List<TensorSpec> specs = new ArrayList<>();
        Map<String, List<Part>> places = new HashMap<>();
        for (List<Part> parts : config.layerTensors()) {
            String name = config.tensorName(position, parts.getFirst());
            specs.add(new TensorSpec(name, DType.of(weights.get(parts.getFirst()).scalar_type()), config.shape(parts)));
            places.put(name, parts);
        }
        TensorFile.write(file, specs, spec -> weights.stored(config, Objects.requireNonNull(places.get(spec.name()))));
        try (TensorFile written = TensorFile.open(file)) {
            MessageDigest digest = TensorFile.sha256();
            names(config, position).forEach(name -> written.addTo(digest, name));
            return HexFormat.of().formatHex(digest.digest());
        }
    }

    /** Whether the weights of a layer are here. */
    synchronized boolean holds(Trained node, ModelConfig config) {
        try {
            placeOf(node, config);
            return true;
        } catch (InvalidInputException _) {
            return false;
        }
    }

    /** Whether the weights of a layer were asked for before, and were here. */
    synchronized boolean hasFound(Trained node) {
        return found.containsKey(node);
    }

    /**
     * A part of a layer in its stored type, of the current PointerScope.
     *
     * @throws InvalidInputException if the weights of the layer are in none of the folders
     */
    synchronized Tensor part(Trained node, ModelConfig config, Part part) {
        Place place = placeOf(node, config);
        return LayerWeights.stored(config, node.position(), part, place::rows);
    }

    private Place placeOf(Trained node, ModelConfig config) {
        Place place = found.get(node);
        if (place == null) {
            place = find(node, config);
            found.put(node, place);
        }
        return place;
    }

    private Place find(Trained node, ModelConfig config) {
        List<String> reasons = new ArrayList<>();
        for (Place place : places.stream().flatMap(folder -> folder.with(node)).toList()) {
            Optional<String> reason = place.whyNot(node, config);
            if (reason.isEmpty()) {
                return place;
            }
            reasons.add(reason.get());
        }
        throw new InvalidInputException("The trained weights of layer " + node.tree() + " are not there: "
                + String.join("; ", reasons) + "; they lie in the folder of the model that was saved with the plan, so"
                + " give the come.json that lies there (of a run that refitted layers while it chose, the model of the"
                + " last step; --continue-saving writes those of the others too)");
    }

    private static List<String> names(ModelConfig config, int position) {
        return config.layerTensors().stream().map(parts -> config.tensorName(position, parts.getFirst())).toList();
    }

    @Override
    public synchronized void close() {
        places.forEach(Place::close);
        found.clear();
    }

    /** One folder, or one file of it that is named after its content. One layer may lie in two files of a sharded model. */
    private static final class Place {
        private final Path folder;
        private final Map<Path, TensorFile> files = new TreeMap<>();
        private final Map<Path, Place> named = new HashMap<>();

        Place(Path folder) {
            this.folder = folder;
        }

        /** The file that is named after the weights of a layer, if there is one, and the folder. */
        Stream<Place> with(Trained node) {
            Path file = folder.resolve(name(node));
            if (Files.exists(file)) {
                Place own = named.computeIfAbsent(file, Place::new);
                own.files.computeIfAbsent(file, TensorFile::open);
                return Stream.of(own, this);
            }
            return Stream.of(this);
        }

        /** Removes a file that is named after its content. */
        void remove(Path file) {
            Place own = named.remove(file);
            if (own != null) {
                own.close();
            }
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new FailedException(file + ", which is not needed any more, cannot be removed ("
                        + IoReason.of(e) + "); check that the folder may be written to", e);
            }
        }

        /** Why the weights of a layer are not here; empty if they are. */
        Optional<String> whyNot(Trained node, ModelConfig config) {
            if (stored(names(config, node.position()).getFirst()).isEmpty()) {
                openFiles(); // a run writes one layer after the other
            }
            MessageDigest digest = TensorFile.sha256();
            for (List<Part> parts : config.layerTensors()) {
                String name = config.tensorName(node.position(), parts.getFirst());
                Optional<Stored> stored = stored(name);
                if (stored.isEmpty()) {
                    return Optional.of("no .safetensors file in " + folder + " has a tensor " + name);
                }
                TensorInfo info = stored.get().file.info(stored.get().name);
                if (!info.shape().equals(config.shape(parts))) {
                    return Optional.of("in " + folder + " tensor " + name + " has the shape " + info.shape()
                            + ", expected " + config.shape(parts));
                }
                stored.get().file.addTo(digest, stored.get().name);
            }
            String sha256 = HexFormat.of().formatHex(digest.digest());
            return sha256.equals(node.sha256())
                    ? Optional.empty()
                    : Optional.of("in " + folder + " those of position " + node.position() + " have the sha256 "
                            + sha256 + ", expected " + node.sha256());
        }

        Tensor rows(String name, long first, long count) {
            Stored stored = stored(name).orElseThrow();
            return stored.file.rows(stored.name, first, count);
        }

        /** A tensor by its usual name; it has another in the folder of a model that sees images too. */
        private Optional<Stored> stored(String usual) {
            return Wrapper.possibleNames(usual).flatMap(name -> files.values().stream()
                    .filter(file -> file.contains(name)).map(file -> new Stored(file, name))).findFirst();
        }

        private record Stored(TensorFile file, String name) {}

        private void openFiles() {
            if (!Files.isDirectory(folder)) {
                return;
            }
            try (Stream<Path> found = Files.list(folder)) {
                found.filter(file -> isOfSeveral(file.getFileName().toString()) && Files.isRegularFile(file))
                        .sorted().forEach(file -> files.computeIfAbsent(file, TensorFile::open));
            } catch (IOException e) {
                throw new InvalidInputException(folder + " cannot be listed (" + IoReason.of(e)
                        + "), where the weights of trained layers should lie", e);
            }
        }

        private static boolean isOfSeveral(String name) {
            return name.endsWith(ENDING) && !NAMED_AFTER_CONTENT.matcher(name).matches();
        }

        void close() {
            named.values().forEach(Place::close);
            named.clear();
            files.values().forEach(TensorFile::close);
            files.clear();
        }
    }
}
