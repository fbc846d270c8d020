/** What becomes of failures, errors among them: what was open is closed, and a shortage is told in one sentence. */
@NullMarked
package dev.come.failure;

import org.jspecify.annotations.NullMarked;
