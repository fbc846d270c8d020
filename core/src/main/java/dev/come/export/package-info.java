/** Writes models for other programs: a GGUF file for those of the llama.cpp family. */
@NullMarked
package dev.come.export;

import org.jspecify.annotations.NullMarked;
