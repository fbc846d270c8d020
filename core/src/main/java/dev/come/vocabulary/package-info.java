/**
 * Vocabularies as models keep them without a {@code tokenizer.json} (a SentencePiece file, {@code vocab.json} with {@code
 * merges.txt}, the metadata of a GGUF file), turned into the tokenizer.json that means the same. Source of that format: the
 * serialised components of https://github.com/huggingface/tokenizers.
 */
@NullMarked
package dev.come.vocabulary;

import org.jspecify.annotations.NullMarked;
