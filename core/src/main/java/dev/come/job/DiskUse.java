package dev.come.job;

import dev.come.FailedException;
import dev.come.checkpoint.InputFile;
import dev.come.checkpoint.TensorInfo;
import dev.come.failure.FreeSpace;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/**
 * What a run puts on the disk of its target, in bytes.
 *
 * @param saved of the models that it saves
 * @param beside of layers that were fitted or trained; they lie in the run folder until the model is saved
 * @param spilled of hidden states that do not fit {@code --memory}; they lie in the run folder too
 */
record DiskUse(long saved, long beside, long spilled) {
    /** What a solid-state disk takes, roughly. It is not measured, since that would fill the disk. */
    private static final double WRITTEN_IN_A_SECOND = 300e6;

    private static final int PIECES = 8;
    private static final int PIECE_BYTES = 4 << 20;

    /** Of a stack that is saved, all of whose layers may be fitted or trained before. */
    static DiskUse of(LayerStore store, LayerStack stack, boolean changed) {
        long saved = new StackWriter(store, stack).bytes();
        return new DiskUse(saved, changed ? layerBytes(store) * stack.size() : 0, 0);
    }

    /** Of models with the first layers of the dense model, for each of these numbers of layers. */
    static DiskUse of(LayerStore store, IntStream layers, boolean changed) {
        List<DiskUse> each = layers.mapToObj(left -> of(store, LayerStack.dense(left), changed)).toList();
        return new DiskUse(each.stream().mapToLong(DiskUse::saved).sum(),
                each.stream().mapToLong(DiskUse::beside).max().orElse(0), 0);
    }

    /** Bytes of a layer, on average. */
    static long layerBytes(LayerStore store) {
        int layers = store.config().layers();
        return (new StackWriter(store, LayerStack.dense(layers)).bytes()
                - new StackWriter(store, LayerStack.dense(1)).bytes()) / Math.max(1, layers - 1);
    }

    /** Where layers are fitted so many times, each time beside those of the times before. */
    DiskUse fitted(int times) {
        return new DiskUse(saved, beside * times, spilled);
    }

    DiskUse spilling(long bytes) {
        return new DiskUse(saved, beside, bytes);
    }

    /** What two runs need, one after the other: models stay, and what lies beside them goes. */
    DiskUse then(DiskUse other) {
        return new DiskUse(saved + other.saved, Math.max(beside, other.beside), Math.max(spilled, other.spilled));
    }

    long bytes() {
        return saved + beside + spilled;
    }

    /** How long it takes to write all of it, and to read the models once more, in seconds. */
    double secondsOfWriting(double readInASecond) {
        return bytes() / WRITTEN_IN_A_SECOND + saved / readInASecond;
    }

    /**
     * Fails now rather than after the work if there is too little room.
     *
     * @param target the folder that will be made; all lies in it or beside it
     * @throws FailedException if the file system has less room than is needed
     */
    void requireRoom(Path target) {
        FreeSpace space;
        try {
            space = FreeSpace.of(target);
        } catch (IOException e) {
            return; // Nothing is known of the room; whoever writes there tells if there is none.
        }
        if (space.bytes() < bytes()) {
            throw new FailedException("--save-path: %s bytes will be written to %s, but only %s are free there; "
                    .formatted(bytes(), target, space.bytes()) + "make room there, or give another folder");
        }
    }

    /**
     * Bytes of weights that are read in a second, from some pieces of the files: what the system holds in memory is faster.
     *
     * @param tensors those of a checkpoint
     */
    static double readInASecond(List<TensorInfo> tensors) {
        ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
        long bytes = 0;
        long started = System.nanoTime();
        try {
            for (int i = 0; i < PIECES; i++) {
                TensorInfo tensor = tensors.get((int) ((long) i * tensors.size() / PIECES));
                try (FileChannel channel = InputFile.channel(tensor.file())) {
                    bytes += Math.max(0, channel.read(piece.clear(), tensor.offset()));
                }
            }
        } catch (IOException e) {
            return WRITTEN_IN_A_SECOND; // Whoever reads in earnest tells what is wrong.
        }
        return Math.max(1, bytes) * 1e9 / Math.max(1, System.nanoTime() - started);
    }
}
