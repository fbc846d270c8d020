package dev.come.distill;

/** What several tests need. */
final class DistillationFixtures {
    private DistillationFixtures() {
    }

    /** The length of the difference of two vectors as a part of the length of the one that is expected. */
    static double apart(double[] found, double[] expected) {
        double apart = 0;
        double length = 0;
        for (int i = 0; i < expected.length; i++) {
            apart += Math.pow(found[i] - expected[i], 2);
            length += Math.pow(expected[i], 2);
        }
        return Math.sqrt(apart / length);
    }
}
