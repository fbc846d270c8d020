/** Texts that a whole model in memory writes: how the next token is chosen, and many texts side by side. */
@NullMarked
package dev.come.generate;

import org.jspecify.annotations.NullMarked;
