package dev.come.checkpoint;

/** A tensor is stored in a type that is none of {@link DType}. */
final class UnknownTypeException extends CheckpointException {
    private static final long serialVersionUID = 1L;

    UnknownTypeException(String message) {
        super(message);
    }
}
