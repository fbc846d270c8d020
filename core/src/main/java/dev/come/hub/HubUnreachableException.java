package dev.come.hub;

import dev.come.FailedException;

/** The hub does not answer, or will not for now; what the cache has may do. */
final class HubUnreachableException extends FailedException {
    private static final long serialVersionUID = 1L;

    HubUnreachableException(String message, Throwable cause) {
        super(message, cause);
    }
}
