package dev.come.report;

import dev.come.ByteSize;
import dev.come.prune.PruningPlan;
import dev.come.report.DataTable.Cell;
import dev.come.report.Report.Block;
import dev.come.report.Report.Code;
import dev.come.report.Report.Folded;
import dev.come.report.Report.Section;
import dev.come.report.Report.Shown;
import dev.come.report.ReportSources.Pruned;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/** How results were made: commands, settings, time and memory, and how to make them again. */
record Provenance(ReportSources sources) {
    /** Lists longer than this are told by their length. */
    private static final int LONG_LIST = 12;

    Section section() {
        List<Block> blocks = new ArrayList<>();
        boolean several = sources.pruned().size() + sources.comparisons().size() > 1;
        for (Pruned result : sources.pruned()) {
            String whose = several ? sources.nameOf(result) + ": " : "";
            result.run().ifPresent(run -> ofRun(run, whose, blocks));
            String model = result.plan().settings().path("model").path("name").asString("");
            blocks.add(new Code(title(whose, "to make the same bytes again"), "come apply --plan "
                    + quoted(result.place().resolve(PruningPlan.FILE_NAME).toString()) + " --model-name "
                    + quoted(model) + " --save-path again"));
            blocks.add(new Folded(title(whose, "all settings, data and fingerprints"), settings(result.plan())));
        }
        for (ReportSources.Compared compared : sources.comparisons()) {
            compared.run().ifPresent(run -> ofRun(run, "", blocks));
        }
        return new Section("How it was made", blocks);
    }

    private static void ofRun(RunRecord run, String whose, List<Block> blocks) {
        if (!run.command().isEmpty()) {
            blocks.add(new Code(title(whose, "command"), command(run.command())));
        }
        blocks.add(new Shown(title(whose, "time and memory"), run.tool() + ", Java " + run.machine().java() + " on "
                + run.machine().system() + " with " + run.machine().processors() + " processors", stages(run)));
    }

    private static String title(String whose, String what) {
        return whose.isEmpty() ? Figures.sentence(what) : whose + what;
    }

    /** A command as one types it. */
    static String command(List<String> arguments) {
        return "come " + String.join(" ", arguments.stream().map(Provenance::quoted).toList());
    }

    private static String quoted(String argument) {
        return argument.matches("[\\w@%+=:,./~-]+") ? argument : "'" + argument.replace("'", "'\\''") + "'";
    }

    private static DataTable stages(RunRecord run) {
        List<List<Cell>> rows = new ArrayList<>();
        run.stages().forEach(stage -> rows.add(row(stage.name(), stage.seconds(), stage.peakBytes().isPresent()
                ? Optional.of(stage.peakBytes().getAsLong())
                : Optional.empty())));
        rows.add(row("in all", run.seconds(),
                run.peakBytes().isPresent() ? Optional.of(run.peakBytes().getAsLong()) : Optional.empty()));
        return new DataTable(List.of("stage", "time", "most memory until then"), rows);
    }

    private static List<Cell> row(String name, double seconds, Optional<Long> bytes) {
        return List.of(Cell.of(name),
                Cell.of(seconds, Figures.time(Duration.ofMillis(Math.round(1000 * seconds)))),
                bytes.map(count -> Cell.of(count, ByteSize.format(count))).orElse(Cell.of("")));
    }

    /** Every setting by its path; curves and long lists are shown elsewhere. */
    private static DataTable settings(PruningPlan plan) {
        List<List<Cell>> rows = new ArrayList<>();
        add("", plan.settings(), rows);
        return new DataTable(List.of("setting", "value"), rows);
    }

    private static void add(String path, JsonNode node, List<List<Cell>> rows) {
        if (path.equals(PruningPlan.DISTILLATION + ".layers") || path.equals(PruningPlan.DISTILLATION + ".model")) {
            return;
        }
        if (node.isObject()) {
            for (Map.Entry<String, JsonNode> field : node.properties()) {
                add(path.isEmpty() ? field.getKey() : path + "." + field.getKey(), field.getValue(), rows);
            }
        } else if (node.isArray() && node.valueStream().anyMatch(JsonNode::isObject)) {
            for (int i = 0; i < node.size(); i++) {
                add(path + "[" + i + "]", node.get(i), rows);
            }
        } else if (node.isArray()) {
            rows.add(List.of(Cell.of(path), Cell.of(node.size() > LONG_LIST
                    ? node.size() + " values"
                    : String.join("; ", node.valueStream().map(JsonNode::asString).toList()))));
        } else {
            rows.add(List.of(Cell.of(path), Cell.of(node.asString())));
        }
    }
}
