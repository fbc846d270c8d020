/** What was done, for people to read: pages, the model card, and methods side by side. */
@NullMarked
package dev.come.report;

import org.jspecify.annotations.NullMarked;
