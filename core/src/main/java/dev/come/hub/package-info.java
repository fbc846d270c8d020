/**
 * Repositories of the Hugging Face hub, fetched into the cache that Python's {@code huggingface_hub} uses, so that both
 * share it. Nothing here knows what is in a file, except which files a model consists of, and nothing is ever executed.
 */
@NullMarked
package dev.come.hub;

import org.jspecify.annotations.NullMarked;
