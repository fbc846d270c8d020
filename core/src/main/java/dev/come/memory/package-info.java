/** Memory outside the Java heap: who owns a native object, and what the allocator gives back. */
@NullMarked
package dev.come.memory;

import org.jspecify.annotations.NullMarked;
