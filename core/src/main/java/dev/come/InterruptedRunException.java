package dev.come;

/**
 * The thread that does a job was interrupted ({@link Thread#interrupt}), so the job ended early. The thread is still marked as
 * interrupted. Nothing is half written, and the same job with the same settings goes on from what was kept.
 */
public class InterruptedRunException extends FailedException {
    private static final long serialVersionUID = 1L;
    private static final String MESSAGE = "The run was interrupted before its end; the same run with the same settings goes on"
            + " from what was kept";

    public InterruptedRunException() {
        super(MESSAGE);
    }

    public InterruptedRunException(Throwable cause) {
        super(MESSAGE, cause);
    }
}
