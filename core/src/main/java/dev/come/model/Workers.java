package dev.come.model;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.global.torch;

/**
 * The threads that share the work of a forward pass, each with its own {@link Workspace}. Chunks of tokens are independent
 * of each other, so a thread takes a whole chunk, and the tensor engine itself is kept to one thread per product: many
 * middle-sized products side by side are faster than each of them split up, and what a chunk gives does not depend on how
 * many threads there are.
 */
public final class Workers implements AutoCloseable {
    private final ExecutorService executor;
    private final List<Workspace> workspaces = new ArrayList<>();

    /** What is done with one chunk. */
    @FunctionalInterface
    public interface ChunkTask {
        void run(int chunk, Workspace workspace);
    }

    public Workers(Compute compute) {
        torch.set_num_threads(1);
        for (int i = 0; i < compute.threads(); i++) {
            workspaces.add(new Workspace(compute));
        }
        executor = Executors.newFixedThreadPool(compute.threads(),
                Thread.ofPlatform().name("come-worker-", 1).daemon().factory());
    }

    /** Runs the task for the chunks 0 to {@code count - 1}, without gradients, and returns when all are done. */
    public void forEach(int count, ChunkTask task) {
        AtomicInteger next = new AtomicInteger();
        List<Future<?>> running = new ArrayList<>();
        for (Workspace workspace : workspaces.subList(0, Math.min(count, workspaces.size()))) {
            running.add(executor.submit(() -> {
                try (var _ = new NoGradGuard()) {
                    for (int chunk = next.getAndIncrement(); chunk < count; chunk = next.getAndIncrement()) {
                        try (var _ = new PointerScope()) {
                            task.run(chunk, workspace);
                        }
                    }
                }
            }));
        }
        join(running, next, count);
    }

    /** Frees the buffers of all threads; what needs them makes them again. For between one kind of work and another. */
    public void freeBuffers() {
        workspaces.forEach(Workspace::close);
    }

    /** Waits for all, so that nothing is freed under a thread's feet; the first failure then goes on. */
    private static void join(List<Future<?>> running, AtomicInteger next, int count) {
        RuntimeException failure = null;
        for (Future<?> future : running) {
            try {
                future.get();
            } catch (ExecutionException e) {
                next.set(count);
                RuntimeException cause = e.getCause() instanceof RuntimeException known
                        ? known
                        : new IllegalStateException(e.getCause());
                failure = failure == null ? cause : failure;
            } catch (InterruptedException e) {
                next.set(count);
                Thread.currentThread().interrupt();
                failure = failure == null ? new IllegalStateException("interrupted", e) : failure;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        executor.shutdownNow();
        workspaces.forEach(Workspace::close);
    }
}
