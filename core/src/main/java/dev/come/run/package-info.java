/** Running layers over tokens: chunks, states kept or spilled, shared prefixes, and the losses of whole stacks. */
@NullMarked
package dev.come.run;

import org.jspecify.annotations.NullMarked;
