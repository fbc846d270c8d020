package dev.come.run;

import dev.come.Progress;
import java.io.Serializable;
import java.util.List;
import java.util.function.ObjIntConsumer;

/** Machines that have the model and do pieces of work. Called from one thread. */
public interface OtherMachines extends AutoCloseable {
    /** How many pieces are done beside each other. */
    int parallel();

    /**
     * Does pieces of work.
     *
     * @param task advances with what they report
     * @param taker is given what comes out of each, with its number in the list, as it comes
     */
    <R extends Serializable> void each(List<? extends Piece<R>> pieces, Progress.Task task, ObjIntConsumer<R> taker);

    @Override
    void close();
}
