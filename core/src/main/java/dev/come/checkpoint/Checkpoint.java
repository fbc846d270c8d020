package dev.come.checkpoint;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.bytedeco.pytorch.Tensor;

/**
 * A model folder that was opened for reading: its config.json and the tensors of its safetensors files, which are
 * mapped into memory and never copied. Nothing in the folder is changed or executed.
 *
 * <p>Opening reads the headers only, and checks all that can be known from them, so that a damaged file is refused
 * before work begins. The files must not be shortened while they are open: the process would die at the next look at
 * what is gone. Safe for use from several threads, except that {@link #close} must be the last call.
 */
public final class Checkpoint implements AutoCloseable {
    static final String CONFIG = "config.json";
    static final String SINGLE_FILE = "model.safetensors";
    /** So much of each tensor goes into the fingerprint. */
    private static final long FINGERPRINT_BYTES = 4096;

    private final Path folder;
    private final ConfigTree config;
    private final Map<Path, TensorFile> files = new LinkedHashMap<>();
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();

    private Checkpoint(Path folder) {
        this.folder = folder;
        this.config = ConfigTree.read(folder.resolve(CONFIG));
        Optional<ShardIndex> index = Files.isRegularFile(folder.resolve(SINGLE_FILE))
                ? Optional.empty()
                : Optional.of(ShardIndex.read(indexFile(folder)));
        try {
            index.map(ShardIndex::shards).orElseGet(() -> List.of(folder.resolve(SINGLE_FILE)))
                    .forEach(file -> files.put(file, TensorFile.open(file)));
            files.values().forEach(this::add);
            index.ifPresent(known -> known.checkAgainst(tensors()));
        } catch (CheckpointException e) {
            close();
            throw e;
        }
    }

    private void add(TensorFile file) {
        for (TensorInfo tensor : file.tensors()) {
            TensorInfo other = tensors.put(tensor.name(), tensor);
            if (other != null) {
                throw new CheckpointException("%s: tensor '%s' lies in %s too; fetch the model again from one source"
                        .formatted(tensor.file(), tensor.name(), other.file().getFileName()));
            }
        }
    }

    /**
     * Opens and checks a model folder.
     *
     * @throws CheckpointException when it is not a folder, or a file in it is missing or broken; the message names it
     */
    public static Checkpoint open(Path folder) {
        if (!Files.exists(folder)) {
            throw new CheckpointException(
                    "%s: there is no such folder; give that of a model, or its name on the Hugging Face hub"
                            .formatted(folder));
        }
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException("%s is a file; give the model's folder, in which %s lies".formatted(folder,
                    CONFIG));
        }
        return new Checkpoint(folder);
    }

    /** The folder, as it was given. */
    public Path folder() {
        return folder;
    }

    /** What config.json says. */
    public ConfigTree config() {
        return config;
    }

    /** All tensors, in the order in which they lie in the files. */
    public List<TensorInfo> tensors() {
        return List.copyOf(tensors.values());
    }

    /** Whether there is a tensor of that name. */
    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /**
     * Where that tensor lies, of which type and shape it is.
     *
     * @throws CheckpointException when there is none
     */
    public TensorInfo info(String name) {
        TensorInfo tensor = tensors.get(name);
        if (tensor == null) {
            throw new CheckpointException(
                    ("%s: tensor '%s' is missing; fetch the model again, or check that config.json belongs "
                            + "to these weights").formatted(folder, name));
        }
        return tensor;
    }

    /**
     * A view of a tensor on the mapped file: stored type, no copy. It is valid until this checkpoint is closed, and
     * must never be written to, for the memory is read-only and the process would die.
     *
     * @throws CheckpointException when there is no tensor of that name
     */
    public Tensor tensor(String name) {
        return file(info(name)).tensor(name);
    }

    /**
     * SHA-256, in hexadecimal digits, over config.json, the header of every safetensors file and the first 4096 bytes
     * of every tensor. It costs next to nothing, whatever the size of the model, and yet tells a model from its
     * fine-tuned descendants, which differ in nearly every tensor. It does not find a byte that was changed further in.
     */
    public String fingerprint() {
        MessageDigest digest = TensorFile.sha256();
        try {
            digest.update(Files.readAllBytes(folder.resolve(CONFIG)));
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s)".formatted(folder.resolve(CONFIG), IoReason.of(e)),
                    e);
        }
        files.values().forEach(file -> file.addHeaderTo(digest));
        tensors.values().forEach(tensor -> file(tensor).addTo(digest, tensor.name(), FINGERPRINT_BYTES));
        return HexFormat.of().formatHex(digest.digest());
    }

    /**
     * Checks that the tensors are those that the model's architecture asks for.
     *
     * @param required names that must be there
     * @param optional names that may be there besides
     * @throws CheckpointException when a tensor is missing, or is there and not expected; the message names the first
     */
    public void checkTensors(Set<String> required, Set<String> optional) {
        Set<String> missing = new TreeSet<>(required);
        missing.removeAll(tensors.keySet());
        Set<String> unexpected = new TreeSet<>(tensors.keySet());
        unexpected.removeAll(required);
        unexpected.removeAll(optional);
        if (!missing.isEmpty()) {
            throw new CheckpointException(
                    ("%s: %s, which config.json asks for, is missing; fetch the model again, or check that "
                            + "config.json belongs to these weights").formatted(folder, firstOf(missing)));
        }
        if (!unexpected.isEmpty()) {
            throw new CheckpointException(
                    ("%s: %s has no place in the model that config.json describes; check that config.json "
                            + "belongs to these weights").formatted(folder, firstOf(unexpected)));
        }
    }

    /** The names of safetensors files in the folder that hold no tensor of this model. */
    public List<String> strayFiles() {
        Set<Path> known = files.keySet();
        try (DirectoryStream<Path> there = Files.newDirectoryStream(folder, "*.safetensors")) {
            List<String> stray = new ArrayList<>();
            there.forEach(file -> {
                if (!known.contains(file)) {
                    stray.add(file.getFileName().toString());
                }
            });
            stray.sort(null);
            return stray;
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }

    /** Unmaps the files; every tensor that {@link #tensor} gave becomes invalid. */
    @Override
    public void close() {
        files.values().forEach(TensorFile::close);
    }

    private TensorFile file(TensorInfo tensor) {
        return Objects.requireNonNull(files.get(tensor.file()));
    }

    /** The index of a folder that has no model.safetensors. */
    private static Path indexFile(Path folder) {
        Path index = folder.resolve(ShardIndex.FILE_NAME);
        if (Files.isRegularFile(index)) {
            return index;
        }
        if (hasFile(folder, "*.safetensors")) {
            throw new CheckpointException(
                    ("%s: there are .safetensors files, but neither %s nor %s, which says what lies in "
                            + "them; fetch it too").formatted(folder, SINGLE_FILE, ShardIndex.FILE_NAME));
        }
        if (hasFile(folder, "*.gguf")) {
            throw new CheckpointException(
                    "%s: the weights are in a GGUF file; give the path of that file instead of the folder's"
                            .formatted(folder));
        }
        if (hasFile(folder, "*.{bin,pth,pt}")) {
            throw new CheckpointException(
                    ("%s: the weights are not in the safetensors format, and no other is read; save the "
                            + "model with transformers' save_pretrained and give that folder").formatted(folder));
        }
        throw new CheckpointException("%s: neither %s nor %s is there; give a folder that holds the model's weights"
                .formatted(folder, SINGLE_FILE, ShardIndex.FILE_NAME));
    }

    private static boolean hasFile(Path folder, String glob) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, glob)) {
            return files.iterator().hasNext();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }

    private static String firstOf(Set<String> names) {
        String first = "tensor '%s'".formatted(names.iterator().next());
        return names.size() == 1 ? first : "%s (and %d more)".formatted(first, names.size() - 1);
    }
}
