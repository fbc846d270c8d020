package dev.come.cli;

import dev.come.ByteSize;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.calibration.Recipe;
import dev.come.job.ComputeChoice;
import dev.come.job.Estimate;
import dev.come.job.Estimates;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.ReportJob;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.report.RunRecord;
import dev.come.text.CalibrationSet;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come prune}: makes a model smaller. */
@Command(name = "prune", description = "Merge or remove decoder layers of a model until it is as small as asked for.",
        footer = {
            "", "Example:", "  come prune --method come_auto --model HuggingFaceTB/SmolLM2-135M --target-layers 21",
            "      --heal ridge --save-path small"})
final class PruneCommand implements Runnable {
    /** Options that say what layers are measured on; methods that look at weights only have none of them. */
    private static final Set<String> DATA_OPTIONS = Set.of("--calibration-dataset", "--nsamples", "--seed");

    private static final Set<String> HEAL_OPTIONS = Set.of("--heal-scope", "--heal-targets");

    private static final String NOT_HEALED = "none";

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--method", required = true, paramLabel = "NAME...", hideParamSyntax = true,
            preprocessor = Words.class, completionCandidates = Method.Names.class, description = {
                "How layers are chosen and merged or removed ('come list methods' says what each does):"
                        + " ${COMPLETION-CANDIDATES}.",
                "Several names, or all: each result is written to a folder of its own, and they are compared."})
    private String method = "";

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private TargetOptions targets = new TargetOptions();

    @Option(names = "--keep-pattern", description = {
        "Allow only edits after which the kinds of layers repeat as before, such as five with a window and one without.",
        "Whole groups of adjacent layers go, or the last ones; models with one kind of layers are not restricted."})
    private boolean keepPattern;

    @Option(names = "--dry-run",
            description = "Only tell what would be done and how much memory and time it would take; write nothing.")
    private boolean dryRun;

    @Mixin
    private JsonOption json = new JsonOption();

    @Mixin
    private MethodOptions options = new MethodOptions();

    @Section(heading = "%nHealing:%n", order = 11)
    private Healed healed = new Healed();

    @Section(heading = "%nCalibration:%n", order = 12)
    private CalibrationOptions calibration = new CalibrationOptions();

    @Section(order = 12)
    private SearchOptions search = new SearchOptions();

    @Section(heading = "%nResult:%n", order = 13)
    private ResultOptions result = new ResultOptions();

    @Section(heading = "%nComputing:%n", order = 14)
    private ComputeOptions computing = new ComputeOptions();

    @Section(heading = "%nCluster:%n", order = 15)
    private ClusterOptions cluster = new ClusterOptions();

    /** Whether and how what is left is healed. */
    static final class Healed {
        @Option(names = "--heal", paramLabel = "HOW", description = {"none or ridge (default: ${DEFAULT-VALUE}).",
            "ridge: refit the layers that are left to the dense model, in closed form, on the calibration data. With"
                    + " --continue-saving only the last model is healed."})
        private String heal = NOT_HEALED;

        @Section
        private HealOptions options = new HealOptions();

        boolean asked() {
            return new Choice("--heal", List.of(NOT_HEALED, "ridge")).check(heal).equals("ridge");
        }
    }

    /** What comes out besides the model. */
    static final class ResultOptions {
        @Section
        private OutputOptions output = new OutputOptions();

        @Option(names = "--continue-saving",
                description = "Write the model after each step, each into a folder of its own below --save-path.")
        private boolean continueSaving;

        @Mixin
        private GgufOptions gguf = new GgufOptions();

        @Section
        private ResumptionOptions interrupted = new ResumptionOptions();

        @Section
        private PerplexityData perplexity = new PerplexityData();
    }

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        List<Method> methods = Method.parse(method);
        requireOptionsOf(methods);
        Target target = target(methods);
        PrintWriter out = json.text();
        Progress progress = main.progress(spec.commandLine().getErr());
        Saving saving = dryRun && !result.output.isPlaceKnown()
                ? new Saving(Path.of("dry-run"), Long.MAX_VALUE, false)
                : result.output.saving().reading(model.paths());
        boolean several = methods.size() > 1;
        result.gguf.check(several, saving.overwrite());
        List<PruneJob.Run> runs = new ArrayList<>();
        List<PruneJob.Failure> refused = new ArrayList<>();
        for (Method one : methods) {
            CalibrationSet.Source source = calibration.source(one, options.fusing.tasks, options.collapsing.sentences,
                    several, model.hub());
            try {
                runs.add(new PruneJob.Run(one.create(options, !(target instanceof Target.OfMethod)), source,
                        search.windows()));
            } catch (UsageException e) {
                if (!several) {
                    throw e;
                }
                refused.add(new PruneJob.Failure(one.label(), e));
            }
        }
        PerplexityOptions perplexity = result.perplexity.options(calibration.data(), model.hub());
        ComputeChoice choice = computing.choice(progress)
                .on(cluster.choice());
        // Last, so that a mistyped option is refused before anything is downloaded.
        Path folder = model.folder();
        result.gguf.checkModel(folder);
        PruneJob job = new PruneJob(new PruneJob.Options(folder, runs, target, perplexity,
                healed.asked() ? Optional.of(healed.options.options()) : Optional.empty(), choice, saving,
                result.continueSaving, result.interrupted.resumption(), refused, keepPattern), progress);
        if (dryRun) {
            Estimates estimates = job.estimate();
            main.clearLine();
            tell(estimates, several, saving, out);
            json.print(() -> Estimate.json(estimates));
            return;
        }
        long started = System.nanoTime();
        if (several) {
            PruneJob.Results results = job.runAll();
            if (!results.results().isEmpty()) {
                Comparisons.print(results.comparison(), saving.folder(),
                        Duration.ofNanos(System.nanoTime() - started), out);
                ReportJob.inFolders(results);
                List<Path> made = results.results().stream().flatMap(one -> one.folders().stream()).toList();
                RunRecord record = main.report(List.of(saving.folder()), spec.commandLine(), out);
                json.print(() -> ReportJob.json(made, Optional.of(results.comparison()), record));
            }
            new Fallen(results.failures(), results.results().isEmpty()).tell(spec.commandLine().getErr());
        } else {
            PruneJob.Result pruned = job.run();
            PrunedModels.print(pruned, Duration.ofNanos(System.nanoTime() - started), out);
            result.gguf.write(saving.folder(), saving.overwrite(), progress, out);
            main.report(pruned.folders(), spec.commandLine(), json);
        }
    }

    private Target target(List<Method> methods) {
        Target target = targets.target();
        if (target instanceof Target.OfMethod && !methods.stream().allMatch(Method::mayEndByItself)) {
            throw new UsageException("--target-layers is missing: say how many decoder layers are to be left"
                    + " (or give --removal-ratio, or --target-parameters)");
        }
        return target;
    }

    /** An option that does nothing for a method is refused rather than ignored. */
    private void requireOptionsOf(List<Method> methods) {
        for (String option : spec.commandLine().getParseResult().matchedOptionsSet().stream()
                .map(matched -> matched.longestName()).sorted().toList()) {
            if (Method.isOfSomeMethods(option) && methods.stream().noneMatch(one -> one.has(option))) {
                throw new UsageException(option + " is no option of " + method + ", but of "
                        + String.join(", ", Method.having(option)) + "; leave it out");
            }
            if (HEAL_OPTIONS.contains(option) && !healed.asked()) {
                throw new UsageException(option + " says how to heal, but nothing is healed without --heal ridge; "
                        + "give that too, or leave it out");
            }
            if (DATA_OPTIONS.contains(option) && !healed.asked() && methods.stream().noneMatch(Method::needsData)) {
                throw new UsageException(
                        option + ": " + method + " looks at the weights alone and takes no data; leave it out");
            }
        }
    }

    private void tell(Estimates estimates, boolean several, Saving saving, PrintWriter out) {
        estimates.byMethod().forEach((name, estimate) -> {
            if (several) {
                out.println(name);
            }
            print(estimate, out);
            if (cluster.choice().isPresent() && estimate.tokens() > 0) {
                out.println(onCluster(estimate));
            }
            if (several) {
                out.println();
            }
        });
        out.println("Nothing was written.");
        if (result.output.isPlaceKnown()) {
            estimates.requireRoom(saving.folder());
        }
        new Fallen(estimates.failures(), estimates.byMethod().isEmpty()).tell(spec.commandLine().getErr());
    }

    private static void print(Estimate estimate, PrintWriter out) {
        Table table = new Table("", "now", "after");
        table.row("layers", "" + estimate.layers(), "" + estimate.targetLayers());
        table.row("parameters", number(estimate.denseParameters()), number(estimate.parameters()));
        out.println(table);
        out.println();
        if (estimate.tokens() > 0) {
            out.printf(Locale.ROOT, "Calibration: %,d sequences, %,d tokens, computed in %s.%n", estimate.sequences(),
                    estimate.tokens(), estimate.dtype());
        }
        if (estimate.healedLayers() > 0) {
            out.println("Healing: " + estimate.healedLayers() + " layers at most.");
        }
        out.printf("To expect: about %s of memory, %s on disk%s, and %s to %s on an idle machine,%n"
                + "of it about %s to read and write.%n",
                ByteSize.format(estimate.memoryBytes()), ByteSize.format(estimate.savedBytes()),
                estimate.temporaryBytes() == 0
                        ? ""
                        : " and " + ByteSize.format(estimate.temporaryBytes()) + " beside it meanwhile",
                Units.time(estimate.least()), Units.time(estimate.most()),
                Units.time(estimate.transfer()));
    }

    private static String onCluster(Estimate estimate) {
        long shards = Math.ceilDiv(estimate.tokens(), Recipe.TOKENS);
        return "On the cluster: " + shards + (shards == 1 ? " shard" : " shards")
                + ", so more executors than that do not help. An executor needs up to as much memory as is said above,"
                + " beside spark.executor.memory.";
    }

    static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }
}
