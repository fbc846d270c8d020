package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.UsageException;
import dev.come.run.TokenChunks;
import dev.come.text.Sequences;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTests {
    @Test
    void theRateRisesEvenlyAndFallsAlongACosine() {
        Schedule schedule = new Schedule(Schedule.Shape.COSINE, 1, 0.3);
        double[] rates = IntStream.range(0, 10).mapToDouble(step -> schedule.at(step, 10)).toArray();
        double[] expected = {0.25, 0.5, 0.75, 1, 0.950, 0.812, 0.611, 0.389, 0.188, 0.0495};
        for (int step = 0; step < 10; step++) {
            assertThat(rates[step]).as("step " + step).isCloseTo(expected[step], within(1e-3));
        }
    }

    @Test
    void aConstantRateStays() {
        Schedule schedule = new Schedule(Schedule.Shape.CONSTANT, 0.1, 0);
        assertThat(schedule.at(0, 5)).isEqualTo(0.1);
        assertThat(schedule.at(4, 5)).isEqualTo(0.1);
    }

    @Test
    void aShareThatDividesTheStepsEvenlyGivesThatManySteps() {
        for (int hundredths = 0; hundredths < 100; hundredths++) {
            Schedule schedule = new Schedule(Schedule.Shape.COSINE, 1, hundredths / 100.0);
            assertThat(schedule.at(hundredths, 100)).as(hundredths + " of 100 steps rise").isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0.1, learning rate", "-1, 0.1, learning rate", "1, 1, --warmup", "1, -0.1, --warmup",
        "NaN, 0, learning rate"})
    void impossibleRatesAreRefused(double peak, double warmUp, String message) {
        assertThatThrownBy(() -> new Schedule(Schedule.Shape.COSINE, peak, warmUp)).isInstanceOf(UsageException.class)
                .hasMessageContaining(message);
    }

    private static TokenChunks chunks(int... lengths) {
        return TokenChunks.of(Sequences.of(IntStream.of(lengths).mapToObj(int[]::new).toList()), 1);
    }

    @Test
    void batchesTakeEveryChunkOnceBeforeAnyTwiceAndNoneForValidation() {
        TokenChunks chunks = chunks(10, 20, 30, 5, 5, 10, 1000);
        Batches batches = Batches.of(chunks, 6, 120, 30, 7);
        List<Integer> order = batches.steps().stream().flatMap(List::stream).toList();
        assertThat(order.subList(0, 6)).containsExactlyInAnyOrder(0, 1, 2, 3, 4, 5);
        assertThat(order.stream().mapToInt(chunk -> chunks.get(chunk).tokens().length).sum()).isBetween(120, 149);
        assertThat(batches.steps()).allSatisfy(batch -> assertThat(
                batch.stream().mapToInt(chunk -> chunks.get(chunk).tokens().length).sum()).isLessThanOrEqualTo(30));
        assertThat(Batches.of(chunks, 6, 120, 30, 7)).isEqualTo(batches);
        assertThat(Batches.of(chunks, 6, 120, 30, 8)).isNotEqualTo(batches);
    }

    @Test
    void aChunkThatIsLargerThanABatchIsABatch() {
        assertThat(Batches.of(chunks(100, 100), 2, 200, 10, 1).steps()).hasSize(2)
                .allSatisfy(batch -> assertThat(batch).hasSize(1));
    }
}
