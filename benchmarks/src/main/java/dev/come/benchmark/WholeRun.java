package dev.come.benchmark;

import dev.come.ByteSize;
import dev.come.checkpoint.ConfigTree;
import dev.come.model.ModelConfig;
import dev.come.model.Positions;
import dev.come.text.CalibrationSet;
import dev.come.text.PerplexityText;
import dev.come.text.Sequences;
import dev.come.text.TextSource;
import dev.come.text.Tokenizer;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
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
    private static final String DATASET = "wiki2";
    private static final String MKA = "mka";
    private static final int MKA_TASKS = 50;
    /** What a method is given besides; an empty list for those that need nothing. */
    private static final Map<String, List<String>> METHOD_OPTIONS = Map.of( //
            "concat_merge", List.of("--skip-method", "bi", "--merge-item", "2", "--wo-repeat"), //
            "concat_merge_P", List.of("--skip-method", "bi", "--merge-item", "2", "--wo-repeat", "--granularity", "20"),
            "sleb", List.of(), "shortgpt", List.of(), "taylor", List.of(), MKA,
            List.of("--num-tasks", "" + MKA_TASKS), "magnitude", List.of());
    private static final long SEED = 10;

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
            description = "Rows of the data set to calibrate on (default: 256; mka: 250, and a multiple of " + MKA_TASKS
                    + ").")
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
    private @Nullable Reference reference;

    /** The authors' code. */
    static final class Reference {
        @Option(names = "--reference", required = true, paramLabel = "CHECKOUT",
                description = "A checkout of the authors' code, github.com/WangFei-2019/CoMe.")
        private Path checkout = Path.of("");

        @Option(names = "--python", required = true, paramLabel = "PYTHON",
                description = "A Python that has torch, transformers (4.46 fits) and what else their code needs.")
        private String python = "";
    }

    /** One of the two commands. */
    private record Contestant(String name, List<String> command) {}

    static void main(String[] arguments) {
        Program.run(new WholeRun(), arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (!METHOD_OPTIONS.containsKey(method)) {
            throw new IllegalArgumentException("--method: there is no " + method + " to compare; choose from "
                    + METHOD_OPTIONS.keySet().stream().sorted().toList());
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
        contestants.add(ours(type, work));
        if (reference != null) {
            contestants.add(theirs(reference, type, work));
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

    private Contestant ours(String type, Path work) {
        List<String> command = new ArrayList<>(List.of(Program.come(), "prune"));
        command.addAll(arguments(work.resolve("ours")));
        if (!method.equals("magnitude")) { // looks at weights only
            command.addAll(data());
            command.addAll(List.of("--seqlen", "" + sequenceLength));
        }
        if (method.equals("sleb")) { // theirs keeps no layer from being removed
            command.addAll(List.of("--barriers", "0,0"));
        }
        command.addAll(List.of("--data-dir", dataDirectory.toString(), "--dtype",
                method.equals("taylor") ? "auto" : type, "--overwrite", "--quiet"));
        return new Contestant("ours", command);
    }

    private Contestant theirs(Reference authors, String type, Path work) throws IOException {
        Path calibration = work.resolve("calibration.txt");
        Path perplexityWindows = work.resolve("perplexity.txt");
        OptionalInt tasks = method.equals(MKA) ? OptionalInt.of(MKA_TASKS) : OptionalInt.empty();
        try (Tokenizer tokenizer = Tokenizer.open(model)) {
            WindowLength length = WindowLength.of(sequenceLength);
            Positions positions = ModelConfig.of(ConfigTree.read(model.resolve("config.json"))).positions();
            write(new CalibrationSet.Options(source(calibrationData()), samples(), tasks, SEED, length)
                    .take(tokenizer, positions).sequences(), calibration);
            if (perplexity) {
                write(PerplexityText.read(source(DATASET), length, OptionalInt.empty(), Integer.MAX_VALUE, tokenizer,
                        positions).windows(), perplexityWindows);
            }
        }
        List<String> command = new ArrayList<>(
                List.of(authors.python, Program.root().resolve("benchmarks/reference.py").toString(),
                        authors.checkout.toString(), type, calibration.toString(), perplexityWindows.toString()));
        command.addAll(arguments(work.resolve("theirs")));
        command.addAll(data());
        return new Contestant("authors'", command);
    }

    /** What both commands understand. */
    private List<String> arguments(Path target) {
        List<String> arguments = new ArrayList<>(List.of("--method", method, "--model-name", model.toString(),
                "--target-layers", "" + targetLayers, "--save-path", target.toString()));
        arguments.addAll(METHOD_OPTIONS.getOrDefault(method, List.of()));
        if (perplexity) {
            arguments.addAll(List.of("--ppl-data", DATASET));
        }
        return arguments;
    }

    private List<String> data() {
        return List.of("--calibration-dataset", calibrationData(), "--nsamples", "" + samples(), "--seed", "" + SEED);
    }

    private String calibrationData() {
        return method.equals(MKA) ? "mmlu" : DATASET;
    }

    private int samples() {
        if (samples != null) {
            return samples;
        }
        return method.equals(MKA) ? 250 : 256;
    }

    private TextSource source(String name) {
        return new TextSource(name, dataDirectory, TextSource.DEFAULT_FIELD);
    }

    private static void write(Sequences windows, Path file) throws IOException {
        Files.write(file, IntStream.range(0, windows.count())
                .mapToObj(i -> Arrays.stream(windows.sequence(i)).mapToObj(Integer::toString)
                        .collect(Collectors.joining(" ")))
                .toList());
    }

    private static Usage fastest(List<Usage> runs) {
        return runs.stream().min(Comparator.comparing(Usage::wall)).orElseThrow();
    }

    private static double seconds(Duration duration) {
        return duration.toNanos() / 1e9;
    }
}
