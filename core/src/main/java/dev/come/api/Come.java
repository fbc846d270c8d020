package dev.come.api;

import java.nio.file.Path;

/**
 * Where a program begins.
 *
 * <pre>{@code
 * PrunedModel small = Come.prune(Path.of("smollm2")).method("sleb").layers(21)
 *         .calibrateOn("wiki2").dataIn(Path.of("data")).saveTo(Path.of("small")).run();
 * }</pre>
 *
 * <p>What is not said is as on the command line. Every failure is a {@link dev.come.ComeException} with one sentence.
 */
public final class Come {
    private Come() {
    }

    /**
     * Makes a model smaller.
     *
     * @param model the folder of the dense model
     */
    public static Prune prune(Path model) {
        return new Prune(model);
    }
}
