/** Memory outside the Java heap: who owns a native object, what the allocator gives back, and what native libraries are told. */
@NullMarked
package dev.come.memory;

import org.jspecify.annotations.NullMarked;
