/**
 * Whole jobs, from options to a folder on disk: what the commands do, for those who call it from Java.
 *
 * <p>Jobs that work for long stand on one frame: a {@code PrunedFolder} is checked to be what its plan makes, a
 * {@code RunFolder} holds the target for one run and keeps what is done, {@code RunSettings} say what the result depends on and
 * whether an interrupted run is gone on with, and a {@code CalibrationCache} takes each set of tokens once.
 */
@NullMarked
package dev.come.job;

import org.jspecify.annotations.NullMarked;
