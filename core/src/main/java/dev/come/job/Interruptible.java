package dev.come.job;

import dev.come.InterruptedRunException;
import dev.come.Progress;
import java.util.function.Supplier;

/**
 * Ends a job soon after the thread that does it was interrupted. Threads that wait notice it themselves; one that works asks
 * whenever progress is told of, and so do the threads that work for it.
 */
final class Interruptible implements Progress {
    private final Progress progress;

    private Interruptible(Progress progress) {
        this.progress = progress;
    }

    /** Passes on progress, and throws when the thread that began a piece of work was interrupted. */
    static Progress asking(Progress progress) {
        return new Interruptible(progress);
    }

    /**
     * Does a job.
     *
     * @throws InterruptedRunException whatever else an interrupt makes fail: a channel, for one, is closed under whoever uses it
     */
    static <T> T job(Supplier<T> work) {
        try {
            return work.get();
        } catch (InterruptedRunException e) {
            throw e;
        } catch (RuntimeException e) {
            throw Thread.currentThread().isInterrupted() ? new InterruptedRunException(e) : e;
        }
    }

    /** Throws on a failure that others of several methods need not share, but for an interrupt, which ends all. */
    static void requireOthersCanGoOn(RuntimeException failure) {
        if (Thread.currentThread().isInterrupted()) {
            throw failure;
        }
    }

    /** Throws when this thread was interrupted; for work that tells no progress. */
    static void ask() {
        ask(Thread.currentThread());
    }

    private static void ask(Thread thread) {
        if (thread.isInterrupted()) {
            throw new InterruptedRunException();
        }
    }

    @Override
    public Task begin(String what, long total, String unit) {
        return asking(() -> progress.begin(what, total, unit));
    }

    @Override
    public Task begin(String what, long steps, String unit, long units) {
        return asking(() -> progress.begin(what, steps, unit, units));
    }

    @Override
    public void expect(double steps) {
        progress.expect(steps);
    }

    private static Task asking(Supplier<Task> begun) {
        Thread thread = Thread.currentThread();
        ask(thread);
        Task task = begun.get();
        return new Task() {
            @Override
            public void advance(long steps) {
                ask(thread);
                task.advance(steps);
            }

            @Override
            public void skip(long steps) {
                task.skip(steps);
            }

            @Override
            public void close() {
                task.close();
            }
        };
    }

    @Override
    public void note(String line) {
        progress.note(line);
    }
}
