package dev.come.hub;

import java.io.IOException;

/** A server is there and answers, but sends something else than it told. */
final class WrongContentException extends IOException {
    private static final long serialVersionUID = 1L;

    WrongContentException(String message) {
        super(message);
    }
}
