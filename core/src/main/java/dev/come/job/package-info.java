/** Whole jobs, from options to a folder on disk: what the commands do, for those who call it from Java. */
@NullMarked
package dev.come.job;

import org.jspecify.annotations.NullMarked;
