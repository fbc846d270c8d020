/** Named tensors that compute: configuration, families, decoder layers. */
@NullMarked
package dev.come.model;

import org.jspecify.annotations.NullMarked;
