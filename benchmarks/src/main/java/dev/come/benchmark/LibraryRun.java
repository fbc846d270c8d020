package dev.come.benchmark;

import dev.come.ByteSize;
import dev.come.api.Come;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/library-run}: the same pruning from a program in Java, which gets no flag and no variable, and from the
 * command, in turns. Both are timed from the start of the process to its end.
 */
@Command(name = "library-run", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times pruning by a plain Java program against 'come prune' with the same options,",
    "in turns. Needs Linux."})
final class LibraryRun implements Callable<Integer> {
    private static final String DATASET = "wiki2";

    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--data-dir", required = true, paramLabel = "DIR", description = "Folder that holds wikitext2.")
    private Path dataDirectory = Path.of("");

    @Option(names = "--method", paramLabel = "NAME", description = "The method (default: ${DEFAULT-VALUE}).")
    private String method = "shortgpt";

    @Option(names = "--target-layers", paramLabel = "N",
            description = "Decoder layers to be left (default: ${DEFAULT-VALUE}).")
    private int targetLayers = 27;

    @Option(names = "--nsamples", paramLabel = "ROWS",
            description = "Rows of wikitext2 to calibrate on (default: ${DEFAULT-VALUE}).")
    private int samples = 16;

    @Option(names = "--seqlen", paramLabel = "TOKENS", description = "Tokens in a window (default: ${DEFAULT-VALUE}).")
    private int length = 512;

    @Option(names = "--dtype", arity = "1..*", paramLabel = "TYPE",
            description = "auto, float32, bfloat16 or several (default: auto and float32).")
    private List<String> types = List.of("auto", "float32");

    @Option(names = "--rounds", paramLabel = "N",
            description = "How often each is run; the medians are compared (default: ${DEFAULT-VALUE}).")
    private int rounds = 5;

    /** The plain program: what a reader of docs/java.md would write. */
    static final class Pruning {
        private Pruning() {
        }

        static void main(String[] arguments) {
            Come.prune(Path.of(arguments[0])).dataIn(Path.of(arguments[1])).method(arguments[2])
                    .layers(Integer.parseInt(arguments[3])).samples(Integer.parseInt(arguments[4]))
                    .windowLength(Integer.parseInt(arguments[5])).dtype(arguments[6]).saveTo(Path.of(arguments[7]))
                    .calibrateOn(DATASET).overwrite().run();
        }
    }

    static void main(String[] arguments) {
        Program.run(new LibraryRun(), arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        Path work = Files.createTempDirectory("come-library-run");
        try {
            Usage.of(List.of(Program.come(), "--version"), work.resolve("build.log")); // builds it if necessary
            PrintWriter out = spec.commandLine().getOut();
            out.printf("%-9s%-9s%12s%15s%14s%n", "", "", "wall", "processor", "peak memory");
            for (String type : types) {
                compare(type, work, out);
            }
        } finally {
            Program.delete(work);
        }
        return 0;
    }

    private void compare(String type, Path work, PrintWriter out) throws IOException, InterruptedException {
        List<Usage> library = new ArrayList<>();
        List<Usage> command = new ArrayList<>();
        for (int round = 0; round < rounds; round++) {
            library.add(measured(type, "library", library(type, work.resolve("library")), work, out));
            command.add(measured(type, "command", command(type, work.resolve("command")), work, out));
        }
        out.printf(Locale.ROOT, "%-9sthe library takes %.2f times the command's wall time, %.2f times its processor"
                + " time%n", type, median(library, Usage::wall) / median(command, Usage::wall),
                median(library, Usage::processor) / median(command, Usage::processor));
    }

    private static Usage measured(String type, String name, List<String> command, Path work, PrintWriter out)
            throws IOException, InterruptedException {
        Usage usage = Usage.of(command, work.resolve("run.log"));
        out.printf(Locale.ROOT, "%-9s%-9s%10.1f s%13.1f s%14s%n", type, name, usage.wall().toNanos() / 1e9,
                usage.processor().toNanos() / 1e9, ByteSize.format(usage.peakBytes()));
        out.flush();
        return usage;
    }

    private List<String> library(String type, Path target) {
        return List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
                System.getProperty("java.class.path"), Pruning.class.getName(), model.toString(),
                dataDirectory.toString(), method, "" + targetLayers, "" + samples, "" + length, type,
                target.toString());
    }

    private List<String> command(String type, Path target) {
        return List.of(Program.come(), "prune", "--model-name", model.toString(), "--data-dir",
                dataDirectory.toString(),
                "--method", method, "--target-layers", "" + targetLayers, "--calibration-dataset", DATASET,
                "--nsamples", "" + samples, "--seqlen", "" + length, "--dtype", type, "--save-path",
                target.toString(), "--overwrite", "--quiet");
    }

    private static double median(List<Usage> runs, Function<Usage, Duration> of) {
        double[] sorted = runs.stream().mapToDouble(run -> of.apply(run).toNanos() / 1e9).sorted().toArray();
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }
}
