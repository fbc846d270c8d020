package dev.come.model;

import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * The threads that share the work of a forward pass, each with its own {@link Workspace}. Chunks of tokens are independent
 * of each other, so a thread takes a whole chunk, and the tensor engine itself is kept to one thread per product: many
 * middle-sized products side by side are faster than each of them split up, and what a chunk gives does not depend on how
 * many threads there are. A thread that finds no chunk helps others with pieces of theirs ({@link Workspace#share}), which are
 * cut the same way whether anyone helps or not.
 */
public final class Workers implements AutoCloseable {
    private final ExecutorService executor;
    private final List<Workspace> workspaces = new ArrayList<>();
    /** Of threads that have nothing to do; the one that has been at work last comes first, since its buffers are there. */
    private final Deque<Workspace> idle = new ConcurrentLinkedDeque<>();

    /** What is done with one chunk, or with a piece of one. */
    @FunctionalInterface
    public interface ChunkTask {
        void run(int chunk, Workspace workspace);
    }

    public Workers(Compute compute) {
        torch.set_num_threads(1);
        for (int i = 0; i < compute.threads(); i++) {
            workspaces.add(new Workspace(compute, this));
        }
        idle.addAll(workspaces);
        executor = Executors.newFixedThreadPool(compute.threads(),
                Thread.ofPlatform().name("come-worker-", 1).daemon().factory());
    }

    /** Runs the task for the chunks 0 to {@code count - 1}, without gradients, and returns when all are done. */
    public void forEach(int count, ChunkTask task) {
        forEach(count, count, task);
    }

    /**
     * The same with so many chunks at once at most. For tasks that wait for each other: a thread that waits cannot help.
     */
    public void forEach(int count, int atOnce, ChunkTask task) {
        run(count, atOnce, task, null);
    }

    /** Does the pieces of one chunk's work on the calling thread and on those that have nothing to do. */
    void share(int pieces, ChunkTask task, Workspace own) {
        run(pieces, pieces - 1, task, own);
    }

    private void run(int count, int others, ChunkTask task, @Nullable Workspace own) {
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> running = new ArrayList<>();
        while (running.size() < others) {
            Workspace free = idle.pollFirst();
            if (free == null) {
                break;
            }
            running.add(executor.submit(() -> {
                try {
                    work(next, count, task, free);
                } finally {
                    idle.addFirst(free);
                }
            }));
        }
        if (own == null && running.isEmpty() && count > 0) {
            throw new IllegalStateException("all threads are at work, and this one must not wait for them");
        }
        RuntimeException failure = null;
        if (own != null) {
            try {
                work(next, count, task, own);
            } catch (RuntimeException | Error e) {
                next.set(count);
                failure = unchecked(e);
            }
        }
        join(running, next, count, failure);
    }

    private static void work(AtomicInteger next, int count, ChunkTask task, Workspace workspace) {
        try (var _ = new NoGradGuard()) {
            for (int chunk = next.getAndIncrement(); chunk < count; chunk = next.getAndIncrement()) {
                try (var _ = new PointerScope()) {
                    task.run(chunk, workspace);
                }
            }
        }
    }

    /** Frees the buffers of all threads; what needs them makes them again. For between one kind of work and another. */
    public void freeBuffers() {
        workspaces.forEach(Workspace::close);
    }

    /** Waits for all, so that nothing is freed under a thread's feet; the first failure then goes on. */
    private static void join(List<Future<?>> running, AtomicInteger next, int count,
            @Nullable RuntimeException ownFailure) {
        RuntimeException failure = ownFailure;
        boolean interrupted = false;
        for (Future<?> future : running) {
            boolean ended = false;
            while (!ended) {
                try {
                    future.get();
                    ended = true;
                } catch (ExecutionException e) {
                    next.set(count);
                    failure = failure == null ? unchecked(e.getCause()) : failure;
                    ended = true;
                } catch (InterruptedException e) {
                    // Nothing more is begun, but what is at work has to end first.
                    next.set(count);
                    interrupted = true;
                    failure = failure == null ? new IllegalStateException("interrupted", e) : failure;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static RuntimeException unchecked(@Nullable Throwable failure) {
        return failure instanceof RuntimeException known ? known : new IllegalStateException(failure);
    }

    @Override
    public void close() {
        executor.shutdownNow();
        workspaces.forEach(Workspace::close);
    }
}
