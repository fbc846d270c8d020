package dev.come.run;

import dev.come.FailedException;
import dev.come.checkpoint.IoReason;
import dev.come.memory.NativeMemory;
import dev.come.memory.Retained;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * Hidden states under a memory budget: beyond it, the oldest lie in a temporary file. Safe for use by several threads.
 *
 * <p>The file is read and written, not mapped: mapped pages would count as resident memory of the process, which is what the
 * budget is there to bound.
 */
public final class StateStore implements AutoCloseable {
    /** How many times the budget is worth to be written. */
    private static final long IN_FILE = 16;
    private static final int LARGEST_TRANSFER = 1 << 30;

    private final long memory;
    private long budget;
    private final Path folder;
    /** All that were not freed; the store owns them. */
    private final Set<State> all = new HashSet<>();
    /** Those of them that are in memory and may be moved to the file, the oldest first. */
    private final SequencedSet<State> inMemory = new LinkedHashSet<>();
    private final Map<Long, Deque<Long>> freeSlots = new HashMap<>();
    private @Nullable FileChannel file;
    private long fileEnd;
    private long bytesInMemory;
    private final LongAdder bytesRead = new LongAdder();
    private final LongAdder bytesWritten = new LongAdder();

    /** The states of one chunk of tokens at one boundary between layers, {@code (tokens, hidden)}. */
    public static final class State {
        private final long bytes;
        private final long[] shape;
        private final Retained<TensorOptions> options;
        private @Nullable Retained<Tensor> tensor;
        private long slot = -1;

        private State(Tensor tensor) {
            this.bytes = tensor.nbytes();
            this.shape = new long[]{tensor.size(0), tensor.size(1)};
            this.options = Retained.of(tensor.options());
            this.tensor = Retained.of(tensor);
        }
    }

    /**
     * Makes an empty store.
     *
     * @param budget bytes of states that are held in memory at most
     * @param folder where the temporary file goes if one is needed
     */
    public StateStore(long budget, Path folder) {
        this.memory = budget;
        this.budget = budget;
        this.folder = folder;
    }

    /** Takes a contiguous tensor, which nobody may change from then on. */
    public synchronized State put(Tensor tensor) {
        State state = add(tensor);
        inMemory.add(state);
        spillOverBudget();
        return state;
    }

    /** Copies a contiguous tensor to the file, whatever room there is in memory. */
    public synchronized State putInFile(Tensor tensor) {
        State state = add(tensor);
        spill(state);
        return state;
    }

    private State add(Tensor tensor) {
        State state = new State(tensor);
        all.add(state);
        bytesInMemory += state.bytes;
        return state;
    }

    /** The states as a tensor of the current PointerScope, not to be changed. */
    public Tensor get(State state) {
        Tensor known = known(state);
        return known == null ? read(state, 0, state.shape[0]) : known;
    }

    /** The states as a tensor of the current PointerScope, which may be changed. */
    public Tensor copy(State state) {
        Tensor known = known(state);
        return known == null ? read(state, 0, state.shape[0]) : known.clone();
    }

    private synchronized @Nullable Tensor known(State state) {
        return state.tensor == null ? null : state.tensor.borrow().detach();
    }

    /** Some rows of the states, {@code (rows, hidden)}. */
    public Tensor rows(State state, long[] rows) {
        Tensor known = known(state);
        if (known != null) {
            return torch.index_select(known, 0, torch.tensor(rows).to(known.device(), torch.ScalarType.Long));
        }
        Tensor result = torch.empty(new long[]{rows.length, state.shape[1]}, state.options.borrow(),
                new MemoryFormatOptional());
        for (int i = 0; i < rows.length; i++) {
            result.select(0, i).copy_(read(state, rows[i], 1).squeeze(0));
        }
        return result;
    }

    /** Forgets states. */
    public synchronized void free(State state) {
        if (all.remove(state)) {
            inMemory.remove(state);
            if (state.slot >= 0) {
                freeSlots.computeIfAbsent(state.bytes, size -> new ArrayDeque<>()).push(state.slot);
            }
            release(state);
            state.options.close();
        }
    }

    /** Part of the budget that is lent for something else; closing it gives it back. */
    public interface Reservation extends AutoCloseable {
        @Override
        void close();
    }

    /** Lends a part of the budget; states that do not fit any more go to the file. */
    public synchronized Reservation reserve(long bytes) {
        budget -= bytes;
        spillOverBudget();
        return () -> giveBack(bytes);
    }

    private synchronized void giveBack(long bytes) {
        budget += bytes;
    }

    /** Bytes that more states may take before some go to the file. */
    public synchronized long unused() {
        return budget - bytesInMemory;
    }

    private void spillOverBudget() {
        while (bytesInMemory > budget && !inMemory.isEmpty()) {
            spill(inMemory.removeFirst());
        }
    }

    /** How many bytes the file may take beside what is needed: without filling the folder, and since they take time too. */
    public long room() {
        try {
            long space = Files.getFileStore(folder).getUsableSpace() / 4;
            return space / IN_FILE < memory ? space : IN_FILE * memory;
        } catch (IOException e) {
            return memory; // where nothing can be said of the folder
        }
    }

    /** Bytes of states that are in memory now. */
    public synchronized long bytesInMemory() {
        return bytesInMemory;
    }

    /** Bytes that the temporary file takes. */
    synchronized long bytesInFile() {
        return fileEnd;
    }

    /** Bytes that were read from the temporary file so far. */
    public long bytesRead() {
        return bytesRead.sum();
    }

    /** Bytes that were written to the temporary file so far. */
    public long bytesWritten() {
        return bytesWritten.sum();
    }

    private void release(State state) {
        if (state.tensor != null) {
            state.tensor.close();
            state.tensor = null;
            bytesInMemory -= state.bytes;
        }
    }

    private void spill(State state) {
        if (state.tensor == null) {
            return;
        }
        Deque<Long> free = freeSlots.get(state.bytes);
        if (free != null && !free.isEmpty()) {
            state.slot = free.pop();
        } else {
            state.slot = fileEnd;
            fileEnd += state.bytes;
        }
        Tensor plain = state.tensor.borrow().cpu().contiguous();
        transfer(plain, state.slot, true);
        release(state);
    }

    private Tensor read(State state, long firstRow, long rows) {
        long rowBytes = state.bytes / state.shape[0];
        Tensor plain = torch.empty(new long[]{rows, state.shape[1]},
                new TensorOptions(state.options.borrow().dtype().toScalarType()), new MemoryFormatOptional());
        transfer(plain, state.slot + firstRow * rowBytes, false);
        return plain.to(state.options.borrow().device(), plain.scalar_type());
    }

    private void transfer(Tensor plain, long position, boolean write) {
        long bytes = plain.nbytes();
        BytePointer memory = new BytePointer(plain.data_ptr());
        try {
            FileChannel channel = channel();
            for (long done = 0; done < bytes;) {
                ByteBuffer part = memory.position(done).limit(Math.min(bytes, done + LARGEST_TRANSFER)).asByteBuffer();
                int count = write ? channel.write(part, position + done) : channel.read(part, position + done);
                if (count < 0) {
                    throw new IOException("the file ends early");
                }
                done += count;
            }
            (write ? bytesWritten : bytesRead).add(bytes);
        } catch (IOException e) {
            throw new FailedException(
                    "Hidden states beyond --memory could not be " + (write ? "written to" : "read from")
                            + " a temporary file in " + folder + " (" + IoReason.of(e)
                            + "); free space there or give more --memory",
                    e);
        }
    }

    /** The file has no name any more once it is open, so nothing is left behind however the process ends. */
    private synchronized FileChannel channel() throws IOException {
        if (file == null) {
            Path path = Files.createTempFile(folder, ".come-states-", ".tmp");
            file = FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE,
                    StandardOpenOption.DELETE_ON_CLOSE);
        }
        return file;
    }

    /** Frees all states, those as well that somebody who failed has left. */
    @Override
    public synchronized void close() {
        List.copyOf(all).forEach(this::free);
        NativeMemory.giveBackFreed();
        if (file != null) {
            try {
                file.close();
            } catch (IOException e) {
                throw new FailedException(
                        "A temporary file in " + folder + " could not be closed (" + IoReason.of(e) + ")", e);
            }
        }
    }
}
