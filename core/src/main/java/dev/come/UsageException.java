package dev.come;

/** An option has a value that it cannot have, alone or with the others (exit code 2). */
public class UsageException extends ComeException {
    private static final long serialVersionUID = 1L;

    public UsageException(String message) {
        super(message);
    }
}
