package dev.come.model;

import java.util.Optional;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;

/**
 * One decoder layer in the plainest operations, one line for each line of the definition. Gradients flow through it to the
 * weights and to the input. It is what training uses, and what {@link DecoderLayer} is tested against.
 */
public final class PlainLayer {
    private final ModelConfig config;

    public PlainLayer(ModelConfig config) {
        this.config = config;
    }

    /**
     * Runs the layer.
     *
     * @param weights the tensors of the layer, all of one floating type. Matrices may be of another: their products are then
     *        computed in it, and all else in that of the states
     * @param hidden {@code (tokens, hidden)} of that type: the residual stream before the layer
     * @return {@code (tokens, hidden)}: the residual stream after the layer
     */
    public Tensor forward(LayerWeights weights, Tensor hidden, TokenLayout layout, Rotation rotation) {
        Tensor attended = attend(weights, hidden, layout, rotation);
        return feedForward(weights, attended, config.sideBySide() ? hidden : attended);
    }

    /** The first half of the layer: the residual stream after attention. */
    public Tensor attend(LayerWeights weights, Tensor hidden, TokenLayout layout, Rotation rotation) {
        Tensor x = readByAttention(weights, hidden);
        Tensor added = attention(weights, x, layout, rotation);
        return sum(weights, hidden, added, Part.ATTENTION_OUTPUT_NORM, Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS);
    }

    /**
     * The second half: each row by itself.
     *
     * @param seen what it reads of the residual stream: the same, or, side by side, that before attention
     */
    public Tensor feedForward(LayerWeights weights, Tensor attended, Tensor seen) {
        Tensor x = readByFeedForward(weights, seen);
        Tensor up = linear(weights, x, Part.UP, Part.UP_BIAS);
        Tensor channels = weights.find(Part.GATE) == null
                ? FeedForwardActivation.plain(config, weights, up)
                : FeedForwardActivation.plain(config, weights, linear(weights, x, Part.GATE, Part.GATE_BIAS)).mul(up);
        channels = norm(weights, channels, Part.FEED_FORWARD_SUB_NORM, Part.FEED_FORWARD_SUB_NORM);
        Tensor added = linear(weights, channels, Part.DOWN, Part.DOWN_BIAS);
        return sum(weights, attended, added, Part.FEED_FORWARD_OUTPUT_NORM, Part.FEED_FORWARD_NORM,
                Part.FEED_FORWARD_NORM_BIAS);
    }

    /** What attention reads of the residual stream before the layer: the input of its projections to heads. */
    public Tensor readByAttention(LayerWeights weights, Tensor hidden) {
        return normBefore(weights, hidden, Part.ATTENTION_NORM, Part.ATTENTION_NORM_BIAS);
    }

    /** What the second half reads of the residual stream: the input of its projections to channels. */
    public Tensor readByFeedForward(LayerWeights weights, Tensor seen) {
        return normBefore(weights, seen, config.feedForwardNorm(), config.feedForwardNorm().bias());
    }

    private Tensor normBefore(LayerWeights weights, Tensor hidden, Part norm, Part bias) {
        return config.normsAfter() ? hidden : norm(weights, hidden, norm, bias);
    }

    /** The residual stream and what is added to it. */
    private Tensor sum(LayerWeights weights, Tensor hidden, Tensor added, Part ofAdded, Part ofSum, Part biasOfSum) {
        Tensor normed = norm(weights, added, ofAdded, ofAdded);
        Tensor sum = hidden.add(normed.mul(new Scalar(config.multipliers().residual())));
        return config.normsAfter() ? norm(weights, sum, ofSum, biasOfSum) : sum;
    }

    /** The norm of the last dimension, if the layer has one there. */
    private Tensor norm(LayerWeights weights, Tensor x, Part part, Part bias) {
        Tensor weight = config.hasNormWithoutWeights(part) ? torch.ones_like(x.select(0, 0)) : weights.find(part);
        return weight == null ? x : config.norm().plain(x, weight, bias == part ? null : weights.find(bias));
    }

    private Tensor attention(LayerWeights weights, Tensor x, TokenLayout layout, Rotation rotation) {
        long tokens = x.size(0);
        long dim = config.headDim();
        Tensor allQueries = linear(weights, x, Part.QUERY, Part.QUERY_BIAS);
        Tensor allKeys = linear(weights, x, Part.KEY, Part.KEY_BIAS);
        Tensor queries = norm(weights, allQueries, Part.ALL_QUERIES_NORM, Part.ALL_QUERIES_NORM)
                .view(tokens, config.heads(), dim);
        Tensor keys = norm(weights, allKeys, Part.ALL_KEYS_NORM, Part.ALL_KEYS_NORM)
                .view(tokens, config.keyValueHeads(), dim);
        boolean normedTurned = config.family().has(Trait.HEAD_NORMS_AFTER_TURNING);
        if (!normedTurned) {
            queries = norm(weights, queries, Part.QUERY_NORM, Part.QUERY_NORM);
            keys = norm(weights, keys, Part.KEY_NORM, Part.KEY_NORM);
        }
        Optional<RotaryEmbedding> rotary = weights.attention().rotary();
        if (rotary.isPresent()) {
            queries = rotate(queries, rotation.angles(rotary.get(), layout));
            keys = rotate(keys, rotation.angles(rotary.get().ofKeys(), layout));
        }
        if (normedTurned) {
            queries = norm(weights, queries, Part.QUERY_NORM, Part.QUERY_NORM);
            keys = norm(weights, keys, Part.KEY_NORM, Part.KEY_NORM);
        }
        Tensor values = linear(weights, x, Part.VALUE, Part.VALUE_BIAS).view(tokens, config.keyValueHeads(), dim);

        if (!layout.haveNoParents()) {
            throw new IllegalArgumentException("the plain layer takes whole sequences only, not " + layout);
        }
        TensorVector outputs = new TensorVector();
        long start = 0;
        for (int length : layout.lengths()) {
            Tensor mixed = mix(queries.narrow(0, start, length).transpose(0, 1),
                    perQueryHead(keys.narrow(0, start, length)).transpose(0, 1),
                    perQueryHead(values.narrow(0, start, length)).transpose(0, 1), weights.attention(),
                    weights.find(Part.ATTENTION_SINKS));
            outputs.push_back(mixed.transpose(0, 1).reshape(length, config.heads() * dim));
            start += length;
        }
        Tensor heads = norm(weights, torch.cat(outputs, 0), Part.ATTENTION_SUB_NORM, Part.ATTENTION_SUB_NORM);
        return linear(weights, heads, Part.OUTPUT, Part.OUTPUT_BIAS);
    }

    /**
     * Attention of one sequence; all of shape {@code (heads, length, headDim)}.
     *
     * @param sinks {@code (heads)}: one more score of every token, in families that have it
     */
    private Tensor mix(Tensor queries, Tensor keys, Tensor values, AttentionKind kind, @Nullable Tensor sinks) {
        Multipliers multipliers = config.multipliers();
        long length = queries.size(1);
        if (sinks == null && !kind.cuts(length) && !multipliers.capsAttention()) {
            // The engine's own attention: its graph holds no (length, length) scores.
            return torch.scaled_dot_product_attention(queries.unsqueeze(0), keys.unsqueeze(0), values.unsqueeze(0),
                    new TensorOptional(), 0, true, new DoubleOptional(multipliers.attention()), false).squeeze(0);
        }
        Tensor scores = queries.matmul(keys.transpose(1, 2)).mul(new Scalar(multipliers.attention()));
        if (multipliers.capsAttention()) {
            Scalar cap = new Scalar(multipliers.attentionCap());
            scores = scores.div(cap).tanh().mul(cap);
        }
        Tensor visible = torch.ones(length, length).tril(0);
        if (kind.cuts(length)) {
            visible = visible.triu(1L - kind.window());
        }
        Tensor hidden = visible.to(scores.device(), scores.scalar_type()).log();
        Tensor seen = scores.add(hidden);
        if (sinks == null) {
            return torch.softmax(seen, -1).matmul(values);
        }
        Tensor beside = sinks.view(seen.size(0), 1, 1).expand(seen.size(0), length, 1);
        return torch.softmax(torch.cat(new TensorVector(seen, beside), 2), -1).narrow(2, 0, length).matmul(values);
    }

    /** Repeats each key-value head for every query head of its group; the heads of a group are neighbours. */
    private Tensor perQueryHead(Tensor heads) {
        return heads.repeat_interleave(config.groupSize(), new LongOptional(1), new LongOptional());
    }

    /**
     * Turns the first channels of each head in pairs.
     *
     * @param heads {@code (tokens, heads, headDim)}
     */
    private Tensor rotate(Tensor heads, Rotation.Angles angles) {
        Tensor cos = angles.cos().unsqueeze(1).to(heads.scalar_type());
        Tensor sin = angles.sin().unsqueeze(1).to(heads.scalar_type());
        long pairs = cos.size(2);
        boolean neighbours = config.family().has(Trait.NEIGHBOURS_TURN);
        Tensor turning = heads.narrow(2, 0, 2 * pairs);
        Tensor byPair = neighbours
                ? turning.reshape(heads.size(0), heads.size(1), pairs, 2)
                : turning.reshape(heads.size(0), heads.size(1), 2, pairs).transpose(2, 3);
        Tensor first = byPair.select(3, 0);
        Tensor second = byPair.select(3, 1);
        Tensor turned = torch.stack(new TensorVector(first.mul(cos).sub(second.mul(sin)),
                second.mul(cos).add(first.mul(sin))), neighbours ? 3 : 2).reshape(turning.shape());
        return torch.cat(new TensorVector(turned, heads.narrow(2, 2 * pairs, heads.size(2) - 2 * pairs)), 2);
    }

    /** What a projection gives, with its bias if it has one. */
    public static Tensor linear(LayerWeights weights, Tensor x, Part matrix, Part bias) {
        Tensor factor = weights.get(matrix);
        Tensor product = x.to(factor.scalar_type()).matmul(factor.t()).to(x.scalar_type());
        Tensor addend = weights.find(bias);
        return addend == null ? product : product.add(addend);
    }
}
