package dev.come.run;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores.Batch;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntFunction;

/** Tells how likely a stack of layers holds continuations, wherever it is run. */
public interface Scorer extends AutoCloseable {
    /** What {@link #score} will advance progress by, in all. */
    long runs(Collection<Batch> batches);

    /**
     * Scores batches.
     *
     * @param name what messages call an item
     * @param progress advances by one with every layer that was run over a batch
     * @param found gets the scores of each item, in the order of its continuations, whenever some batches are done; called from
     *        one thread at a time
     * @throws FailedException if a score is not a finite number; it names the item
     */
    void score(List<Batch> batches, IntFunction<String> name, Progress.Task progress,
            Consumer<Map<Integer, List<Score>>> found);

    @Override
    void close();
}
