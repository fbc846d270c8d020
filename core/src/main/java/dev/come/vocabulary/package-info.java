/**
 * Turns vocabularies of models without a {@code tokenizer.json} into the tokenizer.json that means the same. They come
 * as a SentencePiece file, as {@code vocab.json} with {@code merges.txt}, or in the metadata of a GGUF file. Source of
 * that format: the serialised components of https://github.com/huggingface/tokenizers.
 */
@NullMarked
package dev.come.vocabulary;

import org.jspecify.annotations.NullMarked;
