package dev.come;

/** A file, a model or a data set that was given is not what it should be (exit code 3). */
public class InvalidInputException extends ComeException {
    private static final long serialVersionUID = 1L;

    public InvalidInputException(String message) {
        super(message);
    }

    public InvalidInputException(String message, Throwable cause) {
        super(message, cause);
    }
}
