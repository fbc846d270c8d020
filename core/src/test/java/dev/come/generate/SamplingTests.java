package dev.come.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SamplingTests {
    /** The plain twin: all tokens are put in order, and everything is added up from the likeliest on. */
    private static int plain(float[] logits, Sampling how, SplittableRandom random) {
        List<Integer> order = IntStream.range(0, logits.length).boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> logits[i]).reversed()).toList();
        float largest = logits[order.getFirst()];
        double[] weights = new double[logits.length];
        double all = 0;
        for (int i = 0; i < logits.length; i++) {
            weights[i] = Math.exp(((double) logits[i] - largest) / how.temperature());
            all += weights[i];
        }
        List<Integer> among = how.topK() == 0 ? order : order.subList(0, Math.min(how.topK(), order.size()));
        double whole = how.topK() == 0 ? all : 0;
        for (int token : how.topK() == 0 ? List.<Integer>of() : among) {
            whole += weights[token];
        }
        int count = 0;
        double kept = 0;
        while (count < among.size() && kept < how.topP() * whole) {
            kept += weights[among.get(count++)];
        }
        if (how.topK() == 0 && how.topP() == 1) {
            count = among.size();
            kept = all;
        }
        double share = random.nextDouble();
        double until = 0;
        for (int token : among.subList(0, count)) {
            until += weights[token];
            if (share * kept < until) {
                return token;
            }
        }
        return among.get(count - 1);
    }

    /** Logits from flat, where every token matters, to steep, where one does; some are equal. */
    @ParameterizedTest
    @CsvSource({"1, 0, 1", "1, 0, 0.95", "0.7, 40, 1", "2, 500, 0.9", "1, 5000, 1", "1, 1, 1", "0.01, 0, 0.5",
        "100, 0, 1", "100, 0, 0.999999", "1, 0, 1e-12"})
    void aDrawIsThatOfThePlainTwin(double temperature, int topK, double topP) {
        long seed = 20_261_201;
        Random numbers = new Random(seed);
        for (int round = 0; round < 300; round++) {
            double spread = Math.pow(10, numbers.nextDouble() * 3 - 1);
            float[] logits = new float[1 + numbers.nextInt(3000)];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = Math.round(numbers.nextGaussian() * spread * 8) / 8f;
            }
            Sampling how = new Sampling(1, temperature, topK, topP, round);
            assertThat(how.choose(logits, new SplittableRandom(round))).as("seed %s, round %s", seed, round)
                    .isEqualTo(plain(logits, how, new SplittableRandom(round)));
        }
    }
}
