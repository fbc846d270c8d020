/** The command: options, progress bars and exit codes; no algorithm lives here. */
@NullMarked
package dev.come.cli;

import org.jspecify.annotations.NullMarked;
