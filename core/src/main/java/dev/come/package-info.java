/** Everything that makes a model smaller; each package below is one room (see ARCHITECTURE.md). */
@NullMarked
package dev.come;

import org.jspecify.annotations.NullMarked;
