package dev.come;

/** The options are fine and the input is too, but no layer can be merged or removed under them (exit code 4). */
public class NothingToDoException extends ComeException {
    private static final long serialVersionUID = 1L;

    public NothingToDoException(String message) {
        super(message);
    }
}
