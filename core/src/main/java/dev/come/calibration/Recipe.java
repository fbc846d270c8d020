package dev.come.calibration;

import dev.come.FailedException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.Engine;
import dev.come.model.ModelConfig;
import dev.come.model.TokenLayout;
import dev.come.model.UsualNames;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerStore;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that is needed to make the same shards on any machine. The engine and its instructions change bits, so they are part
 * of it.
 *
 * @param model the folder of the model, which every machine has
 * @param fingerprint of that model
 * @param type what is computed in
 * @param engine the release of the tensor engine
 * @param instructions the vector instructions that it uses
 * @param memory bytes of hidden states that all shards together hold in memory
 * @param tokens the tokens of each chunk by shard, and how long its sequences are
 */
public record Recipe(String model, String fingerprint, DType type, String engine, String instructions, Reading reading,
        long memory, List<List<Tokens>> tokens) implements Serializable {
    public Recipe {
        tokens = List.copyOf(tokens);
    }

    /** The tokens of a chunk. */
    public record Tokens(int firstSequence, int[] ids, int[] lengths) implements Serializable {
        private Chunk chunk() {
            return new Chunk(firstSequence, ids, TokenLayout.of(lengths));
        }
    }

    /** Of a model that is open here. */
    public static Recipe of(Checkpoint checkpoint, TokenChunks chunks, Compute compute, Reading reading, long memory) {
        List<List<Tokens>> tokens = Shard.divide(chunks).stream()
                .map(shard -> shard.chunks().stream()
                        .map(chunk -> new Tokens(chunk.first(), chunk.tokens(), chunk.layout().lengths())).toList())
                .toList();
        return new Recipe(checkpoint.folder().toAbsolutePath().toString(), checkpoint.fingerprint(), compute.type(),
                Engine.version(), Engine.instructions(), reading, memory, tokens);
    }

    /** How many shards there are. */
    public int shards() {
        return tokens.size();
    }

    /** The chunks of a shard, by their numbers among all. */
    public Question.Range range(int shard) {
        int from = tokens.subList(0, shard).stream().mapToInt(List::size).sum();
        return new Question.Range(from, from + tokens.get(shard).size());
    }

    /**
     * Opens the model on this machine.
     *
     * @throws FailedException if it is not there, is another one, or would be computed otherwise here
     */
    public Checkpoint open() {
        same("tensor engine", engine, Engine.version(), "install the same release of CoMe everywhere");
        same("instruction set", instructions, Engine.instructions(),
                "results depend on it; take machines of one kind, or set ATEN_CPU_CAPABILITY to what all have, everywhere");
        Path folder = Path.of(model);
        if (!Files.isDirectory(folder)) {
            throw new FailedException("There is no model at " + model
                    + "; every machine needs the model at the same place");
        }
        Checkpoint checkpoint = UsualNames.open(folder);
        try {
            same("model at " + model, fingerprint, checkpoint.fingerprint(), "copy the same files everywhere");
        } catch (FailedException e) {
            checkpoint.close();
            throw e;
        }
        return checkpoint;
    }

    private static void same(String what, String expected, String found, String advice) {
        if (!expected.equals(found)) {
            throw new FailedException("The " + what + " is another one: " + found + " where " + expected
                    + " is expected; " + advice);
        }
    }

    /**
     * Makes a shard.
     *
     * @param checkpoint what {@link #open} gives; it must stay open as long as the shard
     * @param threads how many threads share the work; the numbers do not depend on it
     * @param spillFolder where states go that do not fit the memory
     */
    public Shard shard(int number, Checkpoint checkpoint, int threads, Path spillFolder) {
        List<Chunk> chunks = new ArrayList<>();
        tokens.get(number).forEach(part -> chunks.add(part.chunk()));
        long all = tokens.stream().flatMap(List::stream).mapToLong(part -> part.ids.length).sum();
        TokenChunks own = new TokenChunks(chunks);
        long share = (long) ((double) memory / all * own.tokens());
        return new Shard(new LayerStore(checkpoint, ModelConfig.of(checkpoint)), own, range(number).from(),
                new Compute(type, "cpu", threads), reading, share, spillFolder);
    }
}
