package dev.come.model;

import org.bytedeco.pytorch.Tensor;

/**
 * Sees what goes on inside a layer, a few hundred tokens at a time, in the order of the tokens. The tensors are only valid
 * during the call.
 */
public interface LayerObserver {
    /** Sees nothing. */
    LayerObserver NONE = new LayerObserver() {
        @Override
        public void attentionOutput(Tensor x) {
        }

        @Override
        public void feedForwardChannels(Tensor x) {
        }
    };

    /** The input of the output projection of attention, {@code (tokens, heads * headDim)}. */
    void attentionOutput(Tensor x);

    /** The residual stream between the halves of the layer, {@code (tokens, hidden)}, of all tokens at once. */
    default void afterAttention(Tensor hidden) {
    }

    /** The input of the down projection, {@code (tokens, intermediate)}. */
    void feedForwardChannels(Tensor x);
}
