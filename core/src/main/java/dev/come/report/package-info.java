/** What was done, for people to read. */
@NullMarked
package dev.come.report;

import org.jspecify.annotations.NullMarked;
