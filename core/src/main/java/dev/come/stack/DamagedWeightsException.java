package dev.come.stack;

import dev.come.FailedException;

/** Weights hold NaN or infinity; the message names layer and tensor. */
public final class DamagedWeightsException extends FailedException {
    private static final long serialVersionUID = 1L;

    DamagedWeightsException(String message) {
        super(message);
    }
}
