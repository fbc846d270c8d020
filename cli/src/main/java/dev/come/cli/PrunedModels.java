package dev.come.cli;

import dev.come.ByteSize;
import dev.come.job.Machine;
import dev.come.job.PruneJob;
import dev.come.prune.Measurement;
import dev.come.prune.PruningPlan;
import dev.come.report.Figures;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Function;
import java.util.stream.Stream;

/** Shows what became of a model. */
final class PrunedModels {
    private PrunedModels() {
    }

    static void print(PruneJob.Result result, Duration total, PrintWriter out) {
        PruningPlan plan = result.plan();
        List<Integer> measured = plan.evaluations().stream().map(Measurement::layers)
                .filter(layers -> layers != plan.layers()).distinct().toList();
        if (measured.size() <= 1) {
            beforeAndAfter(result, out);
        } else {
            everyStep(result, out);
        }
        out.println();
        printMade(plan, "%s, of it %s to choose the layers%s".formatted(Units.time(total),
                Units.time(result.choosing()),
                result.healing().isZero() ? "" : " and " + Units.time(result.healing()) + " to heal them"),
                result.dtype(), result.folders(), out);
    }

    /**
     * What all that make a model say at the end.
     *
     * @param time how long it took, and which part of it took how long
     * @param folders of the models that were made
     */
    static void printMade(PruningPlan plan, String time, String dtype, List<Path> folders, PrintWriter out) {
        out.println("Layers: " + plan.last().tree());
        out.printf("Time: %s; computed in %s", time, dtype);
        Machine.peakResidentBytes()
                .ifPresent(bytes -> out.printf("; at most %s of memory", ByteSize.format(bytes)));
        out.println(".");
        for (Path folder : folders) {
            out.println("Model:  " + folder);
            out.println("Record: " + folder.resolve(PruningPlan.FILE_NAME));
        }
    }

    /**
     * What was measured on the model as it was and on its way; nothing where nothing was measured.
     *
     * @param way what was measured before each stage, by the name of what it was measured on
     * @param last what the model is after the last stage
     */
    static void printPerplexities(PruningPlan plan, SequencedMap<String, List<Measurement>> way, String last,
            PrintWriter out) {
        List<String> measured = way.lastEntry().getValue().stream().map(Measurement::metric).toList();
        if (measured.isEmpty()) {
            return;
        }
        Table table = new Table(Stream.of(Stream.of("", "dense"), way.keySet().stream(), Stream.of(last))
                .flatMap(Function.identity()).toArray(String[]::new));
        Metrics metrics = new Metrics(measured);
        int layers = plan.last().size();
        for (String metric : measured) {
            table.row(Stream.of(
                    Stream.of(metrics.label(metric), cell(plan.evaluations(), metric, plan.layers())),
                    way.values().stream().map(stage -> cell(stage, metric, layers)),
                    Stream.of(cell(plan.evaluations(), metric, layers))).flatMap(Function.identity())
                    .toArray(String[]::new));
        }
        print(table, metrics, out);
        out.println();
    }

    private static String cell(List<Measurement> all, String metric, int layers) {
        return all.stream().filter(one -> one.metric().equals(metric) && one.layers() == layers).findFirst()
                .map(one -> decimals(one.value())).orElse("");
    }

    private static void beforeAndAfter(PruneJob.Result result, PrintWriter out) {
        PruningPlan plan = result.plan();
        Table table = new Table("", "dense", "pruned", "change");
        table.row("layers", "" + plan.layers(), "" + plan.last().size(),
                percent(plan.last().size(), plan.layers()));
        table.row("parameters", number(result.denseParameters()), number(result.parameters()),
                percent((double) result.parameters(), (double) result.denseParameters()));
        Metrics metrics = metrics(plan);
        for (String metric : metrics.names()) {
            double dense = value(plan, metric, plan.layers());
            double pruned = value(plan, metric, plan.last().size());
            table.row(metrics.label(metric), decimals(dense), decimals(pruned), percent(pruned, dense));
        }
        print(table, metrics, out);
    }

    private static void everyStep(PruneJob.Result result, PrintWriter out) {
        PruningPlan plan = result.plan();
        Metrics metrics = metrics(plan);
        String[] headings = Stream.concat(Stream.of("layers"), metrics.labels().stream()).toArray(String[]::new);
        Table table = new Table(headings);
        for (int layers : plan.evaluations().stream().map(Measurement::layers).distinct().toList()) {
            String[] cells = new String[headings.length];
            cells[0] = "" + layers;
            for (int i = 0; i < metrics.names().size(); i++) {
                cells[i + 1] = decimals(value(plan, metrics.names().get(i), layers));
            }
            table.row(cells);
        }
        print(table, metrics, out);
    }

    /** A table, and below it what was measured. */
    static void print(Table table, Metrics metrics, PrintWriter out) {
        out.println(table);
        if (!metrics.names().isEmpty()) {
            out.println();
            metrics.legend(out);
        }
    }

    private static Metrics metrics(PruningPlan plan) {
        return new Metrics(plan.evaluations().stream().map(Measurement::metric).toList());
    }

    private static double value(PruningPlan plan, String metric, int layers) {
        return plan.evaluations().stream()
                .filter(evaluation -> evaluation.metric().equals(metric) && evaluation.layers() == layers)
                .mapToDouble(Measurement::value).findFirst().orElseThrow();
    }

    private static String number(long value) {
        return Figures.whole(value);
    }

    static String decimals(double value) {
        return Figures.decimals(value);
    }

    /** The change; empty where there is none that a number tells, as from 0 or between values that are not finite. */
    static String percent(double after, double before) {
        return Figures.percent(after, before);
    }
}
