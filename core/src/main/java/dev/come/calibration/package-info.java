/** What layers do on data: the measurements that pruning methods choose by, answered from a trace tree. */
@NullMarked
package dev.come.calibration;

import org.jspecify.annotations.NullMarked;
