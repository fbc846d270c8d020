/** Shards of calibration tokens on the executors of an Apache Spark cluster. Core knows nothing of this room. */
@org.jspecify.annotations.NullMarked
package dev.come.spark;
