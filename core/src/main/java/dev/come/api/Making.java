package dev.come.api;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.job.ReportJob;
import dev.come.job.Resumption;
import dev.come.job.RunWatch;
import dev.come.job.Saving;
import dev.come.report.RunRecord;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What all that writes a model can be told. An interrupted run with the same settings goes on.
 *
 * @param <T> the type of what is told
 */
abstract class Making<T extends Making<T>> extends Measuring<T> {
    private @Nullable Path target;
    private boolean overwrite;
    private long shardBytes = CheckpointWriter.DEFAULT_SHARD_BYTES;
    private Resumption resumption = Resumption.GO_ON;

    Making(String model) {
        super(model);
    }

    /** The folder to make; must be said. */
    public T saveTo(Path folder) {
        target = folder;
        return self();
    }

    /** Replaces a model that lies in the folder to make. */
    public T overwrite() {
        overwrite = true;
        return self();
    }

    /** The largest file of weights, in bytes; the default is 5 GB. */
    public T shardsOf(long bytes) {
        shardBytes = bytes;
        return self();
    }

    /** Discards the work of an interrupted run, whatever its settings, and begins anew. */
    public T restart() {
        resumption = Resumption.RESTART;
        return self();
    }

    final Saving saving() {
        if (target == null) {
            throw new UsageException("saveTo(...) is missing; say which folder is to be made");
        }
        return new Saving(target, shardBytes, overwrite);
    }

    final Resumption resumption() {
        return resumption;
    }

    /**
     * Does a job, and leaves how it went, and the page, beside its results.
     *
     * @param job gets whom to tell how far it is
     * @param folders of the results
     */
    final <R> R reported(Function<Progress, R> job, Function<R, List<Path>> folders) {
        RunWatch watch = new RunWatch(progress());
        R result = job.apply(watch);
        RunRecord run = watch.record(List.of()); // no command was typed
        folders.apply(result).forEach(folder -> ReportJob.inFolder(folder, run));
        return result;
    }
}
