/**
 * Healing by distillation: layers that were merged learn to do what the layers did that they were made from.
 */
@NullMarked
package dev.come.distill;

import org.jspecify.annotations.NullMarked;
