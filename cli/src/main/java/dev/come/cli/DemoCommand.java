package dev.come.cli;

import dev.come.Progress;
import dev.come.demo.DemoFolder;
import dev.come.demo.DemoModel;
import dev.come.job.ComputeChoice;
import dev.come.job.Inspection;
import dev.come.job.InspectionJson;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.prune.Methods;
import dev.come.prune.PruningMethod;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come demo}: prunes the small model that the program carries with it. */
@Command(name = "demo", description = "Prune the small model that comes with the program and show the result.",
        footer = {"", "Example:",
            "  come demo"})
final class DemoCommand implements Runnable {
    private static final int TARGET_LAYERS = 7;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Option(names = "--save-path", paramLabel = "DIR",
            description = "Folder to write the dense model, the texts and the pruned model to (default: "
                    + "${DEFAULT-VALUE}).")
    private Path savePath = Path.of("come-demo");

    @Option(names = "--train", paramLabel = "DIR",
            description = "Instead, train the small model again from nothing and write it to this folder "
                    + "(5 to 10 minutes on two processors). When started by ./come, the same seed gives the same"
                    + " bytes on every x86-64 with AVX2. Otherwise set ATEN_CPU_CAPABILITY=avx2, "
                    + "OPENBLAS_CORETYPE=Haswell and OPENBLAS_NUM_THREADS=1 for that.")
    private @Nullable Path train;

    @Option(names = "--seed", paramLabel = "N",
            description = "Seed of the training; the default gives the model that comes with the program.")
    private long seed = DemoModel.SEED;

    @Mixin
    private JsonOption json = new JsonOption();

    @Override
    public void run() {
        Progress progress = main.progress(spec.commandLine().getErr());
        PrintWriter out = json.text();
        Path train = this.train;
        if (train != null) {
            DemoModel.train(train, seed, progress);
            out.println("Model: " + train);
            json.print(() -> InspectionJson.text(Inspection.of(train)));
            return;
        }
        DemoFolder folder = new DemoFolder(savePath);
        PruningMethod method = Methods.CONCAT_MERGE.method();
        folder.prepare(method.name(), TARGET_LAYERS);

        WindowLength window = WindowLength.DEFAULT; // the model has fewer positions
        PruneJob job = new PruneJob(new PruneJob.Options(folder.dense(),
                List.of(new PruneJob.Run(method,
                        new CalibrationSet.Options(text(folder.calibrationText()), Methods.COMMON_DATA.samples(),
                                OptionalInt.empty(), CalibrationSet.DEFAULT_SEED, window))),
                new Target.Layers(TARGET_LAYERS),
                new PerplexityOptions(List.of(text(folder.testText())), window, PerplexityOptions.ALL_WINDOWS),
                Optional.empty(),
                new ComputeChoice("auto", "cpu", Runtime.getRuntime().availableProcessors(), 1L << 28),
                new Saving(folder.pruned(), Long.MAX_VALUE, true), false, Resumption.RESTART), progress);
        long started = System.nanoTime();
        PruneJob.Result pruned = job.run();
        PrunedModels.print(pruned, Duration.ofNanos(System.nanoTime() - started), out);
        main.report(List.of(folder.pruned()), spec.commandLine(), json);
    }

    private TextSource text(Path file) {
        return new TextSource(file.toString(), savePath, TextSource.DEFAULT_FIELD);
    }
}
