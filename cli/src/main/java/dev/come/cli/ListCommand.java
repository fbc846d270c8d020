package dev.come.cli;

import dev.come.checkpoint.RecordJson;
import dev.come.checkpoint.RecordNames;
import dev.come.evaluate.TaskSummary;
import dev.come.job.FamilySummary;
import dev.come.job.MethodSummary;
import dev.come.text.CorpusSummary;
import java.io.PrintWriter;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** {@code come list}: the names that options take. */
@Command(name = "list", description = "List the methods, tasks, data sets or families of models that there are.",
        footer = {"", "Example:", "  come list methods"})
final class ListCommand implements Runnable {
    private static final int FORMAT_VERSION = 1;
    /** Of families, what there is room for in a line; JSON has all. */
    private static final Set<String> IN_TABLE = Set.of("modelType", "models", "gguf", "llamaCppOrder");
    /** The longest cell, so that a line of four fits. */
    private static final int WIDEST = 32;
    private static final String MORE = " ...";

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "WHAT", description = "${COMPLETION-CANDIDATES}.", completionCandidates = Topics.class)
    private String topic = "";

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    /** What can be listed. */
    @SuppressWarnings("ImmutableEnumChecker") // the lambda changes nothing
    enum Topic {
        METHODS(MethodSummary.class, MethodSummary::all), TASKS(TaskSummary.class, TaskSummary::all), DATA(
                CorpusSummary.class, CorpusSummary::all), FAMILIES(FamilySummary.class, FamilySummary::all);

        private final Class<? extends Record> type;
        private final Supplier<List<? extends Record>> rows;

        <R extends Record> Topic(Class<R> type, Supplier<List<R>> rows) {
            this.type = type;
            this.rows = rows::get;
        }
    }

    /** Their names, for help and completion. */
    static final class Topics extends NamesOf {
        Topics() {
            super(Arrays.stream(Topic.values()).map(Choice::name).toList());
        }
    }

    @Override
    public void run() {
        print(Choice.of("list", topic, Topic.values()), spec.commandLine().getOut(), json);
    }

    static void print(Topic topic, PrintWriter out, boolean json) {
        List<? extends Record> rows = topic.rows.get();
        if (json) {
            ObjectNode root = RecordJson.file("come list", FORMAT_VERSION);
            root.set(Choice.name(topic), RecordJson.trees(rows));
            out.print(RecordJson.text(root));
            return;
        }
        List<RecordComponent> columns = Arrays.stream(topic.type.getRecordComponents())
                .filter(column -> topic != Topic.FAMILIES || IN_TABLE.contains(column.getName())).toList();
        Table table = Table.ofTexts(columns.stream()
                .map(column -> RecordNames.key(column.getName()).replace('_', ' ')).toArray(String[]::new));
        for (Record row : rows) {
            table.row(columns.stream().map(column -> shown(topic, cell(column, row))).toArray(String[]::new));
        }
        out.println(table);
    }

    private static String shown(Topic topic, String cell) {
        return topic != Topic.FAMILIES || cell.length() <= WIDEST
                ? cell
                : cell.substring(0, cell.lastIndexOf(' ', WIDEST - MORE.length())) + MORE;
    }

    private static String cell(RecordComponent column, Record row) {
        try {
            return String.valueOf(column.getAccessor().invoke(row));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(column + " cannot be read", e);
        }
    }
}
