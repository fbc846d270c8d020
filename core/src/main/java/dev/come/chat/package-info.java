/** Conversations as texts: the chat templates of models, as far as they can be rendered exactly as transformers renders them. */
@NullMarked
package dev.come.chat;

import org.jspecify.annotations.NullMarked;
