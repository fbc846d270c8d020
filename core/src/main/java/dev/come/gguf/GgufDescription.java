package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorSpec;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What the header of a GGUF file says of its model, and what {@link GgufImport} would make of it. No weight is unpacked, and
 * nothing is written.
 */
public final class GgufDescription {
    private final Path file;
    private final ConfigTree config;
    private final List<TensorSpec> tensors;
    private final GgufTokenizer tokenizer;
    private final SequencedMap<String, Long> storedTypes;
    private final long storedBytes;
    private final int maxPositions;

    private GgufDescription(GgufFile gguf) {
        GgufModel model = GgufModel.of(gguf);
        file = gguf.file();
        tokenizer = GgufTokenizer.of(gguf.metadata());
        maxPositions = model.maxPositions();
        config = model.config(tokenizer);
        tensors = model.weights().stream().map(Weight::spec).toList();
        storedTypes = new LinkedHashMap<>();
        gguf.header().tensors().stream()
                .collect(Collectors.groupingBy(GgufTensor::type, TreeMap::new, Collectors.counting()))
                .forEach((type, count) -> storedTypes.put(type.name(), count));
        storedBytes = gguf.header().tensors().stream().mapToLong(GgufTensor::byteLength).sum();
    }

    /**
     * Reads the header of a file.
     *
     * @throws CheckpointException when the file cannot be read, is damaged, or holds a model that is not read
     */
    public static GgufDescription read(Path file) {
        try (GgufFile gguf = GgufFile.open(file)) {
            return new GgufDescription(gguf);
        }
    }

    /** The file, as it was given. */
    public Path file() {
        return file;
    }

    /** The config.json of the unpacked model. */
    public ConfigTree config() {
        return config;
    }

    /** The tensors of the unpacked model, in the order of their names. */
    public List<TensorSpec> tensors() {
        return tensors;
    }

    /**
     * The text of the tokenizer.json of the unpacked model.
     *
     * @throws CheckpointException when the tokenizer is of a kind that is not read
     */
    public String tokenizerJson() {
        return tokenizer.tokenizerJson();
    }

    /** The tokenizer_config.json of the unpacked model. */
    public ConfigTree tokenizerConfig() {
        JsonNode settings = JsonMapper.shared().readTree(tokenizer.tokenizerConfig(maxPositions));
        return ConfigTree.create(Path.of("tokenizer_config.json"), root -> root.setAll((ObjectNode) settings));
    }

    /** How many tensors the file has of each of ggml's types. */
    public SequencedMap<String, Long> storedTypes() {
        return storedTypes;
    }

    /** Bytes of all tensors as they lie in the file. */
    public long storedBytes() {
        return storedBytes;
    }
}
