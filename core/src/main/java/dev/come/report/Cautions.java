package dev.come.report;

import dev.come.prune.PruningPlan;
import dev.come.report.EvalFile.Windows;
import dev.come.report.Report.Level;
import dev.come.report.Report.Remark;
import dev.come.report.RunRecord.Host;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** What a reader should know before believing the numbers of a page. */
record Cautions(ReportSources sources) {
    /** With fewer windows one odd text decides. */
    private static final int FEW_WINDOWS = 3;

    private static final Pattern WINDOWS = Pattern.compile("first (\\d{1,9}) windows");

    /** All of them, the grave ones first, each once. */
    List<Remark> remarks() {
        Set<Remark> all = new LinkedHashSet<>();
        sources.pruned().forEach(result -> ofPlan(result.plan(), all));
        sources.evaluations().forEach(file -> ofEvaluation(file, all));
        Stream.concat(sources.pruned().stream().map(ReportSources.Pruned::run),
                sources.comparisons().stream().map(ReportSources.Compared::run)).flatMap(Optional::stream)
                .map(RunRecord::machine).map(Host::caution).flatMap(Optional::stream)
                .forEach(caution -> all.add(new Remark(Level.AMBER, caution)));
        sources.latencies().stream().map(LatencyFile::caution).flatMap(Optional::stream)
                .forEach(caution -> all.add(new Remark(Level.AMBER, caution)));
        sources.latencies().stream().filter(file -> file.models().size() > 1)
                .map(file -> new SpeedBars(file).speedUp(false))
                .filter(range -> range.least() <= 1 && range.most() >= 1)
                .forEach(range -> all.add(new Remark(Level.AMBER,
                        "Single runs were both slower and faster than those of the"
                                + " other model (" + SpeedBars.times(range)
                                + "): the difference in speed is within the error; time more runs on an idle machine.")));
        for (ReportSources.Compared compared : sources.comparisons()) {
            compared.comparison().densePerplexities().keySet().forEach(metric -> windows(metric, all));
            compared.comparison().rows().stream().filter(row -> !row.failure().isEmpty()).forEach(row -> all
                    .add(new Remark(Level.RED, row.method() + " did not get there: " + row.failure())));
        }
        return all.stream().sorted((one, other) -> one.level().compareTo(other.level())).toList();
    }

    private static void ofPlan(PruningPlan plan, Set<Remark> all) {
        JsonNode settings = plan.settings();
        List<JsonNode> texts = new ArrayList<>(List.of(settings.path("calibration"),
                settings.path(PruningPlan.HEALING).path("calibration")));
        settings.path(PruningPlan.DISTILLATION).path("text").forEach(texts::add);
        for (JsonNode text : texts) {
            if (text.has("passed_positions")) {
                all.add(new Remark(Level.RED, "Windows of " + text.path("dataset").asString("") + " ("
                        + text.path("sequence_length").asString("") + " tokens) are longer than the "
                        + text.path("passed_positions").asString("") + " positions that the model was made for."));
            }
            if (text.path("split").asString("").equals("validation")) {
                all.add(new Remark(Level.AMBER, "Calibrated on the validation split of "
                        + text.path("dataset").asString("") + "."));
            }
            int sequences = text.path("sequences").asInt(FEW_WINDOWS);
            if (sequences < FEW_WINDOWS) {
                all.add(new Remark(Level.AMBER, "Layers were chosen on " + number(sequences, "window") + " of "
                        + text.path("dataset").asString("") + ": other text may choose others."));
            }
        }
        plan.evaluations().forEach(one -> windows(one.metric(), all));
    }

    private static void windows(String metric, Set<Remark> all) {
        Matcher found = WINDOWS.matcher(metric);
        if (found.find() && Integer.parseInt(found.group(1)) < FEW_WINDOWS) {
            all.add(few(metric, Integer.parseInt(found.group(1))));
        }
    }

    private static Remark few(String metric, int windows) {
        return new Remark(Level.AMBER, "Perplexity comes from " + number(windows, "window") + " only: " + metric + ".");
    }

    private static String number(int count, String what) {
        return count == 1 ? "one " + what : count + " " + what + "s";
    }

    private static void ofEvaluation(EvalFile file, Set<Remark> all) {
        for (Windows one : file.model().perplexities()) {
            if (one.windows() < FEW_WINDOWS) {
                all.add(few(one.metric(), one.windows()));
            }
        }
        TaskDots dots = new TaskDots(file);
        List<String> within = dots.shown().stream()
                .filter(task -> dots.difference(task).orElse("").endsWith("within the error")).map(TaskDots::name)
                .toList();
        if (!within.isEmpty()) {
            all.add(new Remark(Level.AMBER, "The difference to " + file.baseline().map(EvalFile.Model::name).orElse("")
                    + " lies within the error for " + String.join(", ", within)
                    + ": these questions do not tell the models apart."));
        }
    }
}
