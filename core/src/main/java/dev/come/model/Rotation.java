package dev.come.model;

import dev.come.memory.Retained;
import java.util.LinkedHashMap;
import java.util.Objects;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The rotary angles of the tokens of a chunk, from tables that are made once and shared by all threads. */
public final class Rotation implements AutoCloseable {
    /** Cosines and sines, {@code (tokens, headDim / 2)} each, float32. */
    record Angles(Tensor cos, Tensor sin) {}

    /** Where every length has frequencies of its own, tables of so many are kept. */
    private static final int MOST_TABLES = 16;

    /** The frequencies of a table, which are those of some lengths. */
    private record Key(RotaryEmbedding rotary, int lengths) {}

    /** Angles from the first position on. */
    private record Table(Retained<Tensor> cos, Retained<Tensor> sin) implements AutoCloseable {
        long positions() {
            return cos.borrow().size(0);
        }

        Angles part(int first, int length) {
            return new Angles(cos.borrow().narrow(0, first, length), sin.borrow().narrow(0, first, length));
        }

        @Override
        public void close() {
            cos.close();
            sin.close();
        }
    }

    private final Compute compute;
    /** The one that was used last comes last. */
    private final LinkedHashMap<Key, Table> tables = new LinkedHashMap<>(MOST_TABLES, 0.75f, true);

    public Rotation(Compute compute) {
        this.compute = compute;
    }

    /** The angles of a chunk, token by token. */
    Angles angles(RotaryEmbedding rotary, TokenLayout layout) {
        int[] lengths = layout.lengths();
        if (lengths.length == 1) {
            return part(rotary, lengths[0], layout.firstPosition(0));
        }
        if (layout.isOneTokenEach()) {
            return ofOneTokenEach(rotary, layout);
        }
        TensorVector cos = new TensorVector();
        TensorVector sin = new TensorVector();
        for (int i = 0; i < lengths.length; i++) {
            Angles angles = part(rotary, lengths[i], layout.firstPosition(i));
            cos.push_back(angles.cos());
            sin.push_back(angles.sin());
        }
        return new Angles(torch.cat(cos, 0), torch.cat(sin, 0));
    }

    private Angles ofOneTokenEach(RotaryEmbedding rotary, TokenLayout layout) {
        int count = layout.lengths().length;
        if (layout.beginLevel()) {
            Angles one = part(rotary, 1, layout.firstPosition(0));
            return new Angles(one.cos().expand(count, -1), one.sin().expand(count, -1));
        }
        Angles all = part(rotary, layout.longest(), 0);
        Tensor positions = torch.tensor(layout.firstPositions()).to(compute.torchDevice(), ScalarType.Long);
        return new Angles(all.cos().index_select(0, positions), all.sin().index_select(0, positions));
    }

    /** Views on a table, which another thread may replace by a longer one as soon as this is over. */
    private synchronized Angles part(RotaryEmbedding rotary, int length, int first) {
        return table(rotary, first + length).part(first, length);
    }

    /** A table of the frequencies of a length, with at least that number of positions. */
    private Table table(RotaryEmbedding rotary, int length) {
        Key key = new Key(rotary, rotary.scaling().lengthsLike(length));
        Table table = tables.get(key);
        if (table == null || table.positions() < length) {
            int positions = Math.max(256, Integer.highestOneBit(length - 1) << 1);
            Table shorter = table;
            RotaryEmbedding.Table values = rotary.table(0, positions, length);
            try (var _ = new PointerScope()) {
                table = new Table(Retained.of(upload(values.cos(), positions)),
                        Retained.of(upload(values.sin(), positions)));
            }
            tables.put(key, table);
            if (shorter != null) {
                shorter.close();
            }
            if (tables.size() > MOST_TABLES) {
                Objects.requireNonNull(tables.pollFirstEntry()).getValue().close();
            }
        }
        return table;
    }

    private Tensor upload(float[] values, int positions) {
        return torch.tensor(values).view(positions, values.length / positions).to(compute.torchDevice(),
                ScalarType.Float);
    }

    @Override
    public synchronized void close() {
        tables.values().forEach(Table::close);
        tables.clear();
    }
}
