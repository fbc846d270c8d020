package dev.come.failure;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Opens several things, where one may fail. Whatever is thrown, an error as well, closes those before it:
 *
 * <pre>{@code
 * try (Opening opening = new Opening()) {
 *     one = opening.add(new One());
 *     two = opening.add(new Two(one));
 *     opening.done();
 * }
 * }</pre>
 */
public final class Opening implements AutoCloseable {
    private final Deque<Closing> opened = new ArrayDeque<>();

    /** Closes something without a checked exception. */
    @FunctionalInterface
    public interface Closing extends AutoCloseable {
        @Override
        void close();
    }

    /** Takes what is to be closed unless all is done. */
    public void add(Closing closing) {
        opened.push(closing);
    }

    /** All is open, and belongs to somebody else from now on. */
    public void done() {
        opened.clear();
    }

    /** Closes what was opened, the last first, unless all is done. */
    @Override
    public void close() {
        Throwable failure = null;
        while (!opened.isEmpty()) {
            try {
                opened.pop().close();
            } catch (RuntimeException | Error e) {
                failure = first(failure, e);
            }
        }
        if (failure != null) {
            throw Thrown.again(failure);
        }
    }

    private static Throwable first(@Nullable Throwable one, Throwable other) {
        if (one == null) {
            return other;
        }
        one.addSuppressed(other);
        return one;
    }
}
