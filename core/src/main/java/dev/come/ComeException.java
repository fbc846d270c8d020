package dev.come;

/**
 * What a user can cause and mend. The message is one clear sentence that names the file, tensor, layer or option, what
 * was expected, what was found and what to do next; it is printed as it stands, without a stack trace.
 */
public abstract class ComeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** A message that is longer loses its middle: a file may have put names of any length into it. */
    private static final int LONGEST = 4000;

    protected ComeException(String message) {
        super(bounded(message));
    }

    protected ComeException(String message, Throwable cause) {
        super(bounded(message), cause);
    }

    private static String bounded(String message) {
        return message.length() <= LONGEST
                ? message
                : message.substring(0, LONGEST / 2) + " ... " + message.substring(message.length() - LONGEST / 4);
    }
}
