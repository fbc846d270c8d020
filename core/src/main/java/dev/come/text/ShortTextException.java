package dev.come.text;

import dev.come.InvalidInputException;

/** A text is shorter than one window. */
final class ShortTextException extends InvalidInputException {
    private static final long serialVersionUID = 1L;

    ShortTextException(String message) {
        super(message);
    }
}
