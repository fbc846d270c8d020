package dev.come.spark;

import dev.come.ComeException;
import dev.come.Progress;
import dev.come.run.Message;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.storage.BlockManagerId;
import org.jspecify.annotations.Nullable;

import scala.collection.Iterator;
import scala.runtime.AbstractFunction2;

/**
 * What an executor does with a message: it brings in what it needs for that, and answers.
 *
 * @param <A> what it answers
 */
final class Task<A extends Serializable> extends AbstractFunction2<TaskContext, Iterator<Integer>, Reply<A>>
        implements
            Serializable {
    private final String run;
    private final Work<A> work;
    private final Map<Integer, byte[]> messages;
    private final Map<String, List<Broadcast<byte[]>>> layers;

    /** What is done with a message. */
    interface Work<A extends Serializable> extends Serializable {
        /** The executor's place for a run. */
        Workplace place(String run, Path localFolder);

        /** Answers what was sent to a number. */
        A answer(Workplace place, int number, Object content, int threads, Progress.Task told);

        /** Frees what may be half done. */
        void failed(Workplace place, int number);
    }

    /**
     * A task.
     *
     * @param run names the run, to which what executors have belongs
     * @param messages by number; under -1 that for all others
     * @param layers the files of trained layers that messages speak of
     */
    Task(String run, Work<A> work, Map<Integer, byte[]> messages, Map<String, List<Broadcast<byte[]>>> layers) {
        this.run = run;
        this.work = work;
        this.messages = messages;
        this.layers = layers;
    }

    @Override
    public Reply<A> apply(TaskContext task, Iterator<Integer> numbers) {
        return answer(task, numbers.next());
    }

    /** Answers what was sent to a number. */
    Reply<A> answer(TaskContext task, int number) {
        BlockManagerId here = SparkEnv.get().blockManager().blockManagerId();
        String place = "executor_" + here.host() + "_" + here.executorId();
        LongAdder runs = new LongAdder();
        Workplace workplace = null;
        try {
            workplace = work.place(run, SparkEnv.get().blockManager().diskBlockManager().localDirs()[0].toPath());
            workplace.fetch(layers);
            byte[] message = Objects.requireNonNull(messages.getOrDefault(number, messages.get(-1)));
            A answer = work.answer(workplace, number, Message.read(message), task.cpus(), runs::add);
            return new Reply<>(answer, "", "", here.host(), place, runs.sum());
        } catch (ComeException e) {
            failed(workplace, number);
            return new Reply<>(null, String.valueOf(e.getMessage()), e.getClass().getName(), here.host(), place, 0);
        } catch (UncheckedIOException e) {
            failed(workplace, number);
            return new Reply<>(null,
                    "its local folder cannot be used: "
                            + reason(Objects.requireNonNullElse(e.getCause(), new IOException(e))),
                    "", here.host(), place,
                    0);
        } catch (OutOfMemoryError e) {
            failed(workplace, number);
            return new Reply<>(null, "the executor has too little memory (" + e.getMessage()
                    + "); give --memory less, or spark.executor.memory and spark.executor.memoryOverhead more", "",
                    here.host(), place, 0);
        } catch (RuntimeException | Error e) {
            failed(workplace, number); // it may be half done; Spark tries again
            throw e;
        }
    }

    private void failed(@Nullable Workplace place, int number) {
        if (place != null) {
            work.failed(place, number);
        }
    }

    private static String reason(IOException e) {
        return e instanceof FileSystemException file && file.getReason() != null
                ? file.getFile() + " (" + file.getReason() + ")"
                : String.valueOf(e.getMessage());
    }
}
