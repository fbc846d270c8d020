package dev.come.job;

/**
 * What becomes of an interrupted run that lies beside the target. One rule holds for all jobs: a run goes on with it if both
 * have the same settings, and refuses to begin if they differ.
 */
public enum Resumption {
    /** Go on where there is something to go on from. */
    GO_ON,
    /** The same, and say so where there is nothing ({@code --resume}). */
    ASKED_FOR,
    /** Discard it and begin anew ({@code --restart}). */
    RESTART
}
