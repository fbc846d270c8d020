package dev.come.calibration;

import dev.come.calibration.Question.Range;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.Compute;
import dev.come.run.ModelRecipe;
import dev.come.run.TokenChunks;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.List;

/**
 * Everything that is needed to make the same shards on any machine.
 *
 * @param model the model, which every machine has
 * @param memory bytes of hidden states that all shards together hold in memory
 * @param shards the chunks of each shard
 */
public record Recipe(ModelRecipe model, Reading reading, long memory, List<TokenChunks> shards)
        implements
            Serializable {
    /** The number of tokens of a shard, about. */
    public static final long TOKENS = Shard.TOKENS;

    public Recipe {
        shards = List.copyOf(shards);
    }

    /** Of a model that is open here. */
    public static Recipe of(Checkpoint checkpoint, TokenChunks chunks, Compute compute, Reading reading, long memory) {
        return new Recipe(ModelRecipe.of(checkpoint, compute), reading, memory, Shard.divide(chunks));
    }

    /** The chunks of a shard, by their numbers among all. */
    public Range range(int shard) {
        int from = shards.subList(0, shard).stream().mapToInt(TokenChunks::size).sum();
        return new Range(from, from + shards.get(shard).size());
    }

    /**
     * Makes a shard.
     *
     * @param store makes the layers of what {@link ModelRecipe#open} gives; must stay open as long as the shard
     * @param threads how many threads share the work; the numbers do not depend on it
     * @param spillFolder where states go that do not fit the memory
     */
    public Shard shard(int number, LayerStore store, int threads, Path spillFolder) {
        TokenChunks own = shards.get(number);
        long all = shards.stream().mapToLong(TokenChunks::tokens).sum();
        long share = (long) ((double) memory / all * own.tokens());
        return new Shard(store, own, range(number).from(), new Compute(model.type(), "cpu", threads), reading, share,
                spillFolder);
    }
}
