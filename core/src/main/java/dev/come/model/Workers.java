package dev.come.model;

import dev.come.InterruptedRunException;
import dev.come.failure.Opening;
import dev.come.failure.Thrown;
import dev.come.memory.NativeSettings;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
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
        NativeSettings.apply();
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
        forEach(count, new Waiting(), task);
    }

    /**
     * The same for tasks that wait for each other; chunks are begun in their order.
     *
     * @param waiting what they wait with; whatever one of them throws ends it
     */
    public void forEach(int count, Waiting waiting, ChunkTask task) {
        forEach(count, count, waiting, task);
    }

    /** The same with a limit on the number of chunks at once. A thread that waits cannot help. */
    public void forEach(int count, int atOnce, Waiting waiting, ChunkTask task) {
        run(new Work(count, task, waiting), atOnce, null);
    }

    /** Does the pieces of one chunk's work on the calling thread and on those that have nothing to do. */
    void share(int pieces, Waiting waiting, ChunkTask task, Workspace own) {
        run(new Work(pieces, task, waiting), pieces - 1, own);
    }

    private void run(Work work, int others, @Nullable Workspace own) {
        List<Future<?>> running = new ArrayList<>(workspaces.size());
        try {
            while (running.size() < others) {
                Workspace free = idle.pollFirst();
                if (free == null) {
                    break;
                }
                running.add(begin(work, free));
            }
            if (own == null && running.isEmpty() && work.count > 0) {
                throw new IllegalStateException("all threads are at work, and this one must not wait for them");
            }
        } catch (RuntimeException | Error e) {
            work.fail(e);
        }
        if (own != null) {
            work.run(own);
        }
        join(running, work);
    }

    /** Has another thread work; there may be none to be had. */
    private Future<?> begin(Work work, Workspace free) {
        try (Opening opening = new Opening()) {
            opening.add(() -> idle.addFirst(free));
            Future<?> begun = executor.submit(() -> {
                try {
                    work.run(free);
                } finally {
                    idle.addFirst(free);
                }
            });
            opening.done();
            return begun;
        }
    }

    /** Pieces that threads take one after the other, until there are no more or one of them has failed. */
    private static final class Work {
        private final int count;
        private final ChunkTask task;
        private final Waiting waiting;
        private final AtomicInteger next = new AtomicInteger();
        private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

        Work(int count, ChunkTask task, Waiting waiting) {
            this.count = count;
            this.task = task;
            this.waiting = waiting;
        }

        /** What is thrown is kept for the one who waits for all. */
        void run(Workspace workspace) {
            try (var _ = new NoGradGuard()) {
                for (int chunk = next.getAndIncrement(); chunk < count; chunk = next.getAndIncrement()) {
                    try (var _ = new PointerScope()) {
                        task.run(chunk, workspace);
                    }
                }
            } catch (RuntimeException | Error e) {
                fail(e);
            }
        }

        /** Nothing more is begun or waited for. */
        void fail(Throwable cause) {
            next.set(count);
            failure.compareAndSet(null, cause);
            waiting.fail(cause);
        }
    }

    /** Frees the buffers of all threads; what needs them makes them again. For between one kind of work and another. */
    public void freeBuffers() {
        workspaces.forEach(Workspace::close);
    }

    /** Waits for all, so that nothing is freed under a thread's feet; the first failure then goes on. */
    private static void join(List<Future<?>> running, Work work) {
        boolean interrupted = false;
        for (Future<?> future : running) {
            boolean ended = false;
            while (!ended) {
                try {
                    future.get();
                    ended = true;
                } catch (ExecutionException e) {
                    work.fail(Objects.requireNonNullElse(e.getCause(), e));
                    ended = true;
                } catch (InterruptedException e) {
                    // What is at work has to end first.
                    interrupted = true;
                    work.fail(new InterruptedRunException(e));
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        Throwable failure = work.failure.get();
        if (failure != null) {
            throw Thrown.again(failure);
        }
    }

    /** Ends the threads, which have nothing to do any more. */
    @Override
    public void close() {
        executor.close();
        workspaces.forEach(Workspace::close);
    }
}
