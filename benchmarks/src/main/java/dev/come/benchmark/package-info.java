/** Measures how fast this project is: its layers against what they are made of, and its command against the authors'. */
@NullMarked
package dev.come.benchmark;

import org.jspecify.annotations.NullMarked;
