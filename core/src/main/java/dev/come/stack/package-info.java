/**
 * Recipes and how they become weights. A pruned model is a list of recipes over the layers of a checkpoint; the arithmetic of
 * merging lives here and only here.
 */
@NullMarked
package dev.come.stack;

import org.jspecify.annotations.NullMarked;
