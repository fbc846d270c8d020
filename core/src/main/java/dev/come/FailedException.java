package dev.come;

/** The work itself failed: a disk that is full, a folder that cannot be written, a value that is not finite (exit code 1). */
public class FailedException extends ComeException {
    private static final long serialVersionUID = 1L;

    public FailedException(String message) {
        super(message);
    }

    public FailedException(String message, Throwable cause) {
        super(message, cause);
    }
}
