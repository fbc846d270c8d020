/** Programs that use the library. Each takes a folder to work in; docs/java.md shows them. */
@NullMarked
package dev.come.examples;

import org.jspecify.annotations.NullMarked;
