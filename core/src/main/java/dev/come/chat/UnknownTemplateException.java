package dev.come.chat;

/** A template asks for what is not known here, or fails as it would in Python; says what, without the file. */
final class UnknownTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    UnknownTemplateException(String message) {
        super(message);
    }
}
