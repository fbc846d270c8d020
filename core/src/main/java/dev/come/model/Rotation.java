package dev.come.model;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** The rotary angles of the tokens of a chunk, from tables that are made once and shared by all threads. */
public final class Rotation implements AutoCloseable {
    /** Cosines and sines, {@code (tokens, headDim / 2)} each, float32. */
    record Angles(Tensor cos, Tensor sin) {}

    private final RotaryEmbedding rotary;
    private final Compute compute;
    private final Map<Integer, Angles> tables = new HashMap<>();

    public Rotation(ModelConfig config, Compute compute) {
        this.rotary = config.rotary();
        this.compute = compute;
    }

    /** The angles of a chunk, token by token. */
    Angles angles(TokenLayout layout) {
        int[] lengths = layout.lengths();
        if (lengths.length == 1) {
            return part(lengths[0], layout.firstPosition(0));
        }
        TensorVector cos = new TensorVector();
        TensorVector sin = new TensorVector();
        for (int i = 0; i < lengths.length; i++) {
            Angles angles = part(lengths[i], layout.firstPosition(i));
            cos.push_back(angles.cos());
            sin.push_back(angles.sin());
        }
        return new Angles(torch.cat(cos, 0), torch.cat(sin, 0));
    }

    /** A view keeps its table alive; until there is one, no other thread may replace the table by a longer one. */
    private synchronized Angles part(int length, int first) {
        Angles table = table(first + length);
        return new Angles(table.cos().narrow(0, first, length), table.sin().narrow(0, first, length));
    }

    /** A table of at least so many positions. Only where the frequencies depend on the length is there one per length. */
    private Angles table(int length) {
        int key = rotary.dependsOnLength() ? length : 0;
        Angles table = tables.get(key);
        if (table == null || table.cos().size(0) < length) {
            int positions = key == 0 ? Math.max(256, Integer.highestOneBit(length - 1) << 1) : length;
            if (table != null) {
                release(table);
            }
            RotaryEmbedding.Table values = rotary.table(0, positions);
            try (var _ = new PointerScope()) {
                table = new Angles(upload(values.cos(), positions), upload(values.sin(), positions));
                table.cos().retainReference();
                table.sin().retainReference();
            }
            tables.put(key, table);
        }
        return table;
    }

    private Tensor upload(float[] values, int positions) {
        return torch.tensor(values).view(positions, values.length / positions).to(compute.torchDevice(),
                ScalarType.Float);
    }

    private static void release(Angles table) {
        table.cos().releaseReference();
        table.sin().releaseReference();
    }

    @Override
    public synchronized void close() {
        tables.values().forEach(Rotation::release);
        tables.clear();
    }
}
