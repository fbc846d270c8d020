package dev.come.failure;

import org.jspecify.annotations.Nullable;

/** Throws on what was thrown somewhere else, by another thread above all. */
public final class Thrown {
    private Thrown() {
    }

    /**
     * Throws an error as it is; to be used as {@code throw Thrown.again(failure)}.
     *
     * @return an unchecked exception as it is; any other as the cause of one
     */
    public static RuntimeException again(@Nullable Throwable failure) {
        return switch (failure) {
            case Error error -> throw error;
            case RuntimeException exception -> exception;
            case null, default -> new IllegalStateException(failure);
        };
    }
}
