package dev.come.model;

import dev.come.memory.Retained;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The temporaries of one thread. A forward pass needs the same few large buffers for every layer and every chunk of
 * tokens; fresh ones each time would cost more in page faults than the arithmetic on them.
 */
public final class Workspace implements AutoCloseable {
    private final Compute compute;
    private final @Nullable Workers workers;
    private final Map<String, Buffer> buffers = new HashMap<>();
    private final Map<Double, Retained<Tensor>> numbers = new HashMap<>();

    /**
     * Memory, and the shape in which it was last asked for. The next shape is nearly always the same, and making a view
     * of it takes as long as the arithmetic on a few rows.
     */
    @SuppressWarnings("ArrayRecordComponent") // never compared as a whole
    private record Buffer(ScalarType type, long[] shape, Retained<Tensor> memory, Retained<Tensor> shaped) {
        void release() {
            memory.close();
            shaped.close();
        }
    }

    /** Of a thread that is by itself. */
    public Workspace(Compute compute) {
        this(compute, null);
    }

    /** @param workers those that the thread belongs to */
    Workspace(Compute compute, @Nullable Workers workers) {
        this.compute = compute;
        this.workers = workers;
    }

    /**
     * Does independent pieces of the work on a chunk, on this thread and on idle ones; returns when all are done. They
     * are begun in their order.
     *
     * @param task is given the workspace of the thread that does the piece
     */
    public void share(int pieces, Workers.ChunkTask task) {
        share(pieces, new Waiting(), task);
    }

    private void share(int pieces, Waiting waiting, Workers.ChunkTask task) {
        if (workers != null && pieces > 1) {
            workers.share(pieces, waiting, task, this);
            return;
        }
        for (int piece = 0; piece < pieces; piece++) {
            try (var _ = new PointerScope()) {
                task.run(piece, this);
            }
        }
    }

    /** What is done with some rows; by any thread. */
    interface RowsTask {
        void run(int block, long start, long rows, Workspace workspace);
    }

    /** {@link #share Shares} work on rows, in blocks of a size that suits the processor or device. */
    void shareRows(long rows, RowsTask task) {
        shareRows(rows, new Waiting(), task);
    }

    /** The same for blocks that wait for those before them. */
    void shareRows(long rows, Waiting waiting, RowsTask task) {
        long most = compute.rowsAtOnce();
        share(Math.toIntExact(Math.ceilDiv(rows, most)), waiting, (piece, buffers) -> {
            long start = piece * most;
            task.run(piece, start, Math.min(most, rows - start), buffers);
        });
    }

    /**
     * A tensor of the given type and shape with undefined content. The same name gives the same memory, so what was taken
     * before under it is gone.
     */
    Tensor tensor(String name, ScalarType type, long... shape) {
        Buffer last = buffers.get(name);
        if (last != null && last.type.value == type.value && Arrays.equals(last.shape, shape)) {
            return new Tensor(last.shaped.borrow());
        }
        try (var _ = new PointerScope()) {
            long elements = Arrays.stream(shape).reduce(1, Math::multiplyExact);
            Tensor memory = last != null && last.type.value == type.value && last.memory.borrow().numel() >= elements
                    ? new Tensor(last.memory.borrow())
                    : null;
            if (last != null) {
                buffers.remove(name);
                last.release();
            }
            if (memory == null) {
                memory = torch.empty(new long[]{elements}, compute.options(type), new MemoryFormatOptional());
            }
            buffers.put(name, new Buffer(type, shape.clone(), Retained.of(memory),
                    Retained.of(memory.narrow(0, 0, elements).view(shape))));
        }
        return tensor(name, type, shape);
    }

    Tensor floats(String name, long... shape) {
        return tensor(name, ScalarType.Float, shape);
    }

    /** A number as a tensor, {@code (1)}, float32; not to be changed. */
    Tensor number(double value) {
        return numbers.computeIfAbsent(value, _ -> {
            try (var _ = new PointerScope()) {
                return Retained.of(torch.full(new long[]{1}, new Scalar(value), compute.options(ScalarType.Float)));
            }
        }).borrow();
    }

    @Override
    public void close() {
        buffers.values().forEach(Buffer::release);
        buffers.clear();
        Retained.close(numbers.values());
        numbers.clear();
    }
}
