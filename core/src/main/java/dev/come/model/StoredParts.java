package dev.come.model;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * The parts of a layer that lie in one stored tensor: row after row, or, in families that keep what belongs to a head together, head by
 * head and there part after part. Biases are laid out as the rows that they are added to. In families that store matrices transposed,
 * rows are columns there.
 *
 * @param parts in the order in which they lie there
 */
record StoredParts(ModelConfig config, List<Part> parts) {
    /** Those that lie together with a part. */
    static StoredParts with(ModelConfig config, Part part) {
        return new StoredParts(config, config.layerTensors().stream().filter(parts -> parts.contains(part)).findFirst()
                .orElseThrow());
    }

    /**
     * Reads one of them; a single number counts as a row.
     *
     * @param position the number of the layer in the names of tensors
     */
    Tensor read(int position, Part part, LayerWeights.StoredRows rows) {
        String name = config.tensorName(position, part);
        int index = parts.indexOf(part);
        if (byHead()) {
            Tensor whole = rows.read(name, 0, config.shape(parts).getFirst());
            return whole.view(headByHead(whole, parts.size())).select(1, index).reshape(config.shape(part).stream()
                    .mapToLong(Long::longValue).toArray()).contiguous();
        }
        if (config.shape(part).isEmpty()) {
            return rows.read(name, 0, 1);
        }
        long first = parts.subList(0, index).stream().mapToLong(before -> config.shape(before).getFirst()).sum();
        long count = config.shape(part).getFirst();
        return isTransposed()
                ? rows.read(name, 0, config.shape(parts).getFirst()).narrow(1, first, count).t().contiguous()
                : rows.read(name, first, count);
    }

    /** The tensor as it is stored. */
    Tensor of(LayerWeights weights) {
        if (parts.size() == 1 && !isTransposed()) {
            return weights.get(parts.getFirst());
        }
        Tensor[] all = parts.stream().map(weights::get).toArray(Tensor[]::new);
        if (!byHead()) {
            Tensor together = torch.cat(new TensorVector(all), 0);
            return isTransposed() ? together.t().contiguous() : together;
        }
        Tensor[] byHead = Arrays.stream(all).map(tensor -> tensor.view(headByHead(tensor, 1))).toArray(Tensor[]::new);
        Tensor together = torch.cat(new TensorVector(byHead), 1);
        return together.view(config.shape(parts).stream().mapToLong(Long::longValue).toArray());
    }

    private boolean isTransposed() {
        return config.family().has(Trait.MATRICES_TRANSPOSED) && parts.getFirst().isMatrix();
    }

    private boolean byHead() {
        return parts.size() > 1 && config.family().has(Trait.HEADS_TOGETHER);
    }

    /** {@code (heads, parts, headDim)}, or with a last dimension for the columns of a matrix. */
    private long[] headByHead(Tensor tensor, int partsOfTensor) {
        long[] ofBias = {config.heads(), partsOfTensor, config.headDim()};
        return tensor.dim() == 1 ? ofBias : new long[]{ofBias[0], ofBias[1], ofBias[2], tensor.size(1)};
    }
}
