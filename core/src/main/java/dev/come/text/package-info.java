/**
 * Text and tokens. The package has the tokenizer of a model, corpora and the sets of tokens that are cut from them, and
 * the two seeded generators that decide which rows of a corpus are taken.
 */
@NullMarked
package dev.come.text;

import org.jspecify.annotations.NullMarked;
