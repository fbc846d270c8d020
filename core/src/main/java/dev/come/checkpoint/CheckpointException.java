package dev.come.checkpoint;

import dev.come.InvalidInputException;

/**
 * A file of a model folder is missing, broken or of a kind that cannot be read; the message names file and tensor or
 * key.
 */
public class CheckpointException extends InvalidInputException {
    private static final long serialVersionUID = 1L;

    public CheckpointException(String message) {
        super(message);
    }

    public CheckpointException(String message, Throwable cause) {
        super(message, cause);
    }
}
