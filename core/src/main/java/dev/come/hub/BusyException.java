package dev.come.hub;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/** The server says that it cannot answer now (429, 5xx); trying again may help. */
final class BusyException extends IOException {
    private static final long serialVersionUID = 1L;

    private final transient Optional<Duration> wait;

    /** @param wait how long the server asks to be left alone ({@code Retry-After}) */
    BusyException(String message, Optional<Duration> wait) {
        super(message);
        this.wait = wait;
    }

    Optional<Duration> retryAfter() {
        return wait;
    }
}
