/**
 * The small model that lies inside this project: the stories that it was trained on, its tokenizer, and the training that
 * makes it again. It exists so that everything can be tried without a download.
 */
@NullMarked
package dev.come.demo;

import org.jspecify.annotations.NullMarked;
