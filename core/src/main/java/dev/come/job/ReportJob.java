package dev.come.job;

import dev.come.ComeException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.prune.PruningPlan;
import dev.come.report.Comparison;
import dev.come.report.Report;
import dev.come.report.ReportReader;
import dev.come.report.Reports;
import dev.come.report.ResultJson;
import dev.come.report.RunRecord;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** {@code come report}: makes a page of results, and what every other job leaves beside its own. */
public final class ReportJob {
    private ReportJob() {
    }

    /**
     * Makes a page of results.
     *
     * @param places folders and files
     * @param output the page
     */
    public static void run(List<Path> places, ResultFile output) {
        output.check();
        AtomicFile.write(output.file(), html(places));
    }

    private static String html(List<Path> places) {
        return Reports.of(ReportReader.read(places, ReportJob::parameters)).toHtml();
    }

    /** Leaves the page of a file beside it. */
    public static void beside(ResultFile file) {
        AtomicFile.write(file.page().file(), html(List.of(file.file())));
    }

    /**
     * What a command made, as JSON.
     *
     * @param folders of models, each with its plan
     * @param comparison of methods, where there are several
     */
    public static String json(List<Path> folders, Optional<Comparison> comparison, RunRecord run) {
        return new ResultJson(folders.stream().map(folder -> new ResultJson.Made(folder,
                PruningPlan.read(folder.resolve(PruningPlan.FILE_NAME)), parameters(folder))).toList(), comparison, run)
                .text();
    }

    /** Leaves how a run went, and the page, in the folder of its result. */
    public static void inFolder(Path folder, RunRecord run) {
        AtomicFile.write(folder.resolve(RunRecord.FILE_NAME), run.withParameters(parameters(folder)).toJson());
        inFolder(folder);
    }

    /** Leaves a page with each model that one of several methods made. */
    public static void inFolders(PruneJob.Results made) {
        made.results().stream().filter(one -> !one.resumed()).flatMap(one -> one.folders().stream())
                .forEach(ReportJob::inFolder);
    }

    private static void inFolder(Path folder) {
        AtomicFile.write(folder.resolve(Report.FILE_NAME), html(List.of(folder)));
    }

    /** Numbers in the weights of a model folder; nothing if it is none. */
    private static OptionalLong parameters(Path folder) {
        try {
            ModelConfig config = ModelConfig.of(UsualNames.of(CheckpointHeaders.read(folder)));
            return OptionalLong.of(config.parameters(config.layers()));
        } catch (ComeException _) {
            return OptionalLong.empty(); // no model, or a broken one: the page does without
        }
    }
}
