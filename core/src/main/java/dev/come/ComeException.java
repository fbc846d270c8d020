package dev.come;

/**
 * What a user can cause and mend. The message is one clear sentence that names the file, tensor, layer or option, what
 * was expected, what was found and what to do next; it is printed as it stands, without a stack trace.
 */
public abstract class ComeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    protected ComeException(String message) {
        super(message);
    }

    protected ComeException(String message, Throwable cause) {
        super(message, cause);
    }
}
