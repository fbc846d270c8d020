package dev.come.distill;

import dev.come.FailedException;
import dev.come.InterruptedRunException;
import dev.come.Progress;
import dev.come.checkpoint.IoReason;
import dev.come.distill.Distillation.Subject;
import dev.come.failure.Thrown;
import dev.come.failure.Unfinished;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** Trains layers in processes of their own, which share the teacher's states (CoMe-mp). */
final class ProcessQueue implements LayerQueue {
    private static final int LOOK_AGAIN_MILLISECONDS = 20;

    private final Work work;
    private final Subject subject;
    private final int processes;
    private final Path folder;
    private final TeacherStates boundaries;
    private final ExecutorService executor;
    private final Queue<String> freeDevices;
    private final CompletionService<Boolean> ended;
    private final Queue<Process> started = new ConcurrentLinkedQueue<>();
    private final Map<Path, Integer> users = new HashMap<>();
    private final Unfinished.Removal removal = this::removeStates;
    private int running;

    /**
     * Begins with no layer.
     *
     * @param subject the models, which each process opens itself
     * @param processes how many run at once
     * @param folder where the teacher's states are put for them
     */
    ProcessQueue(Work work, Subject subject, int processes, Path folder, TeacherStates boundaries) {
        this.work = work;
        this.subject = subject;
        this.processes = processes;
        this.folder = folder;
        this.boundaries = boundaries;
        this.executor = Executors.newFixedThreadPool(processes,
                Thread.ofPlatform().name("come-process-", 1).daemon().factory());
        this.freeDevices = new ConcurrentLinkedQueue<>(work.compute().devices(processes));
        this.ended = new ExecutorCompletionService<>(executor);
        Unfinished.add(removal);
    }

    @Override
    public void train(LayerTraining layer) {
        Path input = states(layer.span().begin());
        Path target = states(layer.span().end());
        List<List<Integer>> lengths = work.chunks().chunks().stream()
                .map(chunk -> IntStream.of(chunk.layout().lengths()).boxed().toList()).toList();
        int threads = Math.max(1, work.compute().threads() / processes);
        Examples examples = boundaries.examples(layer.span(), work.training());
        for (Future<?> early = ended.poll(); early != null; early = ended.poll()) {
            check(early);
        }
        running++;
        ended.submit(() -> {
            String device = freeDevices.remove(); // as many as there are threads here
            LayerProcess.Order order = new LayerProcess.Order(subject.teacher().toAbsolutePath().toString(),
                    subject.plan().toAbsolutePath().toString(), layer.position(), work.options(), lengths,
                    work.training(),
                    input.toString(), target.toString(), layer.folder().toAbsolutePath().toString(), device,
                    threads);
            try (Progress.Task task = work.begin(layer, examples)) {
                LayerProcess.run(order, layer.folder().resolve("order-" + layer.position() + ".json"), work.progress(),
                        task, started::add);
            } finally {
                freeDevices.add(device);
                leave(input);
                leave(target);
            }
            return true;
        });
    }

    /** The file of a boundary, written when the first layer needs it, removed when the last has used it. */
    private synchronized Path states(int boundary) {
        Path file = folder.toAbsolutePath().resolve("boundary-" + boundary + ".states");
        if (users.merge(file, 1, Integer::sum) == 1) {
            LayerProcess.write(file, work.chunks(), chunk -> boundaries.get(boundary, chunk));
        }
        return file;
    }

    private synchronized void leave(Path file) {
        if (users.merge(file, -1, Integer::sum) == 0) {
            try {
                Files.deleteIfExists(file);
            } catch (IOException e) {
                throw new FailedException(file + " cannot be removed (" + IoReason.of(e) + ")", e);
            }
        }
    }

    /** They can be made again, and are large. */
    private void removeStates() throws IOException {
        Set<Path> files;
        synchronized (this) {
            files = Set.copyOf(users.keySet());
        }
        for (Path file : files) {
            Files.deleteIfExists(file);
        }
    }

    /** Whichever ends first is heard first, so that a failure need not wait for others. */
    @Override
    public void finish() {
        while (running > 0) {
            try {
                check(ended.take());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedRunException(e);
            }
        }
    }

    private void check(Future<?> layer) {
        running--;
        if (layer.state() == Future.State.FAILED) {
            throw Thrown.again(layer.exceptionNow());
        }
    }

    @Override
    public void close() {
        Unfinished.waitForTheEnd();
        Unfinished.remove(removal);
        executor.shutdownNow();
        boolean gone = false;
        while (!gone) {
            started.forEach(Process::destroyForcibly); // those that have ended do not mind
            try {
                gone = executor.awaitTermination(LOOK_AGAIN_MILLISECONDS, TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                gone = true; // they are daemons, and end with their processes
            }
        }
    }
}
