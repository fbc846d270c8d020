package dev.come.benchmark;

import dev.come.ByteSize;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/whole-run}: our {@code prune} and the authors', on the same model and the same tokens, from the start of
 * the process to the written model: windows of wikitext2, for mka questions of mmlu, which theirs pads. Best on an idle
 * machine.
 */
@Command(name = "whole-run", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times 'come prune' on a model and wikitext2 (mka: mmlu) and, with --reference",
    "and --python, the authors' command on the same tokens, in turns. Needs Linux."})
final class WholeRun implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--data-dir", required = true, paramLabel = "DIR",
            description = "Folder that holds wikitext2 (for mka: mmlu), as 'come prune' takes it.")
    private Path dataDirectory = Path.of("");

    @Option(names = "--method", paramLabel = "NAME",
            description = "concat_merge, concat_merge_P, sleb, shortgpt, taylor, mka or magnitude (default: "
                    + "${DEFAULT-VALUE}).")
    private String method = "concat_merge";

    @Option(names = "--seqlen", paramLabel = "TOKENS",
            description = "Tokens in a window, or at most in a question (default: ${DEFAULT-VALUE}).")
    private int sequenceLength = 2048;

    @Option(names = "--target-layers", paramLabel = "N",
            description = "Decoder layers to be left (default: ${DEFAULT-VALUE}).")
    private int targetLayers = 21;

    @Option(names = "--nsamples", paramLabel = "ROWS",
            description = "Rows of the data set to calibrate on (default: 256; mka: 250, and a multiple of 50).")
    private @Nullable Integer samples;

    @Option(names = "--dtype", arity = "1..*", paramLabel = "TYPE", description = {
        "auto, float32, bfloat16 or several (default: auto).",
        "auto: what either command chooses; the authors' takes the type of the checkpoint."})
    private List<String> types = List.of("auto");

    @Option(names = "--rounds", paramLabel = "N",
            description = "How often each command is run; the fastest run counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 1;

    @Option(names = "--perplexity", description = {"Let both measure perplexity on wikitext2 in the end.",
        "Ours does it before and after, the authors' only after."})
    private boolean perplexity;

    @ArgGroup(exclusive = false)
    private PruneCase.@Nullable Reference reference;

    /** One of the two commands. */
    private record Contestant(String name, List<String> command) {}

    static void main(String[] arguments) {
        Program.run(new WholeRun(), arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!PruneCase.methods().contains(method)) {
            throw new IllegalArgumentException("--method: there is no " + method + " to compare; choose from "
                    + PruneCase.methods().stream().sorted().toList());
        }
        Path work = Files.createTempDirectory("come-whole-run");
        try {
            Usage.of(List.of(Program.come(), "--version"), work.resolve("build.log")); // builds it if necessary
            PrintWriter out = spec.commandLine().getOut();
            out.printf("%-9s%-9s%12s%15s%14s%n", "", "command", "wall", "processor", "peak memory");
            for (String type : types) {
                compare(type, work, out);
            }
        } finally {
            Program.delete(work);
        }
        return 0;
    }

    private void compare(String type, Path work, PrintWriter out) throws IOException, InterruptedException {
        List<Contestant> contestants = new ArrayList<>();
        contestants.add(new Contestant("ours", prune().ours(Program.come(), type, work)));
        if (reference != null) {
            contestants.add(new Contestant("authors'", prune().theirs(reference, type, work)));
        }
        List<List<Usage>> runs = contestants.stream().map(_ -> (List<Usage>) new ArrayList<Usage>()).toList();
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < contestants.size(); i++) {
                Usage usage = Usage.of(contestants.get(i).command(), work.resolve("run.log"));
                runs.get(i).add(usage);
                out.printf(Locale.ROOT, "%-9s%-9s%10.1f s%13.1f s%14s%n", type, contestants.get(i).name(),
                        seconds(usage.wall()), seconds(usage.processor()), ByteSize.format(usage.peakBytes()));
                out.flush();
            }
        }
        if (reference != null) {
            Usage ours = fastest(runs.getFirst());
            Usage theirs = fastest(runs.getLast());
            out.printf(Locale.ROOT, "%-9sthe authors' takes %.2f times our wall time, %.2f times our processor time and"
                    + " %.2f times our memory%n", type, seconds(theirs.wall()) / seconds(ours.wall()),
                    seconds(theirs.processor()) / seconds(ours.processor()),
                    (double) theirs.peakBytes() / ours.peakBytes());
        }
    }

    private PruneCase prune() {
        int rows = samples != null ? samples : method.equals(PruneCase.MKA) ? 250 : 256;
        return new PruneCase(method, model, dataDirectory, sequenceLength, targetLayers, rows, perplexity);
    }

    private static Usage fastest(List<Usage> runs) {
        return runs.stream().min(Comparator.comparing(Usage::wall)).orElseThrow();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
