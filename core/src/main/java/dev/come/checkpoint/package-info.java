/**
 * A model folder as Hugging Face transformers writes it, seen as a configuration and named tensors, and written back
 * the same way. Nothing here knows what a layer computes, and nothing in a folder is ever executed.
 */
@NullMarked
package dev.come.checkpoint;

import org.jspecify.annotations.NullMarked;
