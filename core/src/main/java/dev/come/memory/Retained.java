package dev.come.memory;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;

/**
 * Owns a native object, nearly always a tensor, beyond the scope that it was made in, until this is closed.
 *
 * <p>Whoever keeps a native object keeps it in one of these, so that the type says who must let it go. Everybody else borrows
 * it: they neither close it nor use it after the owner has closed this. Safe for use by several threads.
 *
 * @param <P> the type of the object
 */
public final class Retained<P extends Pointer> implements AutoCloseable {
    private static final AtomicInteger OPEN = new AtomicInteger();

    private @Nullable P object;

    private Retained(P object) {
        this.object = object;
        OPEN.incrementAndGet();
    }

    /** Keeps an object, which may come from a scope that is closed later. */
    public static <P extends Pointer> Retained<P> of(P object) {
        object.retainReference();
        return new Retained<>(object);
    }

    /** Keeps an object where there is one. */
    public static <P extends Pointer> @Nullable Retained<P> ofNullable(@Nullable P object) {
        return object == null ? null : of(object);
    }

    /**
     * Lends the object.
     *
     * @throws IllegalStateException if this is closed
     */
    public P borrow() {
        P lent = object;
        if (lent == null) {
            throw new IllegalStateException("a native object was asked for after it was let go");
        }
        return lent;
    }

    /** Lends the object of a holder where there is one. */
    public static <P extends Pointer> @Nullable P borrowNullable(@Nullable Retained<P> holder) {
        return holder == null ? null : holder.borrow();
    }

    /** Lets the object go; does nothing the second time. */
    @Override
    public synchronized void close() {
        P mine = object;
        if (mine != null) {
            object = null;
            OPEN.decrementAndGet();
            mine.releaseReference();
        }
    }

    /** Closes holders; those that are null are left out. */
    public static void close(Iterable<? extends @Nullable Retained<?>> holders) {
        for (Retained<?> holder : holders) {
            if (holder != null) {
                holder.close();
            }
        }
    }

    /** Objects of one owner, which are let go together. Filled by one thread. */
    public static final class Group implements AutoCloseable {
        private final List<Retained<?>> held = new ArrayList<>();

        /** Keeps an object until this is closed, and returns it. */
        public <P extends Pointer> P keep(P object) {
            held.add(of(object));
            return object;
        }

        @Override
        public void close() {
            Retained.close(held.reversed());
            held.clear();
        }
    }

    /** How many holders are open in this process: tests count them. */
    public static int open() {
        return OPEN.get();
    }
}
