package dev.come.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * One safetensors file that is to be written.
 *
 * @param tensors in the order in which they lie in it
 */
record Shard(String fileName, List<TensorSpec> tensors) {
    /**
     * Spreads tensors over files: one file after the other is filled, and the next begins where a tensor does not fit
     * any more. A tensor that is larger than a file may be has one for itself.
     */
    static List<Shard> plan(List<TensorSpec> tensors, long maxBytes) {
        List<List<TensorSpec>> groups = new ArrayList<>(List.of(new ArrayList<>()));
        long bytes = 0;
        for (TensorSpec tensor : tensors) {
            if (bytes > 0 && bytes + tensor.byteLength() > maxBytes) {
                groups.add(new ArrayList<>());
                bytes = 0;
            }
            groups.getLast().add(tensor);
            bytes += tensor.byteLength();
        }
        if (groups.size() == 1) {
            return List.of(new Shard(CheckpointHeaders.SINGLE_FILE, tensors));
        }
        return IntStream.range(0, groups.size())
                .mapToObj(i -> new Shard(
                        String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, groups.size()),
                        groups.get(i)))
                .toList();
    }
}
