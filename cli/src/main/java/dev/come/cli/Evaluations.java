package dev.come.cli;

import dev.come.evaluate.Divergence;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.EvaluationReport.Average;
import dev.come.evaluate.EvaluationReport.Compared;
import dev.come.evaluate.EvaluationReport.Measured;
import dev.come.evaluate.Perplexity;
import dev.come.evaluate.TaskResult;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** Shows what was measured on a model, and on one beside it. */
final class Evaluations {
    private Evaluations() {
    }

    static void print(EvaluationReport report, PrintWriter out) {
        List<TaskResult> tasks = shown(report.model());
        if (!tasks.isEmpty()) {
            tasks(report, tasks, out);
        }
        if (!report.model().perplexities().isEmpty()) {
            if (!tasks.isEmpty()) {
                out.println();
            }
            perplexities(report, out);
        }
        report.compared().ifPresent(compared -> {
            out.println();
            divergences(compared, out);
        });
        if (report.baseline().isPresent() && !report.averages().isEmpty()) {
            out.println();
        }
        for (Average average : report.averages()) {
            String what = average.metric() + " (" + average.tasks() + (average.tasks() == 1 ? " task)" : " tasks)");
            if (average.retained().isPresent()) {
                out.printf(Locale.ROOT, "Retained: %.1f %% of the baseline's average of %s.%n",
                        100 * average.retained().getAsDouble(), what);
            } else if (average.baseline().isPresent()) {
                out.println("Retained: no share, since the baseline's average of " + what + " is 0.");
            }
        }
        out.flush();
    }

    /** Tasks that are part of no group, and groups with their parts. */
    private static List<TaskResult> shown(Measured model) {
        List<TaskResult> shown = new ArrayList<>(
                model.results().tasks().stream().filter(task -> task.group().isEmpty()).toList());
        shown.addAll(model.results().groups());
        return shown;
    }

    private static void tasks(EvaluationReport report, List<TaskResult> tasks, PrintWriter out) {
        boolean compared = report.baseline().isPresent();
        Table table = table(compared, "task", "metric", "value", "error");
        for (int i = 0; i < tasks.size(); i++) {
            TaskResult task = tasks.get(i);
            int index = i;
            boolean first = true;
            for (String metric : task.values().keySet()) {
                OptionalDouble other = report.baseline().stream()
                        .map(baseline -> shown(baseline).get(index).values().get(metric)).filter(Objects::nonNull)
                        .mapToDouble(Double::doubleValue).findFirst();
                Double error = task.errors().get(metric);
                String name = (task.group().isEmpty() ? "" : "  ") + task.task();
                row(table, compared, task.values().get(metric), other, first ? name : "",
                        metric.replace("exact_match,", "match, "), decimals(task.values().get(metric)),
                        error == null ? "" : "± " + decimals(error));
                first = false;
            }
        }
        for (Average average : report.averages()) {
            row(table, compared, average.value(), average.baseline(), "average",
                    average.metric().startsWith("acc_norm") ? "acc_norm" : average.metric(), decimals(average.value()),
                    "");
        }
        out.println(table);
        out.println();
        tasks.stream().collect(Collectors.groupingBy(TaskResult::shots, LinkedHashMap::new,
                Collectors.mapping(task -> task.task() + " " + task.version() + " (" + task.documents() + ")",
                        Collectors.joining(", "))))
                .forEach((shots, versions) -> out.println(
                        "Version and documents, with " + shots + " solved examples in front: " + versions + "."));
    }

    private static void perplexities(EvaluationReport report, PrintWriter out) {
        boolean compared = report.baseline().isPresent();
        Table table = table(compared, "", "windows", "value");
        Metrics metrics = new Metrics(report.model().perplexities().stream().map(Perplexity::metric).toList());
        for (int i = 0; i < report.model().perplexities().size(); i++) {
            Perplexity perplexity = report.model().perplexities().get(i);
            int index = i;
            OptionalDouble other = report.baseline()
                    .map(baseline -> OptionalDouble.of(baseline.perplexities().get(index).value()))
                    .orElse(OptionalDouble.empty());
            row(table, compared, perplexity.value(), other, metrics.label(perplexity.metric()),
                    "" + perplexity.windowLosses().size(), decimals(perplexity.value()));
        }
        PrunedModels.print(table, metrics, out);
    }

    private static void divergences(Compared compared, PrintWriter out) {
        Table table = new Table("", "tokens", "mean", "99 %", "largest", "same top", "log ppl", "error");
        Metrics metrics = new Metrics(compared.divergences().stream().map(Divergence::metric).toList());
        for (Divergence divergence : compared.divergences()) {
            table.row("text " + (1 + metrics.names().indexOf(divergence.metric())),
                    String.format(Locale.ROOT, "%,d", divergence.tokens()),
                    decimals(divergence.mean()), decimals(divergence.percentile99()), decimals(divergence.maximum()),
                    String.format(Locale.ROOT, "%.2f %%", 100 * divergence.sameTop()),
                    String.format(Locale.ROOT, "%+.4f", divergence.logPerplexityDifference()),
                    divergence.standardError().isPresent()
                            ? "± " + decimals(divergence.standardError().getAsDouble())
                            : "");
        }
        out.println(table);
        out.println();
        out.println("KL divergence of next tokens from " + compared.about().get("name").asString()
                + ": mean, 99th percentile, largest. Same top: tokens with the same");
        out.println("likeliest next one. Log ppl: difference in log perplexity, with its error.");
        for (int i = 0; i < metrics.names().size(); i++) {
            out.println("Text " + (i + 1) + ": " + metrics.names().get(i) + ".");
        }
    }

    private static Table table(boolean compared, String... headings) {
        List<String> all = new ArrayList<>(List.of(headings));
        if (compared) {
            all.addAll(List.of("baseline", "change"));
        }
        return new Table(all.toArray(String[]::new));
    }

    private static void row(Table table, boolean compared, double value, OptionalDouble other, String... cells) {
        List<String> all = new ArrayList<>(List.of(cells));
        if (compared) {
            all.add(decimals(other.orElseThrow()));
            all.add(String.format(Locale.ROOT, "%+.4f", value - other.orElseThrow()));
        }
        table.row(all.toArray(String[]::new));
    }

    private static String decimals(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
