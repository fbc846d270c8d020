package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.evaluate.Document.Question;
import dev.come.evaluate.Evaluation.Results;
import dev.come.evaluate.Evaluation.Sample;
import dev.come.evaluate.PairedDifferences.Difference;
import dev.come.run.Continuation.Score;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class PairedDifferencesTests {
    /** Right or wrong by 1 or 0; the right choice is the second. */
    private static Results results(Map<String, String> answers, String group) {
        List<TaskResult> tasks = new ArrayList<>();
        List<Sample> samples = new ArrayList<>();
        answers.forEach((task, rights) -> {
            for (int i = 0; i < rights.length(); i++) {
                boolean right = rights.charAt(i) == '1';
                Question question = new Question(i, List.of("q"), List.of(" a", " b"), List.of("a", "b"), 1, List.of());
                samples.add(new Sample(task, new DocumentResult(question,
                        List.of(new Score(-1, false), new Score(right ? -0.5 : -2, false)))));
            }
            tasks.add(result(task, group, (double) rights.chars().filter(c -> c == '1').count() / rights.length()));
        });
        List<TaskResult> groups = group.isEmpty() ? List.of() : List.of(result(group, "", 0.5));
        return new Results(tasks, groups, 128, 0, samples);
    }

    private static TaskResult result(String task, String group, double value) {
        SequencedMap<String, Double> values = new LinkedHashMap<>();
        values.put("acc", value);
        return new TaskResult(task, "1", "test", 0, 1, List.of(), group, values, Map.of());
    }

    @Test
    void theErrorComesFromTheDifferencesOfSingleQuestions() {
        Results model = results(Map.of("t", "1100"), "");
        Results baseline = results(Map.of("t", "1110"), "");
        Difference difference = new PairedDifferences(model, baseline).of(model.tasks().getFirst(), "acc")
                .orElseThrow();
        // By hand: differences 0, 0, -1, 0; mean -1/4; sample variance (3 (1/4)^2 + (3/4)^2) / 3 = 1/4; error 1/2 / 2.
        assertThat(difference.mean()).isEqualTo(-0.25);
        assertThat(difference.error()).hasValue(0.25);
    }

    @Test
    void modelsThatAnswerAlikeDifferByNothingForSure() {
        Results model = results(Map.of("t", "10101"), "");
        Difference difference = new PairedDifferences(model, model).of(model.tasks().getFirst(), "acc").orElseThrow();
        assertThat(difference.mean()).isZero();
        assertThat(difference.error()).hasValue(0);
    }

    @Test
    void aGroupCountsEveryQuestionOfItsTasks() {
        Results model = results(Map.of("g_a", "11", "g_b", "0000"), "g");
        Results baseline = results(Map.of("g_a", "00", "g_b", "0000"), "g");
        Difference difference = new PairedDifferences(model, baseline).of(model.groups().getFirst(), "acc")
                .orElseThrow();
        // By hand: differences 1, 1, 0, 0, 0, 0; mean 1/3; variance (2 (2/3)^2 + 4 (1/3)^2) / 5 = 4/15.
        assertThat(difference.mean()).isCloseTo(1.0 / 3, within(1e-15));
        assertThat(difference.error().orElseThrow()).isCloseTo(Math.sqrt(4.0 / 15 / 6), within(1e-15));
    }

    @Test
    void theErrorOfAMeanOverTasksAddsTheirVariances() {
        Results model = results(Map.of("s", "1100", "t", "1100"), "");
        Results baseline = results(Map.of("s", "1110", "t", "1110"), "");
        assertThat(new PairedDifferences(model, baseline).errorOfMean(false).orElseThrow())
                .isCloseTo(Math.sqrt(2 * 0.25 * 0.25) / 2, within(1e-15));
    }

    @Test
    void perplexitiesHaveNone() {
        Results model = results(Map.of("t", "1"), "");
        PairedDifferences differences = new PairedDifferences(model, model);
        assertThat(Stream.of("word_perplexity", "bits_per_byte")
                .flatMap(metric -> differences.of(model.tasks().getFirst(), metric).stream())).isEmpty();
        assertThat(differences.of(model.tasks().getFirst(), "acc").orElseThrow().error()).isEmpty();
    }
}
