package dev.come.cli;

import dev.come.ByteSize;
import dev.come.report.Comparison;
import dev.come.report.Comparison.Row;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;

/** Shows what several methods made of a model. */
final class Comparisons {
    private Comparisons() {
    }

    static void print(Comparison comparison, Path folder, Duration total, PrintWriter out) {
        List<String> metrics = List.copyOf(comparison.densePerplexities().keySet());
        Metrics named = new Metrics(metrics);
        List<String> head = new ArrayList<>(List.of("", "layers"));
        boolean losses = comparison.denseLoss().isPresent();
        if (losses) {
            head.add("loss");
        }
        head.addAll(named.labels());
        head.addAll(List.of("time", "memory"));
        Table table = new Table(head.toArray(String[]::new));
        List<String> dense = new ArrayList<>(List.of("dense", "" + comparison.layers()));
        if (losses) {
            dense.add(decimals(comparison.denseLoss()));
        }
        comparison.densePerplexities().values().forEach(value -> dense.add(PrunedModels.decimals(value)));
        dense.addAll(List.of("", ""));
        table.row(dense.toArray(String[]::new));
        List<Row> done = comparison.rows().stream().filter(row -> row.failure().isEmpty()).toList();
        OptionalDouble least = done.stream().mapToDouble(row -> judged(row, metrics)).filter(Double::isFinite).min();
        for (Row row : done) {
            boolean best = done.size() > 1 && least.isPresent() && judged(row, metrics) == least.getAsDouble();
            List<String> cells = new ArrayList<>(List.of(row.method() + (best ? " *" : ""), "" + row.layersLeft()));
            if (losses) {
                cells.add(decimals(row.loss()));
            }
            metrics.forEach(metric -> cells.add(row.perplexities().containsKey(metric)
                    ? PrunedModels.decimals(row.perplexities().getOrDefault(metric, Double.NaN))
                    : ""));
            cells.add(row.choosing().isZero() ? "before" : Units.time(row.choosing()));
            cells.add(row.peakBytes().isPresent() ? ByteSize.format(row.peakBytes().getAsLong()) : "");
            table.row(cells.toArray(String[]::new));
        }
        out.println(table);
        out.println();
        if (losses) {
            out.println("Loss: nats for each token of the calibration text, " + comparison.lossName() + ".");
        }
        named.legend(out);
        if (done.size() > 1 && least.isPresent()) {
            out.println("*: the least " + (metrics.isEmpty() ? "loss" : named.labels().getFirst()) + ".");
        }
        out.println(
                "Time and memory are those of choosing the layers; what methods share counts for the first of them.");
        out.println();
        int width = done.stream().mapToInt(row -> row.method().length()).max().orElse(0);
        done.forEach(row -> out.printf("%-" + width + "s  %s%n", row.method(), row.tree()));
        out.println();
        out.println("Time: " + Units.time(total) + " in all.");
        done.forEach(row -> out.println("Model:  " + folder.resolve(row.method())));
        out.println("Table:  " + folder.resolve(Comparison.JSON_NAME) + ", " + folder.resolve(Comparison.CSV_NAME));
    }

    /** The number that says which row is best: the first perplexity, or the loss if there is none. */
    private static double judged(Row row, List<String> metrics) {
        return metrics.isEmpty()
                ? row.loss().orElse(Double.NaN)
                : row.perplexities().getOrDefault(metrics.getFirst(), Double.NaN);
    }

    private static String decimals(OptionalDouble value) {
        return value.isPresent() ? String.format(Locale.ROOT, "%.3f", value.getAsDouble()) : "";
    }
}
