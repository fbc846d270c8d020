package dev.come.calibration;

import dev.come.run.StateStore;
import dev.come.run.StateStore.State;
import dev.come.run.TokenChunks;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Some tokens, spread evenly over chunks: first those of the chunks that fits see, then those of the others.
 *
 * @param rows by chunk the tokens that are taken
 * @param fitted how many of them fits see
 */
record SampledRows(List<long[]> rows, long fitted) {
    /**
     * Chooses.
     *
     * @param fittedChunks how many of the chunks fits see
     * @param most tokens that fits see; of the others half as many
     */
    static SampledRows of(TokenChunks chunks, int fittedChunks, int most) {
        List<long[]> rows = new ArrayList<>();
        rows.addAll(of(chunks.some(0, fittedChunks), most));
        long fitted = rows.stream().mapToLong(some -> some.length).sum();
        rows.addAll(of(chunks.some(fittedChunks, chunks.size()), most / 2));
        return new SampledRows(rows, fitted);
    }

    private static List<long[]> of(TokenChunks chunks, int most) {
        long every = Math.max(1, Math.ceilDiv(chunks.tokens(), most));
        List<long[]> rows = new ArrayList<>();
        long before = 0;
        for (TokenChunks.Chunk chunk : chunks.chunks()) {
            long first = Math.floorMod(-before, every);
            rows.add(LongStream.iterate(first, token -> token < chunk.tokens().length, token -> token + every)
                    .toArray());
            before += chunk.tokens().length;
        }
        return rows;
    }

    /** The states of these tokens, {@code (tokens, hidden)}, float32, of the current PointerScope. */
    Tensor of(List<State> byChunk, StateStore states) {
        TensorVector all = new TensorVector();
        for (int chunk = 0; chunk < rows.size(); chunk++) {
            all.push_back(states.rows(byChunk.get(chunk), rows.get(chunk)).to(ScalarType.Float));
        }
        return torch.cat(all, 0);
    }

    /** How many there are. */
    long count() {
        return rows.stream().mapToLong(some -> some.length).sum();
    }

    /**
     * Keeps the rows of tokens that are taken.
     *
     * @param block {@code (tokens, width)}: some adjacent tokens of a chunk
     * @param start the first of them in the chunk
     * @param target {@code (count, width)}: where the rows of all chunks go
     */
    void keep(int chunk, Tensor block, long start, Tensor target) {
        long offset = rows.subList(0, chunk).stream().mapToLong(some -> some.length).sum();
        long end = start + block.size(0);
        long[] all = rows.get(chunk);
        long before = LongStream.of(all).filter(token -> token < start).count();
        long[] here = LongStream.of(all).filter(token -> token >= start && token < end).map(token -> token - start)
                .toArray();
        if (here.length > 0) {
            target.narrow(0, offset + before, here.length)
                    .copy_(block.index_select(0, torch.tensor(here).to(block.device(), ScalarType.Long)));
        }
    }
}
