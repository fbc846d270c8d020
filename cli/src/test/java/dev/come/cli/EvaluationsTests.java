package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.evaluate.Evaluation.Results;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Measured;
import dev.come.evaluate.TaskResult;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.JsonNodeFactory;

class EvaluationsTests {
    @Test
    void whatIsLeftOfTheBaselineIsAShare() {
        EvaluationReport report = report(0.25, 0.5);
        assertThat(printed(report)).contains("Retained: 50.0 % of the baseline's average of acc (1 task).");
        assertThat(report.toJson()).contains("\"retained\" : 0.5");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.25, 0"})
    void ofABaselineOfZeroThereIsNoShare(double model, double baseline) {
        EvaluationReport report = report(model, baseline);
        assertThat(printed(report)).contains("Retained: no share, since the baseline's average of acc (1 task) is 0.")
                .doesNotContain("NaN", "Infinity");
        assertThat(report.toJson()).contains("\"baseline\" : 0.0").doesNotContain("retained", "NaN", "Infinity");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "NaN, 1", "1, NaN", "Infinity, Infinity", "Infinity, 1"})
    void aChangeThatNoNumberTellsIsLeftEmpty(double after, double before) {
        assertThat(PrunedModels.percent(after, before)).isEmpty();
    }

    /** The longest name of a task that comes with the project. */
    @Test
    void tablesFitAnOrdinaryTerminal() {
        String printed = printed(report("mmlu_high_school_macroeconomics", 0.25, 0.5));
        assertThat(printed.lines().limit(3)).allMatch(line -> line.length() <= 80);
        assertThat(printed).contains(
                "Version and documents, with 0 solved examples in front: mmlu_high_school_macroeconomics 2.0 (4).");
    }

    private static String printed(EvaluationReport report) {
        StringWriter out = new StringWriter();
        Evaluations.print(report, new PrintWriter(out));
        return out.toString();
    }

    private static EvaluationReport report(double model, double baseline) {
        return report("boolq", model, baseline);
    }

    private static EvaluationReport report(String task, double model, double baseline) {
        return new EvaluationReport(JsonNodeFactory.instance.objectNode(), measured(task, model), Optional.empty(),
                Optional.of(measured(task, baseline)));
    }

    private static Measured measured(String name, double accuracy) {
        TaskResult task = new TaskResult(name, "2.0", "validation", 0, 4, List.of(), "",
                new LinkedHashMap<>(Map.of("acc", accuracy)), Map.of());
        return new Measured(JsonNodeFactory.instance.objectNode(),
                new Results(List.of(task), List.of(), 128, 0, List.of()),
                List.of());
    }
}
