package dev.come.cli;

import dev.come.job.ReportJob;
import dev.come.job.ResultFile;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code come report}: shows results on a page. */
@Command(name = "report", description = {"Make a page of results: one HTML file that needs no network.",
    "Every command that writes a result leaves such a page beside it; this one joins several."},
        footer = {"", "Example:", "  come report pruned healed eval.json --output report.html"})
final class ReportCommand implements Runnable {
    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1..*", paramLabel = "DIR|FILE", description = {
        "Folders of pruned models, folders that come prune --method all wrote, and files of --output of come eval and"
                + " come latency, in the order in which they are to be shown. The page is about the last pruned model."})
    private List<Path> places = List.of();

    @Option(names = "--output", required = true, paramLabel = "FILE", description = "The page to write.")
    private @Nullable Path output;

    @Option(names = "--overwrite", description = "Replace the page if it is there.")
    private boolean overwrite;

    @Override
    public void run() {
        Path page = output == null ? Path.of("report.html") : output; // picocli has refused to run without
        ReportJob.run(places, new ResultFile("--output", page, overwrite));
        spec.commandLine().getOut().println("Report: " + page);
    }
}
