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
        List<String> head = new ArrayList<>(List.of("", "layers"));
        boolean losses = comparison.denseLoss().isPresent();
        if (losses) {
            head.add("loss");
        }
        for (int i = 0; i < metrics.size(); i++) {
            head.add(metrics.size() == 1 ? "perplexity" : "perplexity " + (i + 1));
        }
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
        for (Row row : done) {
            List<String> cells = new ArrayList<>(List.of(row.method(), "" + row.layersLeft()));
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
        for (int i = 0; i < metrics.size(); i++) {
            out.println((metrics.size() == 1 ? "Perplexity: " : "Perplexity " + (i + 1) + ": ") + metrics.get(i) + ".");
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

    private static String decimals(OptionalDouble value) {
        return value.isPresent() ? String.format(Locale.ROOT, "%.3f", value.getAsDouble()) : "";
    }
}
