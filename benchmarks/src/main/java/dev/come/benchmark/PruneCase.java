package dev.come.benchmark;

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
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import picocli.CommandLine.Option;

/**
 * A pruning that our command and the authors' can both do: on windows of wikitext2, for mka on questions of mmlu, which theirs
 * pads.
 *
 * @param samples rows of the data set to calibrate on
 * @param perplexity whether both measure it on wikitext2 in the end
 */
record PruneCase(String method, Path model, Path dataDirectory, int sequenceLength, int targetLayers, int samples,
        boolean perplexity) {
    static final String MKA = "mka";
    private static final String DATASET = "wiki2";
    private static final int MKA_TASKS = 50;
    /** What a method is given besides; an empty list for those that need nothing. */
    private static final Map<String, List<String>> METHOD_OPTIONS = Map.of( //
            "concat_merge", List.of("--skip-method", "bi", "--merge-item", "2", "--wo-repeat"), //
            "concat_merge_P", List.of("--skip-method", "bi", "--merge-item", "2", "--wo-repeat", "--granularity", "20"),
            "sleb", List.of(), "shortgpt", List.of(), "taylor", List.of(), MKA,
            List.of("--num-tasks", "" + MKA_TASKS), "magnitude", List.of());
    private static final long SEED = 10;

    /** The authors' code. */
    static final class Reference {
        @Option(names = "--reference", required = true, paramLabel = "CHECKOUT",
                description = "A checkout of the authors' code, github.com/WangFei-2019/CoMe.")
        private Path checkout = Path.of("");

        @Option(names = "--python", required = true, paramLabel = "PYTHON",
                description = "A Python that has torch, transformers (4.46 fits) and what else their code needs.")
        private String python = "";
    }

    /** The methods that both have. */
    static Set<String> methods() {
        return METHOD_OPTIONS.keySet();
    }

    /** Our command. */
    List<String> ours(String come, String type, Path work) {
        List<String> command = new ArrayList<>(List.of(come, "prune"));
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
        return command;
    }

    /** Theirs; the windows are written to files in the folder. */
    List<String> theirs(Reference authors, String type, Path work) throws IOException {
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
        return command;
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
        return List.of("--calibration-dataset", calibrationData(), "--nsamples", "" + samples, "--seed", "" + SEED);
    }

    private String calibrationData() {
        return method.equals(MKA) ? "mmlu" : DATASET;
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
}
