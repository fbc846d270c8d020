/** What programs in Java use: the same jobs as the command, by the same code. */
@NullMarked
package dev.come.api;

import org.jspecify.annotations.NullMarked;
