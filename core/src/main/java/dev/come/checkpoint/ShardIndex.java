package dev.come.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * model.safetensors.index.json: which tensor lies in which of several files.
 *
 * @param file the index itself
 * @param shardOfTensor file name of the shard by name of the tensor
 */
record ShardIndex(Path file, SortedMap<String, String> shardOfTensor) {
    static final String FILE_NAME = "model.safetensors.index.json";
    private static final String WEIGHT_MAP = "weight_map";

    /**
     * Reads an index; every shard that it names is there and lies beside it.
     *
     * @param there the names of the safetensors files that there are
     * @throws CheckpointException when it is not so
     */
    static ShardIndex read(Path file, Set<String> there) {
        JsonNode weightMap = Json.read(file, Limits.INDEX_BYTES).path(WEIGHT_MAP);
        if (!weightMap.isObject() || weightMap.isEmpty() || !weightMap.valueStream().allMatch(JsonNode::isString)) {
            throw new CheckpointException(
                    "%s: '%s' must be an object that names the file of every tensor; fetch the file again"
                            .formatted(file, WEIGHT_MAP));
        }
        SortedMap<String, String> shardOfTensor = new TreeMap<>();
        weightMap.properties().forEach(entry -> shardOfTensor.put(entry.getKey(), entry.getValue().stringValue()));
        ShardIndex index = new ShardIndex(file, shardOfTensor);
        shardOfTensor.forEach((tensor, shard) -> index.checkShard(tensor, shard, there));
        return index;
    }

    /** The names of the files, in order. */
    List<String> shards() {
        return List.copyOf(new TreeSet<>(shardOfTensor.values()));
    }

    /**
     * Compares what the index says with what the headers of the shards say.
     *
     * @throws CheckpointException when a tensor is not where the index says, or the index does not know it
     */
    void checkAgainst(List<TensorInfo> stored) {
        Map<String, String> missing = new LinkedHashMap<>(shardOfTensor);
        for (TensorInfo tensor : stored) {
            String actual = tensor.file().getFileName().toString();
            String expected = shardOfTensor.get(tensor.name());
            if (!actual.equals(expected)) {
                throw new CheckpointException(
                        "%s: tensor '%s' lies in %s, but the index %s; fetch index and shards again from one source"
                                .formatted(file, Shown.of(tensor.name()), actual,
                                        expected == null ? "does not name it" : "says " + Shown.of(expected)));
            }
            missing.remove(tensor.name());
        }
        missing.forEach((name, shard) -> {
            throw new CheckpointException(
                    "%s: tensor '%s' should lie in %s, but is not there; fetch index and shards again from one source"
                            .formatted(file, Shown.of(name), Shown.of(shard)));
        });
    }

    /** The text of an index. */
    static String encode(SortedMap<String, String> shardOfTensor, long totalBytes) {
        ObjectNode root = JsonNodeFactory.instance.objectNode();
        root.putObject("metadata").put("total_size", totalBytes);
        ObjectNode weightMap = root.putObject(WEIGHT_MAP);
        shardOfTensor.forEach(weightMap::put);
        return Json.print(root);
    }

    private void checkShard(String tensor, String shard, Set<String> there) {
        // The index is a stranger's text: a name with a path in it must not lead out of the folder.
        if (!shard.endsWith(".safetensors") || shard.contains("/") || shard.contains("\\")) {
            throw new CheckpointException(
                    ("%s: tensor '%s' is said to lie in '%s', where the name of a .safetensors file of the "
                            + "same folder is expected").formatted(file, Shown.of(tensor), Shown.of(shard)));
        }
        if (!there.contains(shard)) {
            throw new CheckpointException("%s: the shard %s is missing, in which tensor '%s' should lie; fetch it again"
                    .formatted(file, Shown.of(shard), Shown.of(tensor)));
        }
    }
}
