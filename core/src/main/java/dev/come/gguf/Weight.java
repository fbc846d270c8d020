package dev.come.gguf;

import dev.come.checkpoint.TensorSpec;

/**
 * A tensor of the model folder and where it comes from.
 *
 * @param turnedHeads how many heads its rows belong to if the file has the two halves of every head's rows interleaved, as
 *        it does for queries and keys of Llama; 0 if rows stay where they are
 * @param less what is taken away from every number
 * @param transposed whether rows and columns are exchanged
 * @param factor what every number is multiplied by
 */
record Weight(TensorSpec spec, GgufTensor source, int turnedHeads, float less, boolean transposed, float factor) {}
