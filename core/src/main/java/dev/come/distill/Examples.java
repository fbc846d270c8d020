package dev.come.distill;

import dev.come.run.TokenChunks;
import org.bytedeco.pytorch.Tensor;

/** What a layer is shown: states before it, and those that it should make of them, chunk of tokens by chunk. */
interface Examples {
    /** The chunks: first those that are trained on, then those for validation. */
    TokenChunks chunks();

    /** How many of the chunks are trained on. */
    int training();

    /** The states before the layer, {@code (tokens, hidden)}, of the current PointerScope, not to be changed. */
    Tensor input(int chunk);

    /** The states that should come after it, {@code (tokens, hidden)}, of the current PointerScope, not to be changed. */
    Tensor target(int chunk);
}
