/** Closed-form healing: layers of a pruned stack are fitted to the states of the dense model, without gradients. */
@NullMarked
package dev.come.heal;

import org.jspecify.annotations.NullMarked;
