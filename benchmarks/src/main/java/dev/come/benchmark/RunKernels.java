package dev.come.benchmark;

import dev.come.model.Compute;
import dev.come.model.LayerBenchmark;
import java.io.PrintWriter;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/run-kernels}: how much longer a layer takes than its matrix products and its attention alone. Best on
 * an idle machine.
 */
@Command(name = "run-kernels", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times a decoder layer (SmolLM2-135M's shapes, a window of 2048 tokens for each thread)",
    "against its matrix products and its attention alone. Takes about two minutes for each",
    "combination of type and threads."})
final class RunKernels implements Callable<Integer> {
    private static final double TARGET = 1.3;

    @Spec
    private CommandSpec spec;

    @Option(names = "--dtype", arity = "1..*", paramLabel = "TYPE",
            description = "float32 or bfloat16 (default: float32, and bfloat16 where the processor multiplies it).")
    private List<String> types = List.of();

    @Option(names = "--threads", arity = "1..*", paramLabel = "N",
            description = "Threads at work, each on a window of its own (default: 1, and one per processor).")
    private List<Integer> threads = Stream.of(1, Runtime.getRuntime().availableProcessors()).distinct().toList();

    /** Average milliseconds that one thread takes for one window. */
    private record Times(double layer, double products, double attention) {
        static Times of(Collection<RunResult> results) {
            Map<String, Double> byMethod = results.stream().map(RunResult::getPrimaryResult)
                    .collect(Collectors.toMap(result -> result.getLabel(), result -> result.getScore()));
            Function<String, Double> time = method -> byMethod.getOrDefault(method, Double.NaN);
            return new Times(time.apply("layer"),
                    Math.min(time.apply("products"), time.apply("productsInBlocks")),
                    Math.min(time.apply("attention"), time.apply("engineAttention")));
        }

        double ratio() {
            return layer / (products + attention);
        }
    }

    static void main(String[] arguments) {
        System.exit(new CommandLine(new RunKernels()).execute(arguments));
    }

    @Override
    public Integer call() throws RunnerException {
        PrintWriter out = spec.commandLine().getOut();
        if (types.isEmpty()) {
            types = Compute.processorMultipliesBfloat16() ? List.of("float32", "bfloat16") : List.of("float32");
        }
        StringBuilder table = new StringBuilder("%n%-9s%8s%12s%12s%12s%8s%n".formatted("", "threads", "layer",
                "products", "attention", "ratio"));
        for (String type : types) {
            for (int count : threads) {
                Times times = Times.of(new Runner(options(type, count)).run());
                table.append(String.format(Locale.ROOT, "%-9s%8d%9.1f ms%9.1f ms%9.1f ms%8.2f%n", type, count,
                        times.layer, times.products, times.attention, times.ratio()));
            }
        }
        out.print(table);
        out.printf(Locale.ROOT, "%nratio = layer / (products + attention); it should be at most %.1f.%n", TARGET);
        if (!types.contains("bfloat16")) {
            out.println("bfloat16 was left out: this processor has no instructions for it, so it is slow whatever we do"
                    + " (--dtype bfloat16 measures it all the same).");
        }
        out.flush();
        return 0;
    }

    private static Options options(String type, int threads) {
        return new OptionsBuilder().include(LayerBenchmark.class.getName()).param("dtype", type).threads(threads)
                .shouldFailOnError(true).build();
    }
}
