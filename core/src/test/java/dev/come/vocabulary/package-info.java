@NullMarked
package dev.come.vocabulary;

import org.jspecify.annotations.NullMarked;
