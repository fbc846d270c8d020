package dev.come.cli;

import dev.come.ByteSize;
import dev.come.UsageException;
import dev.come.checkpoint.AtomicFile;
import dev.come.evaluate.Latency.Load;
import dev.come.evaluate.Latency.Seconds;
import dev.come.evaluate.Latency.Timing;
import dev.come.job.ComputeChoice;
import dev.come.job.LatencyJob;
import dev.come.job.ReportJob;
import dev.come.job.ResultFile;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** {@code come latency}: times a model. */
@Command(name = "latency",
        description = "Time a model on prompts and the tokens after them, alone or in turns with another model.",
        footer = {"", "Example:",
            "  come latency --model small --baseline HuggingFaceTB/SmolLM2-135M"})
final class LatencyCommand implements Runnable {
    /** As wide as times are. */
    private static final int LONGEST_NAME = 28;

    @ParentCommand
    private Main main;

    @Spec
    private CommandSpec spec;

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--baseline", paramLabel = "MODEL",
            description = "Folder or hub name of a model to compare it with.")
    private @Nullable String baseline;

    @Option(names = "--removal-ratio", paramLabel = "R",
            description = "Compare the model with itself without this share of its layers, for example 0.2.")
    private @Nullable Double removalRatio;

    @Option(names = "--generation", description = "Time the generation of tokens after the prompts too.")
    private boolean generation;

    @Option(names = "--batch", paramLabel = "N",
            description = "Sequences side by side (default: 1; with --generation 64, on a processor 4).")
    private @Nullable Integer batch;

    @Option(names = "--prompt", paramLabel = "TOKENS",
            description = "Tokens of each prompt (default: 2048, or what the model takes; with --generation 64).")
    private @Nullable Integer prompt;

    @Option(names = "--new-tokens", paramLabel = "N",
            description = "Tokens to generate with --generation (default: 128, on a processor 32).")
    private @Nullable Integer newTokens;

    @Option(names = "--iterations", paramLabel = "N",
            description = "Number of timings (default: 50, on a processor 5; with --generation 10, on a"
                    + " processor 5).")
    private @Nullable Integer iterations;

    @Option(names = "--output", paramLabel = "FILE",
            description = "Write the times as JSON too, and a page that shows them beside it.")
    private @Nullable Path output;

    @Option(names = "--overwrite", description = "Replace the file of --output.")
    private boolean overwrite;

    @Mixin
    private JsonOption json = new JsonOption();

    @Section(heading = "%nComputing:%n", order = 1)
    private ComputeOptions computing = new ComputeOptions();

    @Override
    public void run() {
        main.beginning(spec.commandLine());
        LatencyJob.Work work = new LatencyJob.Work(generation, optional(batch), optional(prompt), optional(newTokens),
                optional(iterations));
        ComputeChoice choice = computing.choice(main.progress(spec.commandLine().getErr()));
        OptionalDouble removed = removalRatio == null ? OptionalDouble.empty() : OptionalDouble.of(removalRatio);
        LatencyJob.Request.check(baseline != null, removed);
        Optional<ResultFile> written = Optional.ofNullable(output)
                .map(file -> new ResultFile("--output", file, overwrite));
        written.ifPresent(file -> {
            file.check();
            file.page().check();
        });
        if (overwrite && written.isEmpty()) {
            throw new UsageException("--overwrite replaces the file of --output, which is missing");
        }
        LatencyJob.Request request = new LatencyJob.Request(model.folder(),
                Optional.ofNullable(baseline).map(model::folder), removed, work);
        LatencyJob.Result result = LatencyJob.run(request, choice, main.progress(spec.commandLine().getErr()));
        PrintWriter out = json.text();
        print(result, result.load(), out);
        written.ifPresent(file -> {
            AtomicFile.write(file.file(), result.toFile().toJson());
            ReportJob.beside(file);
            out.println("Report: " + file.page().file());
        });
        if (choice.device().equals("cpu") && work.isUsual()) {
            out.println("Scaled down for a processor; on a GPU: " + describe(work.full()) + ".");
        }
        result.toFile().caution().ifPresent(out::println);
        json.print(result.toFile()::toJson);
    }

    private static OptionalInt optional(@Nullable Integer given) {
        return given == null ? OptionalInt.empty() : OptionalInt.of(given);
    }

    private static String describe(Load load) {
        return load.batch() + " x " + load.promptTokens() + " tokens"
                + (load.newTokens() > 0 ? " and " + load.newTokens() + " new ones" : "") + ", " + load.iterations()
                + " times";
    }

    private static void print(LatencyJob.Result result, Load load, PrintWriter out) {
        List<Timing> timings = result.timings();
        boolean generates = load.newTokens() > 1;
        Table table = new Table(row("", timings, timing -> shortened(timing.name())));
        table.row(row("layers", timings, timing -> "" + timing.layers()));
        table.row(row("parameters", timings, timing -> String.format(Locale.ROOT, "%,d", timing.parameters())));
        table.row(row("weights", timings, timing -> ByteSize.format(timing.weightBytes())));
        table.row(row("key-value cache", timings, timing -> ByteSize.format(timing.cacheBytes())));
        table.row(row("prompt", timings, timing -> seconds(timing.prompt())));
        table.row(row("tokens/s", timings, timing -> rate(timing.promptRate(load))));
        if (generates) {
            table.row(row("new tokens", timings, timing -> seconds(timing.generation().getFirst())));
            table.row(row("tokens/s", timings, timing -> rate(timing.generationRate(load))));
        }
        out.println(table);
        out.println();
        if (timings.size() > 1) {
            out.println("Speed-up, median (least to most) of runs in turns: prompt "
                    + ratio(timings.getLast().prompt().ratioOf(timings.getFirst().prompt()))
                    + (generates
                            ? ", new tokens " + ratio(timings.getLast().generation().getFirst()
                                    .ratioOf(timings.getFirst().generation().getFirst()))
                            : ""));
        }
        out.println("Median (least to most) of " + load.iterations() + " runs after one to warm up: " + load.batch()
                + " x " + load.promptTokens() + " tokens" + (generates ? " and " + load.newTokens() + " new ones" : "")
                + ", in " + result.dtype() + ".");
        timings.forEach(timing -> timing.anewFrom().ifPresent(tokens -> out.println(timing.name()
                + " turns positions by other angles from " + tokens + " tokens on, so what was cached was run anew"
                + " there; the time of new tokens includes that.")));
        if (generates) {
            Timing last = timings.getLast();
            double stepBytes = last.weightBytes() * (load.newTokens() - 1.0)
                    / last.generation().getFirst().median();
            out.println(String.format(Locale.ROOT,
                    "New tokens read all weights once for each step: %.1f GB/s of the %.1f GB/s that this machine reads.",
                    stepBytes / 1e9, result.bytesReadInASecond() / 1e9));
        }
        result.peakBytes().ifPresent(bytes -> out.println("At most " + ByteSize.format(bytes)
                + " of memory, all models together."));
    }

    /** A column for each model, so that long times find room. */
    private static String[] row(String what, List<Timing> timings, Function<Timing, String> cell) {
        return Stream.concat(Stream.of(what), timings.stream().map(cell)).toArray(String[]::new);
    }

    /** Folders of the hub's cache are called by hashes. */
    private static String shortened(String name) {
        return name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME - 3) + "...";
    }

    private static String seconds(Seconds seconds) {
        return String.format(Locale.ROOT, "%.2f s (%.2f to %.2f)", seconds.median(), seconds.least(), seconds.most());
    }

    private static String rate(double rate) {
        return String.format(Locale.ROOT, "%,.0f", rate);
    }

    private static String ratio(Seconds ratio) {
        return String.format(Locale.ROOT, "%.2f x (%.2f to %.2f)", ratio.median(), ratio.least(), ratio.most());
    }
}
