@NullMarked
package dev.come.text;

import org.jspecify.annotations.NullMarked;
