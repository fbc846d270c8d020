package dev.come.checkpoint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Finds the matrices of a checkpoint that are stored as floats or integers of eight bits, and the scales that belong to them:
 * of DeepSeek and Qwen ({@code weight_scale_inv}, which multiplies all the same), and of compressed-tensors, vLLM and ModelOpt
 * ({@code weight_scale}). Integers that are packed, or have a zero of their own, are not read.
 */
final class ScaledTensors {
    private static final Set<DType> IN_EIGHT_BITS = Set.of(DType.F8_E4M3, DType.I8);
    private static final List<String> SCALES = List.of("_scale_inv", "_scale");
    /** What else is stored for programs that multiply in eight bits; numbers of activations, which no weight depends on. */
    private static final List<String> OF_ACTIVATIONS = List.of(".input_scale", ".activation_scale", ".input_scale_ub",
            ".input_zero_point",
            ".output_scale", ".k_scale", ".v_scale", ".q_scale", ".kv_scale");

    private final ConfigTree config;
    /** By the name of the matrix. */
    private final Map<String, ScaledTensor> scaled = new LinkedHashMap<>();

    private ScaledTensors(ConfigTree config, Map<String, TensorInfo> stored) {
        this.config = config;
        for (TensorInfo tensor : stored.values()) {
            if (IN_EIGHT_BITS.contains(tensor.dtype()) && tensor.shape().size() == 2) {
                SCALES.stream().map(ending -> stored.get(tensor.name() + ending)).flatMap(Stream::ofNullable)
                        .findFirst().ifPresent(scale -> scaled.put(tensor.name(), scaled(tensor, scale)));
            }
        }
    }

    /**
     * The matrices by their names.
     *
     * @throws CheckpointException if the scales of one are not as many as its blocks
     */
    static Map<String, ScaledTensor> of(ConfigTree config, Map<String, TensorInfo> stored) {
        return new ScaledTensors(config, stored).scaled;
    }

    /**
     * The tensors as they are read: matrices of bfloat16 in the place of scaled ones, and none of what is there for them alone.
     */
    static Map<String, TensorInfo> read(Map<String, TensorInfo> stored, Map<String, ScaledTensor> scaled) {
        Map<String, TensorInfo> read = new LinkedHashMap<>(stored);
        scaled.forEach((name, tensor) -> {
            read.put(name, tensor.read());
            read.remove(tensor.scale().name());
        });
        if (!scaled.isEmpty()) {
            read.keySet().removeIf(name -> OF_ACTIVATIONS.stream().anyMatch(name::endsWith));
        }
        return read;
    }

    private ScaledTensor scaled(TensorInfo tensor, TensorInfo scale) {
        List<ScaledTensor> possible = new ArrayList<>();
        long rows = Math.max(1, tensor.shape().getFirst());
        long columns = Math.max(1, tensor.shape().getLast());
        possible.add(new ScaledTensor(tensor, scale, rows, columns));
        possible.add(new ScaledTensor(tensor, scale, 1, columns));
        blockSize()
                .ifPresent(block -> possible.add(new ScaledTensor(tensor, scale, block.getFirst(), block.getLast())));
        if (scale.shape().size() == 2 && scale.shape().stream().allMatch(size -> size > 0)
                && rows % scale.shape().getFirst() == 0 && columns % scale.shape().getLast() == 0) {
            possible.add(new ScaledTensor(tensor, scale, rows / scale.shape().getFirst(),
                    columns / scale.shape().getLast()));
        }
        if (!scale.dtype().floating() && scale.dtype() != DType.U8 && scale.dtype() != DType.F8_E8M0) {
            throw wrong(scale, "is stored as %s, where F32, F16, BF16, F8_E8M0 or U8 is expected of the scales of '%s'"
                    .formatted(scale.dtype(), Shown.of(tensor.name())));
        }
        return possible.stream().filter(ScaledTensor::fits).findFirst()
                .orElseThrow(() -> wrong(scale,
                        ("has shape %s, and its blocks do not fill the shape %s of '%s'; check that"
                                + " config.json, which says how large they are, belongs to these weights").formatted(
                                        Shown.of(scale.shape()), Shown.of(tensor.shape()), Shown.of(tensor.name()))));
    }

    /** Rows and columns of a block as config.json says it, in the words of either kind. */
    private Optional<List<Integer>> blockSize() {
        Optional<Quantisation> quantisation = Quantisation.of(config);
        Stream<List<Integer>> said = quantisation.stream()
                .map(found -> found.settings().oneOrMoreIntegers("weight_block_size"));
        Stream<List<Integer>> ofGroups = quantisation.stream()
                .flatMap(found -> found.groups().stream())
                .flatMap(group -> group.optionalObject("weights").stream())
                .map(weights -> weights.oneOrMoreIntegers("block_structure"));
        return Stream.concat(said, ofGroups)
                .filter(block -> block.size() == 2 && block.stream().allMatch(size -> size > 0)).findFirst();
    }

    private static CheckpointException wrong(TensorInfo tensor, String problem) {
        return new CheckpointException(
                "%s: tensor '%s' %s".formatted(tensor.file(), Shown.of(tensor.name()), problem));
    }
}
