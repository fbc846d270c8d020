package dev.come.model;

import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;

/**
 * The attention of a {@link DecoderLayer}, from the norm before it up to, but without, its output projection. It goes on
 * from the tokens of a cache, or from those of the sequences that a sequence branches off from.
 */
final class LayerAttention implements AutoCloseable {
    private final ModelConfig config;
    private final ScalarType type;
    private final AttentionKind kind;
    private final LayerNorms norms;
    private final Linear queryKeyValue;
    private final CausalAttention attention;

    /**
     * Takes what the layer made.
     *
     * @param type the compute type
     * @param norms the norms of the layer, which stay the layer's
     * @param queryKeyValue the projections of queries, keys and values in one, closed with this
     * @param attention closed with this
     */
    LayerAttention(ModelConfig config, ScalarType type, AttentionKind kind, LayerNorms norms, Linear queryKeyValue,
            CausalAttention attention) {
        this.config = config;
        this.type = type;
        this.kind = kind;
        this.norms = norms;
        this.queryKeyValue = queryKeyValue;
        this.attention = attention;
    }

    /**
     * What all heads give for tokens, side by side.
     *
     * @param hidden {@code (tokens, hidden)}: the residual stream before the layer
     * @param cache as in {@link DecoderLayer#forward}
     * @return {@code (tokens, heads * headDim)}, compute type; it belongs to the workspace
     */
    Tensor attend(Tensor hidden, TokenLayout layout, Rotation rotation, Workspace workspace,
            KeyValueCache.@Nullable Layer cache) {
        long tokens = hidden.size(0);
        long heads = config.keyValueHeads();
        long group = config.groupSize();
        long dim = config.headDim();
        KeyValueCache.@Nullable Layer ofNextTokens = tokens == layout.lengths().length ? cache : null;
        KeyValueCache.@Nullable Layer ofOneToken = layout.beginLevel() ? ofNextTokens : null;
        Tensor queries = workspace.floats("queries", heads, tokens, group, dim);
        Tensor keys = ofOneToken == null
                ? workspace.floats("keys", heads, tokens, dim)
                : next(ofOneToken.keys(), layout);
        Tensor values = ofOneToken == null
                ? workspace.floats("values", heads, tokens, dim)
                : next(ofOneToken.values(), layout);
        Rotation.@Nullable Angles angles = kind.rotary().map(rotary -> rotation.angles(rotary, layout)).orElse(null);
        Rotation.@Nullable Angles keyAngles = kind.rotary().filter(rotary -> rotary.growth().isPresent())
                .map(rotary -> rotation.angles(rotary.ofKeys(), layout)).orElse(angles);

        workspace.shareRows(tokens, (_, start, rows, buffers) -> {
            Tensor normed = norms.before(hidden.narrow(0, start, rows), Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS,
                    buffers);
            Tensor wide = float32(queryKeyValue.of(normed, "queryKeyValue", buffers), "wideQueryKeyValue", buffers);
            long queryChannels = heads * group * dim;
            long keyChannels = heads * dim;
            Tensor query = wide.narrow(1, 0, queryChannels);
            Tensor key = wide.narrow(1, queryChannels, keyChannels);
            norms.ofHeads(query, Part.ALL_QUERIES_NORM, Part.QUERY_NORM, buffers);
            norms.ofHeads(key, Part.ALL_KEYS_NORM, Part.KEY_NORM, buffers);
            Tensor placed = queries.narrow(1, start, rows);
            place(query, placed, angles, start, group);
            norms.ofTurnedHeads(placed, Part.QUERY_NORM, buffers);
            placed.mul_(new Scalar(config.multipliers().attention()));
            Tensor placedKeys = keys.narrow(1, start, rows);
            place(key, placedKeys.unsqueeze(2), keyAngles, start, 1);
            norms.ofTurnedHeads(placedKeys, Part.KEY_NORM, buffers);
            values.narrow(1, start, rows).transpose(0, 1)
                    .copy_(wide.narrow(1, queryChannels + keyChannels, keyChannels).view(rows, heads, dim));
        });

        Tensor mixed = workspace.tensor("attention", type, tokens, heads * group * dim);
        Tensor byHead = mixed.view(tokens, heads, group, dim);
        if (ofNextTokens != null) {
            if (ofOneToken == null) {
                rememberOneEach(keys, ofNextTokens.keys(), layout);
                rememberOneEach(values, ofNextTokens.values(), layout);
            }
            long seen = layout.longest();
            attention.attendToLast(queries, ofNextTokens.keys().narrow(2, 0, seen),
                    ofNextTokens.values().narrow(2, 0, seen), layout, byHead);
        } else {
            if (cache != null) {
                remember(keys, cache.keys(), layout);
                remember(values, cache.values(), layout);
            }
            int[] starts = layout.starts();
            workspace.share(starts.length, (i, buffers) -> {
                int length = layout.lengths()[i];
                long seen = layout.firstPosition(i) + (long) length;
                attention.attend(queries.narrow(1, starts[i], length),
                        cache == null
                                ? seen(keys, "branchKeys", layout, i, buffers)
                                : cache.keys().select(0, i).narrow(1, 0, seen),
                        cache == null
                                ? seen(values, "branchValues", layout, i, buffers)
                                : cache.values().select(0, i).narrow(1, 0, seen),
                        byHead.narrow(0, starts[i], length), buffers);
            });
        }
        norms.inside(mixed, Part.ATTENTION_SUB_NORM, workspace);
        return mixed;
    }

    /** Where in the cache the keys or values of the next token of each sequence belong, {@code (heads, sequences, headDim)}. */
    private static Tensor next(Tensor all, TokenLayout layout) {
        return all.select(2, layout.firstPosition(0)).transpose(0, 1);
    }

    /**
     * Puts new keys or values behind those in the cache.
     *
     * @param fresh {@code (heads, tokens, headDim)}
     * @param all {@code (sequences, heads, capacity, headDim)}
     */
    private static void remember(Tensor fresh, Tensor all, TokenLayout layout) {
        int[] starts = layout.starts();
        for (int i = 0; i < starts.length; i++) {
            int length = layout.lengths()[i];
            all.select(0, i).narrow(1, layout.firstPosition(i), length).copy_(fresh.narrow(1, starts[i], length));
        }
    }

    /**
     * The same for one token of each sequence, whatever their positions, in one call.
     *
     * @param all {@code (sequences, heads, capacity, headDim)}, a part of a contiguous tensor from its beginning on
     */
    private static void rememberOneEach(Tensor fresh, Tensor all, TokenLayout layout) {
        int sequences = Math.toIntExact(all.size(0));
        int heads = Math.toIntExact(all.size(1));
        long capacity = all.size(2);
        long[] places = new long[heads * sequences];
        for (int i = 0; i < places.length; i++) { // as the fresh ones lie, head by head
            places[i] = (i % sequences * (long) heads + i / sequences) * capacity + layout.firstPosition(i % sequences);
        }
        all.view(-1, all.size(3)).index_copy_(0, torch.tensor(places).to(all.device(), ScalarType.Long),
                fresh.view(places.length, all.size(3)));
    }

    /** The keys or values that a sequence sees: those of what it goes on from, and its own. */
    private Tensor seen(Tensor all, String buffer, TokenLayout layout, int sequence, Workspace workspace) {
        int[] starts = layout.starts();
        int[] lengths = layout.lengths();
        if (layout.parents()[sequence] == TokenLayout.ROOT) {
            return all.narrow(1, starts[sequence], lengths[sequence]);
        }
        int end = layout.firstPosition(sequence) + lengths[sequence];
        Tensor together = workspace.floats(buffer, config.keyValueHeads(), end, config.headDim());
        for (int part = sequence; part != TokenLayout.ROOT; part = layout.parents()[part]) {
            end -= lengths[part];
            together.narrow(1, end, lengths[part]).copy_(all.narrow(1, starts[part], lengths[part]));
        }
        return together;
    }

    /**
     * Lays heads out head by head, turned by their positions if there are angles.
     *
     * @param from {@code (rows, heads * group * headDim)}
     * @param to {@code (heads, rows, group, headDim)}
     * @param start where the rows begin in the angles
     */
    private void place(Tensor from, Tensor to, Rotation.@Nullable Angles angles, long start, long group) {
        long rows = from.size(0);
        long heads = config.keyValueHeads();
        long dim = config.headDim();
        Tensor source = from.view(rows, heads, group, dim);
        Tensor target = to.transpose(0, 1);
        if (angles == null) {
            target.copy_(source);
            return;
        }
        long half = angles.cos().size(1);
        Tensor cos = angles.cos().narrow(0, start, rows).view(rows, 1, 1, half);
        Tensor sin = angles.sin().narrow(0, start, rows).view(rows, 1, 1, half);
        Tensor left = ofPairs(source, 0, half);
        Tensor right = ofPairs(source, 1, half);
        Tensor rotatedLeft = ofPairs(target, 0, half);
        Tensor rotatedRight = ofPairs(target, 1, half);
        torch.mul_out(rotatedLeft, left, cos);
        rotatedLeft.addcmul_(right, sin, new Scalar(-1.0));
        torch.mul_out(rotatedRight, right, cos);
        rotatedRight.addcmul_(left, sin);
        if (2 * half < dim) {
            target.narrow(3, 2 * half, dim - 2 * half).copy_(source.narrow(3, 2 * half, dim - 2 * half));
        }
    }

    /** One of the two dimensions of all pairs of a head that turn. */
    private Tensor ofPairs(Tensor heads, long which, long half) {
        return config.family().has(Trait.NEIGHBOURS_TURN)
                ? heads.narrow(3, 0, 2 * half).slice(3, new LongOptional(which), new LongOptional(2 * half), 2)
                : heads.narrow(3, which * half, half);
    }

    private Tensor float32(Tensor x, String buffer, Workspace workspace) {
        return type == ScalarType.Float ? x : workspace.floats(buffer, x.size(0), x.size(1)).copy_(x);
    }

    @Override
    public void close() {
        queryKeyValue.close();
        attention.close();
    }
}
