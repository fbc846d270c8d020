package dev.come.job;

import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.prune.PruningPlan;
import dev.come.report.Comparison;
import dev.come.report.Report;
import dev.come.report.RunRecord;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * The folder that holds the results of several methods, each in a folder of its own, and what compares them.
 *
 * @param options of the run
 */
record ComparisonFolder(PruneJob.Options options) {
    /**
     * Fails now rather than after the work if something would be written over another file. What an earlier run left is replaced
     * if all its models are there, which is when it is written.
     *
     * @throws UsageException if a file is in the way
     */
    void check() {
        boolean goesOn = options.resumption() == Resumption.ASKED_FOR || options.runs().stream()
                .allMatch(run -> Files.exists(file(run.method().name()).resolve(PruningPlan.FILE_NAME)));
        Map<String, Predicate<Path>> ours = new LinkedHashMap<>();
        ours.put(Comparison.JSON_NAME, Comparison::isOne);
        ours.put(Comparison.CSV_NAME, Comparison::isOne);
        ours.put(RunRecord.FILE_NAME, RunRecord::isOne);
        ours.put(Report.FILE_NAME, Report::isOne);
        ours.forEach((name, isOurs) -> {
            Path file = file(name);
            boolean replaced = options.saving().overwrite() || (goesOn && isOurs.test(file));
            if (Files.exists(file) && !replaced) {
                throw new UsageException("--save-path: " + file
                        + " is there already; add --overwrite, or give another folder");
            }
        });
    }

    /** Writes the comparison. */
    void write(Comparison comparison) {
        AtomicFile.write(file(Comparison.JSON_NAME), comparison.toJson());
        AtomicFile.write(file(Comparison.CSV_NAME), comparison.toCsv());
    }

    private Path file(String name) {
        return options.saving().folder().resolve(name);
    }
}
