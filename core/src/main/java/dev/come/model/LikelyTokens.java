package dev.come.model;

import dev.come.memory.Retained;
import java.util.BitSet;
import org.bytedeco.pytorch.Tensor;

/**
 * Some tokens of the vocabulary, by which losses are bounded from below. With fewer tokens that may come next, the one
 * that does is never less likely.
 */
public final class LikelyTokens implements AutoCloseable {
    private final BitSet ids = new BitSet();
    private final Retained<Tensor> rows;

    /** @param rows the rows of the output projection of the tokens, {@code (tokens, embedding)} */
    LikelyTokens(int[] ids, Tensor rows) {
        for (int id : ids) {
            this.ids.set(id);
        }
        this.rows = Retained.of(rows);
    }

    boolean contains(int token) {
        return ids.get(token);
    }

    Rows rows() {
        return new Rows.InMemory(rows.borrow());
    }

    @Override
    public void close() {
        rows.close();
    }
}
