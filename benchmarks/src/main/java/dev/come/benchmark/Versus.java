package dev.come.benchmark;

import dev.come.ByteSize;
import dev.come.checkpoint.ConfigTree;
import dev.come.model.Engine;
import dev.come.model.ModelConfig;
import dev.come.model.Processor;
import java.io.IOException;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * {@code benchmarks/versus}: an older build of the command and this one on several pieces of work, in turns, and beside them
 * the authors' code and transformers where they are given. Whole processes, from start to end.
 */
@Command(name = "versus", mixinStandardHelpOptions = true, sortOptions = false, description = {
    "Times an older build and this one, and with --reference and --python the authors'",
    "code, with --transformers the library, in turns on the same work. Needs Linux."})
final class Versus implements Callable<Integer> {
    private static final String OLD = "old";
    private static final String NEW = "new";
    private static final String PROMPT = "prompt";
    private static final String TOKENS = "tokens";
    private static final int ITERATIONS = 5;

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "OLD_BUILD",
            description = "The other build: its command, or a checkout or distribution that holds it.")
    private Path oldBuild = Path.of("");

    @Option(names = "--model-name", required = true, paramLabel = "DIR", description = "Folder of the model.")
    private Path model = Path.of("");

    @Option(names = "--data-dir", required = true, paramLabel = "DIR", description = "Folder that holds wikitext2.")
    private Path dataDirectory = Path.of("");

    @Option(names = "--new-build", paramLabel = "BUILD", description = "Time this build in place of the one here.")
    private @Nullable Path newBuild;

    @Option(names = "--work", arity = "1..*", paramLabel = "NAME", description = {
        "shortgpt, concat_merge, concat_merge_P (one step), sleb (four steps), taylor,",
        "prompt (of 2048 tokens), tokens (4 x (64 + 32)), or several (default: all)."})
    private List<String> work = List.of("shortgpt", "concat_merge", "concat_merge_P", "sleb", "taylor", PROMPT, TOKENS);

    @Option(names = "--nsamples", paramLabel = "ROWS",
            description = "Rows of wikitext2 for every method (default: 256; 100 for taylor, 40 where it searches).")
    private @Nullable Integer samples;

    @Option(names = "--seqlen", paramLabel = "TOKENS",
            description = "Tokens in a window, and of the prompt (default: ${DEFAULT-VALUE}).")
    private int sequenceLength = 2048;

    @Option(names = "--dtype", paramLabel = "TYPE",
            description = "auto, float32 or bfloat16; taylor is float32 (default: ${DEFAULT-VALUE}).")
    private String type = "auto";

    @Option(names = "--memory", paramLabel = "SIZE",
            description = "What taylor is given for hidden states and graphs (default: ${DEFAULT-VALUE}).")
    private String memory = "8GB";

    @Option(names = "--rounds", paramLabel = "N",
            description = "How often each is run; the fastest run counts (default: ${DEFAULT-VALUE}).")
    private int rounds = 3;

    @Option(names = "--transformers", paramLabel = "PYTHON",
            description = "A Python that has torch and transformers, for prompt and tokens.")
    private @Nullable String transformers;

    @ArgGroup(exclusive = false)
    private PruneCase.@Nullable Reference reference;

    static void main(String[] arguments) {
        Program.run(new Versus(), arguments);
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        int layers = ModelConfig.of(ConfigTree.read(model.resolve("config.json"))).layers();
        String old = command(oldBuild);
        String own = newBuild == null ? Program.come() : command(newBuild);
        Path folder = Files.createTempDirectory("come-versus");
        PrintWriter out = spec.commandLine().getOut();
        try {
            for (String come : List.of(old, own)) {
                Usage.of(List.of(come, "--version"), folder.resolve("build.log")); // builds it if necessary
            }
            out.printf("%s, %s, %d threads, load %s%n", Processor.name().orElse("unknown processor"),
                    Engine.instructions(), Runtime.getRuntime().availableProcessors(), load());
            out.printf("%-16s%-14s%9s%12s%12s%10s%11s%n", "work", "", "wall", "processor", "memory", "new wall",
                    "processor");
            for (String one : work) {
                compare(one, commands(one, layers, old, own, folder), folder, out);
            }
            out.printf("load at the end %s%n", load());
        } finally {
            Program.delete(folder);
        }
        return 0;
    }

    /** The command of a build. */
    private static String command(Path build) {
        return Stream.of(build.resolve("come"), build.resolve("bin/come"), build)
                .filter(file -> Files.isRegularFile(file) && Files.isExecutable(file)).findFirst()
                .orElseThrow(() -> new IllegalArgumentException(build
                        + " is neither a command nor a folder with one (come or bin/come); name a checkout or a distribution"))
                .toAbsolutePath().toString();
    }

    private Map<String, List<String>> commands(String one, int layers, String old, String own, Path folder)
            throws IOException {
        Map<String, List<String>> commands = new LinkedHashMap<>();
        if (one.equals(PROMPT) || one.equals(TOKENS)) {
            boolean tokens = one.equals(TOKENS);
            List<String> sizes = tokens
                    ? List.of("4", "64", "32", "" + ITERATIONS)
                    : List.of("1", "" + sequenceLength, "0", "" + ITERATIONS);
            commands.put(OLD, latency(old, sizes));
            commands.put(NEW, latency(own, sizes));
            if (transformers != null) {
                List<String> command = new ArrayList<>(List.of(transformers,
                        Program.root().resolve("benchmarks/transformers_speed.py").toString(), model.toString(), type));
                command.addAll(sizes);
                commands.put("transformers", command);
            }
            return commands;
        }
        PruneCase prune = prune(one, layers);
        commands.put(OLD, prune.ours(old, type, folder));
        commands.put(NEW, prune.ours(own, type, folder));
        if (one.equals("taylor")) {
            commands.values().forEach(command -> command.addAll(List.of("--memory", memory)));
        }
        if (reference != null) {
            commands.put("authors'", prune.theirs(reference, type, folder));
        }
        return commands;
    }

    private PruneCase prune(String method, int layers) {
        return switch (method) {
            case "shortgpt", "concat_merge" -> prune(method, Math.max(1, layers * 7 / 10), 256);
            case "taylor" -> prune(method, Math.max(1, layers * 7 / 10), 100);
            case "concat_merge_P" -> prune(method, layers - 1, 40);
            case "sleb" -> prune(method, Math.max(1, layers - 4), 40);
            default ->
                throw new IllegalArgumentException("--work: there is no " + method + "; --help lists what there is");
        };
    }

    private PruneCase prune(String method, int targetLayers, int rows) {
        return new PruneCase(method, model, dataDirectory, sequenceLength, targetLayers,
                samples == null ? rows : samples, false);
    }

    /** @param sizes sequences side by side, tokens of each prompt, tokens after it, timings */
    private List<String> latency(String come, List<String> sizes) {
        List<String> command = new ArrayList<>(List.of(come, "latency", "--model-name", model.toString(), "--batch",
                sizes.get(0), "--prompt", sizes.get(1), "--iterations", sizes.get(3), "--dtype", type, "--quiet"));
        if (!sizes.get(2).equals("0")) {
            command.addAll(List.of("--generation", "--new-tokens", sizes.get(2)));
        }
        return command;
    }

    private void compare(String one, Map<String, List<String>> commands, Path folder, PrintWriter out)
            throws IOException, InterruptedException {
        Map<String, List<Usage>> runs = new LinkedHashMap<>();
        for (int round = 0; round < rounds; round++) {
            for (Map.Entry<String, List<String>> command : commands.entrySet()) {
                runs.computeIfAbsent(command.getKey(), _ -> new ArrayList<>())
                        .add(Usage.of(command.getValue(), folder.resolve("run.log")));
            }
        }
        double wall = least(runs.getOrDefault(NEW, List.of()), Usage::wall);
        double processor = least(runs.getOrDefault(NEW, List.of()), Usage::processor);
        runs.forEach((name, usages) -> out.printf(Locale.ROOT, "%-16s%-14s%7.1f s%10.1f s%12s%8.2f x%9.2f x%n", one,
                name, least(usages, Usage::wall), least(usages, Usage::processor),
                ByteSize.format(usages.stream().mapToLong(Usage::peakBytes).max().orElse(0)),
                least(usages, Usage::wall) / wall, least(usages, Usage::processor) / processor));
        out.flush();
    }

    private static double least(List<Usage> usages, Function<Usage, Duration> of) {
        return usages.stream().mapToDouble(usage -> of.apply(usage).toNanos() / 1e9).min().orElse(Double.NaN);
    }

    /** How many processes wanted a processor in the last minute. */
    private static String load() {
        return String.format(Locale.ROOT, "%.1f", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    }
}
