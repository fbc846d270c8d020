package dev.come.model;

import java.util.Arrays;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * One decoder layer in the plainest operations, one line for each line of the definition. Gradients flow through it to the
 * weights and to the input. It is what training uses, and what {@link DecoderLayer} is tested against.
 */
public final class PlainLayer {
    private final ModelConfig config;
    private final Activation activation;

    public PlainLayer(ModelConfig config) {
        this.config = config;
        this.activation = Activation.named(config.activation());
    }

    /**
     * Runs the layer.
     *
     * @param weights the tensors of the layer, all of one floating type
     * @param hidden {@code (tokens, hidden)} of that type: the residual stream before the layer
     * @return {@code (tokens, hidden)}: the residual stream after the layer
     */
    public Tensor forward(LayerWeights weights, Tensor hidden, TokenLayout layout, Rotation rotation) {
        return feedForward(weights, attend(weights, hidden, layout, rotation));
    }

    /** The first half of the layer: the residual stream after attention. */
    public Tensor attend(LayerWeights weights, Tensor hidden, TokenLayout layout, Rotation rotation) {
        return hidden.add(attention(weights, norm(hidden, weights.get(Part.INPUT_NORM)), layout, rotation));
    }

    /** The second half: each row by itself. */
    public Tensor feedForward(LayerWeights weights, Tensor attended) {
        Tensor x = norm(attended, weights.get(Part.POST_ATTENTION_NORM));
        Tensor gate = activation.of(linear(weights, x, Part.GATE, Part.GATE_BIAS));
        return attended.add(linear(weights, gate.mul(linear(weights, x, Part.UP, Part.UP_BIAS)), Part.DOWN,
                Part.DOWN_BIAS));
    }

    /** The root mean square norm of every row. */
    public Tensor norm(Tensor x, Tensor weight) {
        Tensor meanSquare = x.square().mean(1).unsqueeze(1);
        return x.mul(meanSquare.add(new Scalar(config.normEpsilon())).rsqrt()).mul(weight);
    }

    private Tensor attention(LayerWeights weights, Tensor x, TokenLayout layout, Rotation rotation) {
        long tokens = x.size(0);
        long dim = config.headDim();
        Rotation.Angles angles = rotation.angles(layout);
        Tensor cos = torch.cat(new TensorVector(angles.cos(), angles.cos()), 1).unsqueeze(1).to(x.scalar_type());
        Tensor sin = torch.cat(new TensorVector(angles.sin(), angles.sin()), 1).unsqueeze(1).to(x.scalar_type());
        Tensor queries = rotate(linear(weights, x, Part.QUERY, Part.QUERY_BIAS).view(tokens, config.heads(), dim), cos,
                sin);
        Tensor keys = rotate(linear(weights, x, Part.KEY, Part.KEY_BIAS).view(tokens, config.keyValueHeads(), dim), cos,
                sin);
        Tensor values = linear(weights, x, Part.VALUE, Part.VALUE_BIAS).view(tokens, config.keyValueHeads(), dim);

        if (Arrays.stream(layout.parents()).anyMatch(parent -> parent != TokenLayout.ROOT)) {
            throw new IllegalArgumentException("the plain layer takes whole sequences only, not " + layout);
        }
        TensorVector outputs = new TensorVector();
        long start = 0;
        for (int length : layout.lengths()) {
            Tensor q = queries.narrow(0, start, length).transpose(0, 1);
            Tensor k = perQueryHead(keys.narrow(0, start, length)).transpose(0, 1);
            Tensor v = perQueryHead(values.narrow(0, start, length)).transpose(0, 1);
            // The engine's own attention: its graph holds no (length, length) scores.
            Tensor mixed = torch.scaled_dot_product_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0),
                    new TensorOptional(), 0, true, new DoubleOptional(1 / Math.sqrt(config.headDim())), false);
            outputs.push_back(mixed.squeeze(0).transpose(0, 1).reshape(length, config.heads() * dim));
            start += length;
        }
        return linear(weights, torch.cat(outputs, 0), Part.OUTPUT, Part.OUTPUT_BIAS);
    }

    /** Repeats each key-value head for every query head of its group; the heads of a group are neighbours. */
    private Tensor perQueryHead(Tensor heads) {
        return heads.repeat_interleave(config.groupSize(), new LongOptional(1), new LongOptional());
    }

    private Tensor rotate(Tensor heads, Tensor cos, Tensor sin) {
        long half = config.headDim() / 2;
        Tensor turned = torch.cat(new TensorVector(heads.narrow(2, half, half).neg(), heads.narrow(2, 0, half)), 2);
        return heads.mul(cos).add(turned.mul(sin));
    }

    private static Tensor linear(LayerWeights weights, Tensor x, Part matrix, Part bias) {
        Tensor product = x.matmul(weights.get(matrix).t());
        Tensor addend = weights.find(bias);
        return addend == null ? product : product.add(addend);
    }
}
