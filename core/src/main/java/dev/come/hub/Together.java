package dev.come.hub;

import dev.come.FailedException;
import dev.come.failure.Opening;
import dev.come.failure.Thrown;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Does things with several files at the same time. */
final class Together {
    /** Files at the same time; it is what huggingface_hub takes. */
    private static final int AT_ONCE = 8;

    private Together() {
    }

    /** Does things at the same time; the first that fails stops the others. */
    static <T> List<T> run(Transfer way, List<Callable<T>> things) {
        if (things.isEmpty()) {
            return List.of();
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(Math.min(AT_ONCE, things.size()));
                Opening opening = new Opening()) {
            opening.add(threads::shutdownNow); // whatever ends this early; otherwise all have ended
            ExecutorCompletionService<T> service = new ExecutorCompletionService<>(threads);
            things.forEach(service::submit);
            List<T> done = new ArrayList<>();
            for (int i = 0; i < things.size(); i++) {
                done.add(service.take().get());
            }
            opening.done();
            return done;
        } catch (ExecutionException e) {
            throw Thrown.again(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException(way.interrupted(), e);
        }
    }
}
