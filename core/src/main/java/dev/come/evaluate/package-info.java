/** How good a model is: perplexity. */
@NullMarked
package dev.come.evaluate;

import org.jspecify.annotations.NullMarked;
