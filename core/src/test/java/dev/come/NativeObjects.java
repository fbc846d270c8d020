package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.javacpp.Pointer;

/**
 * Counts the native objects that Java code holds, tensors with their memory above all: those that are retained, and those
 * that were dropped without being closed and wait for the garbage collector. Bytes are not counted, because the compiler of
 * the JVM takes and gives back more of them than a test can see through.
 */
public final class NativeObjects {
    private static final int WARM_UP = 20;
    private static final int STEPS = 200;

    private NativeObjects() {
    }

    /** Does the step 200 times and checks that no native object is held more than before. */
    public static void assertSteady(Runnable step) {
        for (int i = 0; i < WARM_UP; i++) {
            step.run();
        }
        System.gc(); // what other tests have dropped
        long before = Pointer.totalCount();
        for (int i = 1; i <= STEPS; i++) {
            step.run();
            // After each step: the garbage collector may come at any time and hide what was dropped.
            assertThat(Pointer.totalCount() - before).as("native objects kept by steps 1 to " + i)
                    .isLessThanOrEqualTo(0);
        }
    }
}
