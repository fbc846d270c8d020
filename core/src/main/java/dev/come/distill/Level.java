package dev.come.distill;

/** What is compared with the teacher. */
public enum Level {
    /** Each merged layer by itself: the teacher's states before it in, the teacher's states after it to be matched. */
    LAYER,
    /** The whole model on its own states: the probabilities of the next token. */
    MODEL,
    /** One after the other. */
    BOTH;

    /** Whether layers are trained by themselves. */
    public boolean hasLayers() {
        return this != MODEL;
    }

    /** Whether the whole model is trained. */
    public boolean hasModel() {
        return this != LAYER;
    }
}
