/**
 * GGUF files, in which llama.cpp keeps a whole model: read, checked, and unpacked into an ordinary model folder. Sources:
 * the format's description at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, and ggml-common.h beside it for
 * what the blocks of quantised numbers look like.
 */
@NullMarked
package dev.come.gguf;

import org.jspecify.annotations.NullMarked;
