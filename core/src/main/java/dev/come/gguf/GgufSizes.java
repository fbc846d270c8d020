package dev.come.gguf;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;

/**
 * The sizes that the keys of a GGUF file give a model.
 *
 * @param channels of the feed-forward part
 * @param headDim channels of a head
 * @param turned how many of them positions turn
 * @param maxPositions the longest sequence that the model was made for, in tokens
 */
record GgufSizes(int layers, int hidden, int channels, int heads, int keyValueHeads, int headDim, int turned,
        int maxPositions) {

    /**
     * Reads and checks the keys.
     *
     * @throws CheckpointException if one is missing or makes no sense
     */
    static GgufSizes of(GgufFile file, Architecture architecture) {
        return new Reader(file, architecture).read();
    }

    /** How many rows or columns that is. */
    long of(LayerTensor.Size size) {
        long queries = (long) heads * headDim;
        long keys = (long) keyValueHeads * headDim;
        return switch (size) {
            case HIDDEN -> hidden;
            case QUERIES -> queries;
            case KEYS -> keys;
            case QUERIES_KEYS_VALUES -> queries + 2 * keys;
            case HEAD -> headDim;
            case CHANNELS -> channels;
            case GATE_AND_UP -> 2L * channels;
        };
    }

    private record Reader(GgufFile file, Architecture architecture) {
        GgufSizes read() {
            GgufMetadata metadata = file.metadata();
            int layers = metadata.requiredCount(key("block_count"));
            int tensors = file.header().tensors().size();
            if (layers > tensors) {
                throw wrong("'%s' is %s, but the file has %s tensors, less than one for each layer"
                        .formatted(key("block_count"), layers, tensors));
            }
            int hidden = bounded("embedding_length", metadata.requiredCount(key("embedding_length")), Limits.CHANNELS);
            int channels = perLayer("feed_forward_length");
            int heads = bounded("attention.head_count", perLayer("attention.head_count"), Limits.HEADS);
            int keyValueHeads = bounded("attention.head_count_kv",
                    metadata.has(key("attention.head_count_kv")) ? perLayer("attention.head_count_kv") : heads,
                    Limits.HEADS);
            int headDim = bounded("attention.key_length",
                    metadata.count(key("attention.key_length")).orElse(hidden / heads), Limits.CHANNELS);
            int turned = metadata.count(key("rope.dimension_count")).orElse(headDim);
            checkHeads(heads, keyValueHeads, headDim, turned);
            return new GgufSizes(layers, hidden, channels, heads, keyValueHeads, headDim, turned,
                    metadata.requiredCount(key("context_length")));
        }

        private void checkHeads(int heads, int keyValueHeads, int headDim, int turned) {
            if (heads % keyValueHeads != 0) {
                throw wrong("there are %s query heads, which is not a multiple of the %s key-value heads".formatted(
                        heads, keyValueHeads));
            }
            if (headDim < 2 || headDim % 2 != 0) {
                throw wrong("a head has %s channels, where an even number is expected".formatted(headDim));
            }
            int valueLength = file.metadata().count(key("attention.value_length")).orElse(headDim);
            if (valueLength != headDim) {
                throw wrong("keys have %s channels and values %s, where the same number is expected".formatted(headDim,
                        valueLength));
            }
            if (architecture.has(Architecture.Trait.TURNS_A_PART)
                    ? turned < 2 || turned > headDim || turned % 2 != 0
                    : turned != headDim) {
                throw wrong("positions turn %s of the %s channels of a head, where %s expected".formatted(turned,
                        headDim, architecture.has(Architecture.Trait.TURNS_A_PART)
                                ? "an even number of them is"
                                : "all are"));
            }
        }

        private int bounded(String name, int number, int limit) {
            Limits.check(file.file(), "'%s'".formatted(key(name)), number, limit);
            return number;
        }

        /** A number that a file may give for each layer. */
        private int perLayer(String name) {
            int number = file.metadata().sameCount(key(name), "layers of different sizes cannot be merged")
                    .orElseGet(() -> file.metadata().requiredCount(key(name)));
            if (number == 0) {
                throw wrong("'%s' is 0, where a positive number is expected".formatted(key(name)));
            }
            return number;
        }

        private String key(String name) {
            return architecture.id() + "." + name;
        }

        private CheckpointException wrong(String problem) {
            return new CheckpointException("%s: %s".formatted(file.file(), problem));
        }
    }
}
