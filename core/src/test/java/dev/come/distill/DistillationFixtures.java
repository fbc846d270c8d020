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

    /** Options with defaults for small models; tests set what they are about. */
    static final class Settings {
        Level level = Level.BOTH;
        Objective objective = Objective.KL;
        double temperature = 1;
        long tokens = 640;
        long modelTokens = 640;
        long batchTokens = 64;
        double rate = 1e-3;
        double modelRate = 1e-3;
        double weightDecay;
        double clip = 1;
        TrainedParts trained = TrainedParts.MERGED;
        double hiddenWeight;
        double crossEntropyWeight;
        int evaluateEvery = 3;

        DistillationOptions options() {
            return new DistillationOptions(level, objective, temperature, tokens, modelTokens, 64, batchTokens,
                    new Schedule(Schedule.Shape.COSINE, rate, 0.1), new Schedule(Schedule.Shape.COSINE, modelRate, 0.1),
                    weightDecay, clip, trained, hiddenWeight, crossEntropyWeight, evaluateEvery, 10);
        }
    }
}
