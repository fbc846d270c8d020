package dev.come.failure;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * What this process is making on the disk and nobody needs half. When the process must end before its time, as after Ctrl-C, all
 * of it is taken away. What a process has left that was killed is taken away by the next run.
 */
public final class Unfinished {
    private static final Deque<Removal> ALL = new ArrayDeque<>();
    private static volatile boolean ending;

    /** Takes something away. It may be called while others still work on it. */
    @FunctionalInterface
    public interface Removal {
        void run() throws IOException;
    }

    private Unfinished() {
    }

    /** Something is begun. */
    public static void add(Removal removal) {
        synchronized (ALL) {
            ALL.push(removal);
        }
    }

    /** Something is finished, or was taken away. */
    public static void remove(Removal removal) {
        synchronized (ALL) {
            ALL.remove(removal);
        }
    }

    /** Takes all of it away, what was begun last first, since the process ends. */
    public static void removeAll() {
        ending = true;
        List<Removal> all;
        synchronized (ALL) {
            all = List.copyOf(ALL);
        }
        for (Removal removal : all) {
            try {
                removal.run();
            } catch (IOException | RuntimeException _) {
                // The next run finds it.
            }
        }
    }

    /** Waits for the end of the process if it has come, so that nobody complains that his work was taken away. */
    public static void waitForTheEnd() {
        while (ending) {
            LockSupport.park();
        }
    }
}
