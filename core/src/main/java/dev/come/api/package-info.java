/**
 * What programs in Java use: the same jobs as the command, by the same code. {@link dev.come.api.Come} is where to begin; what
 * comes back are records.
 */
@NullMarked
package dev.come.api;

import org.jspecify.annotations.NullMarked;
