@NullMarked
package dev.come.gguf;

import org.jspecify.annotations.NullMarked;
