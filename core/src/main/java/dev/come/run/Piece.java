package dev.come.run;

import dev.come.Progress;
import dev.come.model.Compute;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Path;

/**
 * A piece of work that any machine can do that has the model. Pieces depend on nothing but themselves, so what comes out of one is
 * the same wherever and whenever it is done.
 *
 * @param <R> what comes out; small
 */
public interface Piece<R extends Serializable> extends Serializable {
    /**
     * Does it.
     *
     * @param task advances by one with every layer that is run over a chunk
     */
    R run(Place place, Progress.Task task);

    /**
     * Where pieces are done.
     *
     * @param store makes layers
     * @param memory bytes of hidden states that are held at most
     * @param folder for temporary files
     */
    record Place(LayerStore store, Compute compute, long memory, Path folder) {}
}
