package dev.come.run;

import dev.come.memory.Retained;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The current states of chunks, each kept until it is handed over or this is closed. Different chunks may be worked on
 * by different threads.
 */
final class ChunkStates implements AutoCloseable {
    private final AtomicReferenceArray<@Nullable Retained<Tensor>> states;

    /** Has no states yet. */
    ChunkStates(int chunks) {
        this.states = new AtomicReferenceArray<>(chunks);
    }

    /** Keeps the states of a chunk that has none yet. */
    void keep(int chunk, Tensor tensor) {
        states.set(chunk, Retained.of(tensor));
    }

    /** The states of a chunk, {@code (tokens, hidden)}; null if there are none. They stay the property of this. */
    @Nullable
    Tensor borrow(int chunk) {
        return Retained.borrowNullable(states.get(chunk));
    }

    /** Gives the states of a chunk to another owner; does nothing if there are none. */
    void handOver(int chunk, ChunkStates to) {
        to.states.set(chunk, states.getAndSet(chunk, null));
    }

    @Override
    public void close() {
        for (int chunk = 0; chunk < states.length(); chunk++) {
            Retained<Tensor> kept = states.getAndSet(chunk, null);
            if (kept != null) {
                kept.close();
            }
        }
    }
}
