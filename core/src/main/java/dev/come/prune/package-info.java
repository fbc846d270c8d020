/** Which layers go: one file per method, each reads like the algorithm of its paper. */
@NullMarked
package dev.come.prune;

import org.jspecify.annotations.NullMarked;
