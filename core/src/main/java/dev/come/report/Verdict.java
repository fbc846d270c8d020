package dev.come.report;

import dev.come.prune.PruningPlan;
import dev.come.report.EvalFile.Distance;
import dev.come.report.EvalFile.Mean;
import dev.come.report.LatencyFile.Range;
import dev.come.report.Report.Fact;
import dev.come.report.ReportSources.Pruned;
import dev.come.report.Stage.Measured;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** The few numbers that tell what a result is worth. */
record Verdict(ReportSources sources) {
    /** The numbers that are known, in the order of the page. */
    List<Fact> facts() {
        List<Fact> facts = new ArrayList<>();
        sources.lastPruned().ifPresent(result -> {
            facts.add(layers(result.plan()));
            parameters(result).ifPresent(facts::add);
            facts.addAll(perplexities(sources.measured()));
        });
        sources.comparisons().forEach(compared -> facts.addAll(best(compared.comparison())));
        for (LatencyFile file : sources.latencies()) {
            if (file.models().size() > 1) {
                Range prompt = new SpeedBars(file).speedUp(false);
                facts.add(new Fact("Speed", String.format(Locale.ROOT, "%.2f×", prompt.median()),
                        String.format(Locale.ROOT, "%.2f to %.2f, prompts", prompt.least(), prompt.most())));
            }
        }
        sources.evaluations().forEach(file -> facts.addAll(evaluation(file)));
        return facts;
    }

    private static Fact layers(PruningPlan plan) {
        return new Fact("Layers", plan.last().size() + " of " + plan.layers(),
                Figures.percent(plan.last().size(), plan.layers()));
    }

    private static Optional<Fact> parameters(Pruned result) {
        long dense = result.plan().settings().path("model").path("parameters").asLong(0);
        if (result.parameters().isEmpty()) {
            return Optional.empty();
        }
        long left = result.parameters().getAsLong();
        return Optional.of(new Fact("Parameters", Figures.size(left),
                dense > 0 ? Figures.percent((double) left, (double) dense) + ", were " + Figures.size(dense) : ""));
    }

    private static List<Fact> perplexities(List<Measured> measured) {
        List<Fact> facts = new ArrayList<>();
        for (String metric : measured.stream().map(Measured::metric).distinct().toList()) {
            List<Measured> ofMetric = measured.stream().filter(one -> one.metric().equals(metric)).toList();
            int least = ofMetric.stream().mapToInt(Measured::layers).min().orElse(0);
            Optional<Measured> last = ofMetric.stream()
                    .filter(one -> one.layers() == least && one.stage() != Stage.DENSE)
                    .max((one, other) -> one.stage().compareTo(other.stage()));
            Optional<Measured> dense = Stage.find(ofMetric, Stage.DENSE, metric);
            if (last.isEmpty()) {
                continue;
            }
            List<String> before = new ArrayList<>();
            if (last.get().logError().isPresent()) {
                before.add(last.get().error().strip());
            }
            dense.ifPresent(one -> before.add("dense " + Figures.decimals(one.value()) + " ("
                    + Figures.percent(last.get().value(), one.value()) + ")"));
            ofMetric.stream()
                    .filter(one -> one.layers() == least && one.stage() != Stage.DENSE && !one.equals(last.get()))
                    .forEach(one -> before.add(one.stage().word() + " " + Figures.decimals(one.value())));
            facts.add(new Fact("Perplexity, " + last.get().stage().word(),
                    Figures.decimals(last.get().value()), String.join(", ", before)));
        }
        return facts;
    }

    private static List<Fact> best(Comparison comparison) {
        List<Comparison.Row> done = new TimeChart(comparison).done();
        List<Fact> facts = new ArrayList<>();
        facts.add(new Fact("Methods", "" + done.size(), comparison.rows().size() > done.size()
                ? comparison.rows().size() - done.size() + " more did not get there"
                : "all got there"));
        comparison.densePerplexities().forEach((metric, dense) -> done.stream()
                .filter(row -> row.perplexities().containsKey(metric))
                .min((one, other) -> Double.compare(one.perplexities().getOrDefault(metric, Double.NaN),
                        other.perplexities().getOrDefault(metric, Double.NaN)))
                .ifPresent(row -> facts.add(new Fact("Least perplexity",
                        Figures.decimals(row.perplexities().getOrDefault(metric, Double.NaN)),
                        row.method() + ", " + row.layersLeft() + " layers; dense " + Figures.decimals(dense)))));
        return facts;
    }

    private static List<Fact> evaluation(EvalFile file) {
        List<Fact> facts = new ArrayList<>();
        for (Mean mean : file.averages()) {
            if (mean.retained().isPresent() && mean.baseline().isPresent()) {
                String error = mean.differenceError().stream().mapToObj(value -> String.format(Locale.ROOT, "± %.1f; ",
                        100 * value / mean.baseline().getAsDouble())).findFirst().orElse("");
                facts.add(new Fact("Tasks retained, " + shortened(mean.metric()),
                        Figures.share(mean.retained().getAsDouble()),
                        error + Figures.share(mean.value()) + " of " + Figures.share(mean.baseline().getAsDouble())
                                + ", "
                                + mean.tasks() + " tasks"));
            } else {
                facts.add(new Fact("Mean of tasks, " + shortened(mean.metric()), Figures.share(mean.value()),
                        mean.tasks() + " tasks"));
            }
        }
        for (Distance distance : file.divergences()) {
            facts.add(new Fact("KL from " + file.comparedWith(), Figures.decimals(distance.mean()),
                    "nats a token; same likeliest token for " + Figures.share(distance.sameTop())));
        }
        return facts;
    }

    private static String shortened(String metric) {
        return metric.replaceAll(",.*", "");
    }
}
