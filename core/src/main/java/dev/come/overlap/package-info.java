/** Whether a model was trained on what it is tested with: the same runs of words in both texts. */
@NullMarked
package dev.come.overlap;

import org.jspecify.annotations.NullMarked;
