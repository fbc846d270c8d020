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
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.jspecify.annotations.Nullable;

/**
 * Where the weights of trained layers lie: in the safetensors files of one folder, under the names that the model has for the
 * tensors at the layer's position. So a saved model holds the weights of its own trained layers, and a run that is under way
 * keeps each in a file by itself. Safe for use by several threads.
 */
public final class TrainedLayers implements AutoCloseable {
    private static final String ENDING = ".safetensors";

    private final Path folder;
    private final Map<Path, TensorFile> files = new TreeMap<>();
    private final Set<Trained> verified = new HashSet<>();

    /** Those of a folder; it is not looked at before a trained layer is asked for. */
    public TrainedLayers(Path folder) {
        this.folder = folder;
    }

    /**
     * Writes the weights of a layer into the folder, in a file that is there all at once or not at all.
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
        Map<String, Part> parts = new HashMap<>();
        weights.asMap().forEach((part, tensor) -> {
            specs.add(new TensorSpec(config.tensorName(position, part), DType.of(tensor.scalar_type()),
                    Arrays.stream(tensor.shape()).boxed().toList()));
            parts.put(config.tensorName(position, part), part);
        });
        // The writer closes what it is given.
        TensorFile.write(file, specs, spec -> weights.get(Objects.requireNonNull(parts.get(spec.name()))).detach());
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
     * @return views on the folder's files in their stored types, of the current PointerScope
     * @throws InvalidInputException if they are not in the folder, or others are
     */
    synchronized LayerWeights weights(Trained node, ModelConfig config) {
        List<String> names = names(config, node.position());
        if (find(names.getFirst()) == null) {
            openFiles();
        }
        if (!verified.contains(node)) {
            verify(node, config);
            verified.add(node);
        }
        return LayerWeights.of(config, part -> {
            String name = config.tensorName(node.position(), part);
            return file(name, node).tensor(name);
        });
    }

    private void verify(Trained node, ModelConfig config) {
        for (Part part : config.parts()) {
            String name = config.tensorName(node.position(), part);
            TensorInfo info = file(name, node).info(name);
            if (!info.shape().equals(config.shape(part))) {
                throw notThese(node, name + " has the shape " + info.shape() + ", expected " + config.shape(part));
            }
        }
        // One layer may lie in two files of a sharded model.
        MessageDigest digest = TensorFile.sha256();
        names(config, node.position()).forEach(name -> file(name, node).addTo(digest, name));
        String found = HexFormat.of().formatHex(digest.digest());
        if (!found.equals(node.sha256())) {
            throw notThese(node, "those of position " + node.position() + " have the sha256 " + found + ", expected "
                    + node.sha256());
        }
    }

    private TensorFile file(String name, Trained node) {
        TensorFile file = find(name);
        if (file == null) {
            throw notThese(node, "no .safetensors file there has a tensor " + name);
        }
        return file;
    }

    private @Nullable TensorFile find(String name) {
        return files.values().stream().filter(file -> file.contains(name)).findFirst().orElse(null);
    }

    private void openFiles() {
        try (Stream<Path> found = Files.list(folder)) {
            found.filter(file -> file.getFileName().toString().endsWith(ENDING) && Files.isRegularFile(file)).sorted()
                    .forEach(file -> files.computeIfAbsent(file, TensorFile::open));
        } catch (IOException e) {
            throw new InvalidInputException(folder + " cannot be listed (" + IoReason.of(e)
                    + "), where the weights of trained layers should lie", e);
        }
    }

    private InvalidInputException notThese(Trained node, String why) {
        return new InvalidInputException("The trained weights of layer " + node.tree() + " are not in " + folder + ": "
                + why + "; they lie in the folder of the model that was saved with the plan, so give the come.json that"
                + " lies there");
    }

    private static List<String> names(ModelConfig config, int position) {
        return config.parts().stream().map(part -> config.tensorName(position, part)).toList();
    }

    @Override
    public synchronized void close() {
        files.values().forEach(TensorFile::close);
        files.clear();
    }
}
