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
        out.println("Layers: " + plan.last().tree());
        out.printf("Time: %s, of it %s to choose the layers%s; computed in %s", Units.time(total),
                Units.time(result.choosing()),
                result.healing().isZero() ? "" : " and " + Units.time(result.healing()) + " to heal them",
                result.dtype());
        Machine.peakResidentBytes()
                .ifPresent(bytes -> out.printf("; at most %s of memory", ByteSize.format(bytes)));
        out.println(".");
        for (Path folder : result.folders()) {
            out.println("Model:  " + folder);
            out.println("Record: " + folder.resolve(PruningPlan.FILE_NAME));
        }
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
