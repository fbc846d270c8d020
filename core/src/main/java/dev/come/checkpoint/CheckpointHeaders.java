package dev.come.checkpoint;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * The description of a model before any weight is looked at: its config.json, and the headers of its safetensors files.
 * These are checked by themselves and against each other. The files need not lie in the folder, if their beginnings can
 * be read elsewhere.
 */
public final class CheckpointHeaders {
    /** What a user says of the family of the model, if it lies there. */
    public static final String FAMILY = "come-family.json";
    static final String CONFIG = "config.json";
    static final String SINGLE_FILE = "model.safetensors";
    private static final String SNAPSHOTS = "snapshots";

    private final Path folder;
    private final ConfigTree wholeConfig;
    private final ConfigTree config;
    private final List<SafetensorsHeader> files;
    /** By the names that they are asked for by; those in the files may be others. */
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    /** What belongs to no part of the model that is looked at, by the names in the files. */
    private final Map<String, TensorInfo> others = new LinkedHashMap<>();
    private final List<String> strayFiles;
    /** Matrices that are read otherwise than they are stored, by their names in the files. */
    private final Map<String, ScaledTensor> scaled;

    private CheckpointHeaders(Path folder, SortedMap<String, FileParts> weights) {
        this.folder = folder;
        this.wholeConfig = ConfigTree.read(folder.resolve(CONFIG));
        this.config = wholeConfig;
        Optional<ShardIndex> index = weights.containsKey(SINGLE_FILE)
                ? Optional.empty()
                : Optional.of(ShardIndex.read(WeightFiles.index(folder, weights.keySet()), weights.keySet()));
        Limits.check(folder, "the number of .safetensors files", weights.size(), Limits.SHARDS);
        List<String> names = index.map(ShardIndex::shards).orElse(List.of(SINGLE_FILE));
        this.files = names.stream()
                .map(name -> header(folder.resolve(name), Objects.requireNonNull(weights.get(name))))
                .toList();
        this.strayFiles = weights.keySet().stream().filter(name -> !names.contains(name)).toList();
        files.forEach(this::add);
        index.ifPresent(known -> known.checkAgainst(tensors()));
        this.scaled = ScaledTensors.of(config, tensors);
        Map<String, TensorInfo> read = ScaledTensors.read(tensors, scaled);
        tensors.clear();
        tensors.putAll(read);
    }

    private CheckpointHeaders(CheckpointHeaders same, ConfigTree config, Map<String, TensorInfo> tensors,
            Map<String, TensorInfo> others) {
        this.folder = same.folder;
        this.wholeConfig = same.wholeConfig;
        this.config = config;
        this.files = same.files;
        this.strayFiles = same.strayFiles;
        this.scaled = same.scaled;
        this.tensors.putAll(tensors);
        this.others.putAll(others);
    }

    private SafetensorsHeader header(Path file, FileParts parts) {
        try {
            return SafetensorsHeader.read(file, parts);
        } catch (UnknownTypeException e) {
            throw Quantisation.of(config).<CheckpointException>map(quantisation -> new CheckpointException(
                    "%s; the weights are quantised (%s), so %s".formatted(e.getMessage(), quantisation,
                            quantisation.advice()),
                    e)).orElse(e);
        }
    }

    private void add(SafetensorsHeader file) {
        Limits.check(folder, "the number of tensors", tensors.size() + (long) file.tensors().size(), Limits.TENSORS);
        for (TensorInfo tensor : file.tensors()) {
            TensorInfo other = tensors.put(tensor.name(), tensor);
            if (other != null) {
                throw new CheckpointException("%s: tensor '%s' lies in %s too; fetch the model again from one source"
                        .formatted(tensor.file(), Shown.of(tensor.name()), other.file().getFileName()));
            }
        }
    }

    /**
     * Reads the headers of a model folder.
     *
     * @throws CheckpointException when it is not a folder, or a file in it is missing or broken; the message names it
     */
    public static CheckpointHeaders read(Path folder) {
        if (!Files.exists(folder)) {
            throw new CheckpointException(
                    "%s: there is no such folder; give that of a model, or its name on the Hugging Face hub"
                            .formatted(folder));
        }
        if (!Files.isDirectory(folder)) {
            throw new CheckpointException("%s is a file; give the model's folder, in which %s lies".formatted(folder,
                    CONFIG));
        }
        Path snapshots = folder.endsWith(SNAPSHOTS) ? folder : folder.resolve(SNAPSHOTS);
        if (!Files.exists(folder.resolve(CONFIG)) && Files.isDirectory(snapshots)) {
            throw new CheckpointException(
                    ("%s is a folder of the Hugging Face hub's cache, in which models lie below %s/;"
                            + " give %s, or the model's name")
                            .formatted(folder, SNAPSHOTS, WeightFiles.snapshotsIn(snapshots)));
        }
        SortedMap<String, FileParts> weights = WeightFiles.in(folder);
        if (Adapter.isOne(folder, weights.keySet())) {
            throw Adapter.refusal(folder);
        }
        return new CheckpointHeaders(folder, weights);
    }

    /**
     * Reads the headers of a model whose safetensors files may lie elsewhere.
     *
     * @param folder where all other files lie; messages and tensors speak as if the weights lay there too
     * @param weights the safetensors files by their names
     * @throws CheckpointException when a file is missing or broken; the message names it
     */
    public static CheckpointHeaders read(Path folder, Map<String, FileParts> weights) {
        return new CheckpointHeaders(folder, new TreeMap<>(weights));
    }

    /** Whether a safetensors file has a sound header, and all the bytes that this tells of. */
    public static boolean isWhole(Path file) {
        try {
            SafetensorsHeader.read(file);
            return true;
        } catch (CheckpointException _) {
            return false;
        }
    }

    /** The folder, as it was given. */
    public Path folder() {
        return folder;
    }

    /** What config.json says, or of a part of a model what it says of that. */
    public ConfigTree config() {
        return config;
    }

    /** How a tensor is read, if it is stored in eight bits. */
    Optional<ScaledTensor> scaled(TensorInfo tensor) {
        return Optional.ofNullable(scaled.get(tensor.name()));
    }

    /** How many matrices are stored in eight bits with scales, and read as bfloat16. */
    public int scaledMatrices() {
        return scaled.size();
    }

    /** All that config.json says. */
    public ConfigTree wholeConfig() {
        return wholeConfig;
    }

    /**
     * All tensors that a model may ask for, in their order in the files; of a part of a model its own. Floats of eight bits are told
     * as what they are read as, and their scales are none of these.
     */
    public List<TensorInfo> tensors() {
        return List.copyOf(tensors.values());
    }

    /** All tensors as they lie in the files, in their order there. */
    List<TensorInfo> stored() {
        return files.stream().flatMap(file -> file.tensors().stream()).toList();
    }

    /** The tensors that do not belong to the part of a model, in their order in the files; none of a whole model. */
    public List<TensorInfo> others() {
        return List.copyOf(others.values());
    }

    /** The names that tensors are asked for by, in the order of {@link #tensors}. */
    public List<String> names() {
        return List.copyOf(tensors.keySet());
    }

    /**
     * The same tensors under other names. The files stay as they are.
     *
     * @param newName gives a name the one that is used from now on; where there is a tensor of that name already, the old one stays
     */
    public CheckpointHeaders renamed(UnaryOperator<String> newName) {
        Map<String, TensorInfo> renamed = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> {
            String other = newName.apply(name);
            renamed.put(tensors.containsKey(other) ? name : other, tensor);
        });
        return new CheckpointHeaders(this, config, renamed, others);
    }

    /**
     * Part of the same model.
     *
     * @param itsConfig what config.json says of the part
     * @param itsName gives a tensor of the part the name that it is asked for by from now on; empty for any other
     */
    public CheckpointHeaders part(ConfigTree itsConfig, Function<String, Optional<String>> itsName) {
        Map<String, TensorInfo> its = new LinkedHashMap<>();
        Map<String, TensorInfo> rest = new LinkedHashMap<>();
        tensors.forEach((name, tensor) -> itsName.apply(name).ifPresentOrElse(other -> its.put(other, tensor),
                () -> rest.put(name, tensor)));
        return new CheckpointHeaders(this, itsConfig, its, rest);
    }

    /** Whether there is a tensor of that name. */
    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /**
     * The place, type and shape of that tensor, be it one of the {@link #others}.
     *
     * @throws CheckpointException when there is none
     */
    public TensorInfo info(String name) {
        TensorInfo tensor = tensors.getOrDefault(name, others.get(name));
        if (tensor == null) {
            throw new CheckpointException(
                    ("%s: tensor '%s' is missing; fetch the model again, or check that config.json belongs "
                            + "to these weights").formatted(folder, name));
        }
        return tensor;
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

    /** The names of safetensors files that hold no tensor of this model. */
    public List<String> strayFiles() {
        return strayFiles;
    }

    /** The headers, in the order of the files' names. */
    List<SafetensorsHeader> files() {
        return files;
    }

    private static String firstOf(Set<String> names) {
        String first = "tensor '%s'".formatted(Shown.of(names.iterator().next()));
        return names.size() == 1 ? first : "%s (and %s more)".formatted(first, names.size() - 1);
    }
}
