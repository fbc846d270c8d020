package dev.come.report;

import dev.come.prune.PruningPlan;
import dev.come.prune.PruningStep;
import dev.come.report.DataTable.Cell;
import dev.come.report.EvalFile.Distance;
import dev.come.report.EvalFile.Windows;
import dev.come.report.Report.Block;
import dev.come.report.Report.Chart;
import dev.come.report.Report.Pair;
import dev.come.report.Report.Section;
import dev.come.report.Report.Sentence;
import dev.come.report.Report.Shown;
import dev.come.report.ReportSources.Pruned;
import dev.come.report.Stage.Measured;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Makes the page of some results: which sections it has, in the order in which a person looks. */
public final class Reports {
    private final ReportSources sources;

    private Reports(ReportSources sources) {
        this.sources = sources;
    }

    /** The page of some results. */
    public static Report of(ReportSources sources) {
        Reports page = new Reports(sources);
        List<Section> sections = Stream.of(page.methods(), page.layers(), page.steps(), page.quality(), page.tasks(),
                page.healing(), page.latency(), new Provenance(sources).section())
                .filter(section -> !section.blocks().isEmpty()).toList();
        return new Report(page.title(), page.subtitle(), new Verdict(sources).facts(),
                new Cautions(sources).remarks(), sections);
    }

    private String title() {
        Optional<Pruned> last = sources.lastPruned();
        if (last.isPresent()) {
            PruningPlan plan = last.get().plan();
            return plan.settings().path("model").path("name").asString("") + ": " + plan.last().size() + " of "
                    + plan.layers() + " layers";
        }
        if (!sources.comparisons().isEmpty()) {
            Comparison comparison = sources.comparisons().getFirst().comparison();
            return comparison.rows().size() + " methods side by side";
        }
        if (!sources.evaluations().isEmpty()) {
            return sources.evaluations().getFirst().model().name() + ", measured";
        }
        return sources.latencies().isEmpty()
                ? ""
                : sources.latencies().getFirst().models().getLast().name() + ", timed";
    }

    private String subtitle() {
        Optional<Pruned> last = sources.lastPruned();
        if (last.isEmpty()) {
            return sources.comparisons().isEmpty()
                    ? ""
                    : sources.comparisons().getFirst().comparison().layers() + " layers before";
        }
        JsonNode settings = last.get().plan().settings();
        List<String> words = new ArrayList<>(List.of(settings.path("method").asString("")));
        if (settings.has(PruningPlan.HEALING)) {
            words.add("healed in closed form");
        }
        if (settings.has(PruningPlan.DISTILLATION)) {
            words.add("trained by the dense model");
        }
        JsonNode data = settings.path("calibration");
        if (!data.isMissingNode()) {
            words.add(String.format(Locale.ROOT, "chosen on %,d tokens of %s",
                    data.path("tokens_used").asLong(0), data.path("dataset").asString("")));
        }
        return String.join(" · ", words);
    }

    private Section methods() {
        List<Block> blocks = new ArrayList<>();
        for (ReportSources.Compared compared : sources.comparisons()) {
            Comparison comparison = compared.comparison();
            TimeChart chart = new TimeChart(comparison);
            blocks.add(new Shown("", "A click on a heading sorts; ★ is the least. " + (comparison.lossName().isEmpty()
                    ? ""
                    : "Loss: nats for each token of the calibration text, " + comparison.lossName() + ". ")
                    + "Time and memory are those of choosing the layers; what methods share counts for the first of them.",
                    chart.table()));
            comparison.densePerplexities().keySet().stream()
                    .filter(metric -> chart.done().stream().anyMatch(row -> row.perplexities().containsKey(metric)))
                    .forEach(metric -> blocks.add(chart.chart(metric)));
        }
        return new Section("Methods", blocks);
    }

    private Section layers() {
        List<MapsBelow.Row> rows = new ArrayList<>();
        int layers = 0;
        for (ReportSources.Compared compared : sources.comparisons()) {
            layers = compared.comparison().layers();
            new TimeChart(compared.comparison()).done()
                    .forEach(row -> rows.add(new MapsBelow.Row(row.method(), Piece.ofTree(row.tree()))));
        }
        if (rows.isEmpty() && sources.plansOnce().size() == 1) {
            PruningPlan plan = sources.plansOnce().getFirst().plan();
            return new Section("Layers", List.of(new MergeMap(plan.layers(), Piece.of(plan.last())).chart()));
        }
        for (Pruned result : sources.pruned()) {
            layers = Math.max(layers, result.plan().layers());
            rows.add(new MapsBelow.Row(sources.nameOf(result), Piece.of(result.plan().last())));
        }
        return new Section("Layers", rows.isEmpty() ? List.of() : List.of(new MapsBelow(layers, rows).chart()));
    }

    private Section steps() {
        List<Block> blocks = new ArrayList<>();
        for (Pruned result : sources.plansOnce()) {
            List<StepScores> steps = StepScores.of(result.plan());
            List<StepScores> scored = steps.stream().filter(step -> !step.name().isEmpty()).toList();
            if (!scored.isEmpty()) {
                blocks.add(new ScoreStrip(result.plan().layers(), scored).chart());
            }
            StepLosses losses = new StepLosses(steps);
            if (!losses.isEmpty()) {
                blocks.add(losses.chart());
            }
        }
        return new Section("Steps", blocks);
    }

    private Section quality() {
        List<Block> blocks = new ArrayList<>();
        List<Measured> measured = sources.measured();
        List<Chart> charts = measured.stream().map(Measured::metric).distinct()
                .map(metric -> new QualityChart(metric,
                        measured.stream().filter(one -> one.metric().equals(metric)).toList()).chart())
                .toList();
        if (!charts.isEmpty()) {
            blocks.add(new Pair(charts));
        }
        for (EvalFile file : sources.evaluations()) {
            if (!file.divergences().isEmpty()) {
                blocks.add(new Shown("Beside " + file.comparedWith() + ", token by token",
                        "KL divergence of the next-token probabilities in nats, and how often both models expect the same"
                                + " token.",
                        divergences(file.divergences())));
            }
            if (!file.model().perplexities().isEmpty()) {
                blocks.add(new Shown("Perplexity of " + file.model().name(), "", perplexities(file)));
            }
        }
        return new Section("Quality", blocks);
    }

    private static DataTable divergences(List<Distance> distances) {
        return new DataTable(List.of("text", "tokens", "mean KL", "99 %", "largest", "same token", "log perplexity",
                "error"),
                distances.stream().map(one -> List.of(Cell.of(one.metric()),
                        Cell.of((double) one.tokens(), Figures.whole(one.tokens())),
                        Cell.of(one.mean(), Figures.digits(one.mean())),
                        Cell.of(one.percentile99(), Figures.digits(one.percentile99())),
                        Cell.of(one.maximum(), Figures.digits(one.maximum())),
                        Cell.of(one.sameTop(), Figures.share(one.sameTop())),
                        Cell.of(one.logDifference(), String.format(Locale.ROOT, "%+.4f", one.logDifference())),
                        one.logDifferenceError().isPresent()
                                ? Cell.of(one.logDifferenceError().getAsDouble(),
                                        String.format(Locale.ROOT, "± %.4f", one.logDifferenceError().getAsDouble()))
                                : Cell.of("")))
                        .toList());
    }

    private static DataTable perplexities(EvalFile file) {
        List<List<Cell>> rows = new ArrayList<>();
        for (Windows one : file.model().perplexities()) {
            Optional<Windows> baseline = file.baseline().stream().flatMap(other -> other.perplexities().stream())
                    .filter(other -> other.metric().equals(one.metric())).findFirst();
            rows.add(List.of(Cell.of(one.metric()), Cell.of(one.windows(), "" + one.windows()), Cell.of(one.value()),
                    one.logError().isPresent()
                            ? Cell.of(one.logError().getAsDouble(), "± " + Figures.share(one.logError().getAsDouble()))
                            : Cell.of(""),
                    baseline.map(other -> Cell.of(other.value())).orElse(Cell.of(""))));
        }
        return new DataTable(List.of("text", "windows", file.model().name(), "error",
                file.baseline().map(EvalFile.Model::name).orElse("")), rows);
    }

    private Section tasks() {
        return new Section("Tasks", sources.evaluations().stream().map(TaskDots::new)
                .filter(dots -> !dots.shown().isEmpty()).<Block>map(TaskDots::chart).toList());
    }

    private Section healing() {
        List<Block> blocks = new ArrayList<>();
        for (Pruned result : sources.pruned()) {
            if (!result.equals(sources.lastPruned().orElseThrow())) {
                continue;
            }
            List<Chart> charts = new ArrayList<>();
            for (PruningStep step : result.plan().steps()) {
                HealingErrors.of(step).ifPresent(errors -> {
                    charts.add(errors.chart());
                    losses(errors).ifPresent(blocks::add);
                });
            }
            JsonNode training = result.plan().settings().path(PruningPlan.DISTILLATION);
            if (training.has("model")) {
                charts.add(new TrainingCurve("The whole model, trained", training.path("model")).chart());
            }
            for (Map.Entry<String, JsonNode> layer : training.path("layers").properties()) {
                charts.add(new TrainingCurve("Layer at position " + layer.getKey() + ", trained", layer.getValue())
                        .chart());
            }
            if (!charts.isEmpty()) {
                blocks.add(new Pair(charts));
            }
        }
        return new Section("Healing", blocks);
    }

    private static Optional<Block> losses(HealingErrors errors) {
        List<Double> losses = errors.losses();
        return losses.size() < 3
                ? Optional.empty()
                : Optional.of(new Sentence(String.format(Locale.ROOT,
                        "On text that was held out, the loss fell from %.3f to %.3f nats a token; the dense model has %.3f.",
                        losses.get(1), losses.get(2), losses.get(0))));
    }

    private Section latency() {
        return new Section("Latency", sources.latencies().stream()
                .<Block>map(file -> new Pair(new SpeedBars(file).charts())).toList());
    }
}
