package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import dev.come.run.TokenChunks;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainingLoopTests {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"20, 0, 0 2 4 6 8 10 12 14 16 18 20", "25, 0, 0 3 6 9 12 15 18 21 24 25", "3, 0, 0 1 2 3",
        "25, 10, 0 10 20 25", "20, 10, 0 10 20", "5, 10, 0 5"})
    void validatesAtTheStartEverySoManyStepsAndAtTheEnd(int steps, int evaluateEvery, String expected) {
        TrainingSettings settings = new TrainingSettings();
        settings.evaluateEvery = evaluateEvery;
        TrainingLoop loop = new TrainingLoop(List.of(), new Constant(),
                TokenChunks.of(Sequences.windows(new int[8], 4), 4),
                new Batches(Collections.nCopies(steps, List.of(1))),
                new Schedule(Schedule.Shape.CONSTANT, 1e-3, 0), settings.options(),
                new TrainingFile(folder.resolve("training.state")));
        Curve curve = loop.run("nothing", Progress.NONE, Progress.NONE.begin("training", steps, "steps"));
        assertThat(curve.points()).extracting(point -> "" + point.step()).containsExactly(expected.split(" "));
        assertThat(curve.points().getLast().tokens()).isEqualTo(4L * steps);
    }

    /** A student whose loss nothing changes. */
    private static final class Constant implements TrainingLoop.Student {
        @Override
        public double addGradients(List<Integer> batch) {
            return 1;
        }

        @Override
        public Measures validate() {
            return new Measures(1, 0, 0, 0, Double.NaN, Double.NaN, Double.NaN);
        }
    }
}
