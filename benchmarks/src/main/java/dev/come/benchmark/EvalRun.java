package dev.come.benchmark;

import dev.come.Progress;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.evaluate.TaskResult;
import dev.come.job.ComputeChoice;
import dev.come.job.EvalJob;
import dev.come.job.PerplexityOptions;
import dev.come.text.WindowLength;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/eval-run}: how many documents of a task are scored in a second, beside what lm-evaluation-harness was measured to
 * score on the same machine. Best on an idle machine.
 */
@Command(name = "eval-run", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times 'come eval' on documents of a task, from opening the model to the result,",
    "without the start of the JVM."})
final class EvalRun implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--data-dir", required = true, paramLabel = "DIR",
            description = "Folder that holds the data of the task, as 'come eval' takes it.")
    private Path dataDirectory = Path.of("");

    @Option(names = "--task", paramLabel = "NAME", description = "The task (default: ${DEFAULT-VALUE}).")
    private String task = "hellaswag";

    @Option(names = "--limit", paramLabel = "N", description = "Documents (default: ${DEFAULT-VALUE}).")
    private int limit = 100;

    @Option(names = "--dtype", arity = "1..*", paramLabel = "TYPE",
            description = "float32, bfloat16 or both (default: both).")
    private List<String> types = List.of("float32", "bfloat16");

    @Option(names = "--threads", paramLabel = "N", description = "Threads (default: ${DEFAULT-VALUE}).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--rounds", paramLabel = "N",
            description = "How often each is run; the fastest counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 3;

    @Option(names = "--harness", arity = "1..*", paramLabel = "RATE", description = {
        "Documents per second of lm-evaluation-harness for each type, to compare with",
        "(default: 1.95 3.48, its rates for 100 documents of hellaswag on SmolLM2-135M,",
        "two cores)."})
    private List<Double> harness = List.of(1.95, 3.48);

    private EvalRun() {
    }

    static void main(String[] arguments) {
        System.exit(new CommandLine(new EvalRun()).execute(arguments));
    }

    @Override
    public Integer call() {
        for (int i = 0; i < types.size(); i++) {
            double best = 0;
            for (int round = 1; round <= rounds; round++) {
                double rate = rate(types.get(i), round);
                best = Math.max(best, rate);
            }
            String compared = i < harness.size()
                    ? String.format(Locale.ROOT, ", %.2f times the harness (%.2f)", best / harness.get(i),
                            harness.get(i))
                    : "";
            spec.commandLine().getOut().printf(Locale.ROOT, "%s: %.2f documents per second%s%n", types.get(i), best,
                    compared);
        }
        return 0;
    }

    private double rate(String type, int round) {
        EvaluationOptions options = new EvaluationOptions(List.of(task), 0, limit, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, dataDirectory);
        Duration processorBefore = processor();
        long started = System.nanoTime();
        EvaluationReport report = EvalJob.run(
                new EvalJob.Request(model, Optional.empty(), options,
                        new PerplexityOptions(List.of(), WindowLength.DEFAULT, PerplexityOptions.ALL_WINDOWS),
                        Optional.empty(), false),
                new ComputeChoice(type, "cpu", threads, 256L << 20), Progress.NONE);
        double seconds = (System.nanoTime() - started) / 1e9;
        TaskResult result = report.model().results().tasks().getFirst();
        spec.commandLine().getOut().printf(Locale.ROOT,
                "%s, round %d: %d documents in %.1f s, %.1f s of processor time; %s%n", type, round, result.documents(),
                seconds, processor().minus(processorBefore).toMillis() / 1000.0, result.values());
        return result.documents() / seconds;
    }

    /** Of all threads; tells how fast a run would have been on a machine that was not idle. */
    private static Duration processor() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }
}
