package dev.come.hub;

/** Which way content goes, as far as messages differ. */
enum Transfer {
    DOWNLOAD("The download was interrupted", "set HF_ENDPOINT to a mirror; what was downloaded is kept"), UPLOAD(
            "The upload was interrupted", "try again later; what was sent is kept");

    private static final String GO_ON = "the same command goes on from there";

    private final String interrupted;
    private final String advice;

    Transfer(String interrupted, String advice) {
        this.interrupted = interrupted;
        this.advice = advice;
    }

    /** What to say when it was interrupted. */
    String interrupted() {
        return interrupted + "; " + GO_ON;
    }

    /** What to do when a server cannot be reached, after an "or". */
    String advice() {
        return advice + ", and " + GO_ON;
    }
}
