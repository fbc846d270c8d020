package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The commands that {@link FaultTests} runs, on files of a current folder, and what they write. */
final class FaultInputs {
    private static final String CALIBRATION = " --calibration-dataset text.txt --nsamples 12 --seqlen 32 --threads 1";
    private static final String BY_WEIGHTS = "prune --model-name model --save-path out --target-layers 3 --method ";
    private static final String PRUNE = "prune --model-name model --save-path out --target-layers 3" + CALIBRATION;
    private static final String STORIES = " --calibration-dataset stories.csv --nsamples 100 --seqlen 128";
    private static final String DISTILL = "distill --model-name pruned --teacher model --save-path out --tokens 320"
            + " --validation-tokens 64 --batch-tokens 64 --eval-every 2 --threads 2 --seqlen 32 --calibration-dataset text.txt";

    private FaultInputs() {
    }

    /** A command, and the files and folders that it writes. */
    @SuppressWarnings("ImmutableEnumChecker") // the list does not change
    enum Case {
        PRUNE_BY_CONCATENATION(PRUNE + " --method concat_merge --ppl-data text.txt", "out"), //
        PRUNE_WITH_REFITS(PRUNE + " --method come_auto --refit=1 --shortlist=2 --granularity=2 --memory 1KB", "out"), //
        PRUNE_AND_HEAL(
                "prune --method reverse --retain-layer 8,9 --model-name stories --target-layers 8 --save-path out"
                        + " --heal ridge" + STORIES,
                "out"), //
        PRUNE_IN_STEPS(PRUNE + " --method sleb --continue-saving", "out/5-layers", "out/4-layers", "out/3-layers"), //
        PRUNE_BY_SEVERAL(PRUNE + " --method reverse,magnitude,shortgpt", "out/reverse", "out/magnitude",
                "out/shortgpt"), //
        PRUNE_IN_PLACE_OF_ANOTHER(BY_WEIGHTS + "magnitude --overwrite", "out"), //
        PRUNE_INTO_SHARDS(BY_WEIGHTS + "reverse --max-shard-size 20KB", "out"), //
        HEAL_A_MODEL("heal --model-name cut --teacher stories --save-path out" + STORIES, "out"), //
        DISTILL_A_MODEL(DISTILL, "out"), //
        DISTILL_IN_PROCESSES(DISTILL + " --mode mp --workers 2 --level layer", "out"), //
        APPLY_A_PLAN("apply --plan pruned/come.json --model-name model --save-path out", "out"), //
        EVALUATE("eval --model-name model --tasks task.json --data-dir . --threads 1 --memory 1KB --output result.json"
                + " --log-samples --ppl-data text.txt --seqlen 32 --losses losses.csv", "result.json",
                "result.samples.jsonl", "losses.csv"), //
        DOWNLOAD("generate --model-name owner/tiny --prompt w3 --max-new-tokens 1",
                "hf/hub/models--owner--tiny/snapshots"), //
        LOOK("inspect owner/tiny", "hf/hub/models--owner--tiny/snapshots"), //
        UNPACK("generate --model-name tiny.gguf --prompt AB --max-new-tokens 1", "cache/come/gguf"), //
        DEMO("demo --save-path out", "out/pruned");

        private final String line;
        private final List<String> outputs;

        Case(String line, String... outputs) {
            this.line = line;
            this.outputs = List.of(outputs);
        }

        List<String> arguments() {
            return List.of(line.split(" "));
        }

        /** Whether its output is the cache of the hub, which Python's tools share, and where each file is whole by itself. */
        boolean growsByFiles() {
            return this == DOWNLOAD || this == LOOK;
        }

        /** The files or folders that are there as a whole or not at all. */
        List<String> outputs() {
            return outputs;
        }

        /** Puts there what only this command finds. */
        void prepare(Path work) throws IOException {
            if (this == PRUNE_IN_PLACE_OF_ANOTHER) {
                copy(work.resolve("pruned"), work.resolve("out"));
            }
        }
    }

    /** Makes the folder that all commands begin with. */
    static Path prepare(Path folder) throws IOException {
        Trial trial = new Trial(Files.createDirectories(folder));
        assertThat(Trial.run(trial.prune("--save-path", folder.resolve("pruned").toString())).exitCode()).isZero();
        DemoModel.unpack(folder.resolve("stories")); // one that can be healed
        assertThat(Trial.run(List.of("prune", "--method", "reverse", "--retain-layer", "8,9", "--model-name",
                folder.resolve("stories").toString(), "--target-layers", "8", "--save-path",
                folder.resolve("cut").toString())).exitCode()).isZero();
        Files.writeString(folder.resolve("stories.csv"),
                DemoModel.calibrationText().lines().filter(line -> !line.isBlank())
                        .map(line -> '"' + line.replace("\"", "\"\"") + '"')
                        .collect(Collectors.joining("\n", "text\n", "\n")));
        Random words = new Random(11);
        Files.writeString(folder.resolve("rows.jsonl"),
                Stream.generate(() -> "{\"q\": \"%s\", \"choices\": [\"%s\", \"%s\"], \"answer\": %s}\n".formatted(
                        words(words, 20), words(words, 5), words(words, 5), words.nextInt(2))).limit(60)
                        .collect(Collectors.joining()));
        Files.writeString(folder.resolve("task.json"), """
                {"task": "words", "version": "1", "documents": {"split": "test", "files": "rows.jsonl"},
                 "context": "{q}", "choices": "choices", "gold": {"column": "answer"}, "metrics": ["acc", "acc_norm"]}
                """);
        SmallGguf.write(folder.resolve("tiny.gguf"));
        return folder;
    }

    private static String words(Random random, int count) {
        return random.ints(count, 3, 128).mapToObj(word -> "w" + word).collect(Collectors.joining(" "));
    }

    static void copy(Path from, Path to) throws IOException {
        for (Path path : walk(from, false)) {
            Files.copy(path, to.resolve(from.relativize(path).toString()));
        }
    }

    static void delete(Path root) throws IOException {
        if (Files.exists(root)) {
            for (Path path : walk(root, true)) {
                Files.delete(path);
            }
        }
    }

    /** Makes files an hour old: what was written only just now might be somebody's who is still at work. */
    static void age(Path folder) throws IOException {
        FileTime then = FileTime.from(Instant.now().minus(Duration.ofHours(1)));
        for (Path file : walk(folder, false)) {
            Files.setLastModifiedTime(file, then);
        }
    }

    private static List<Path> walk(Path root, boolean deepestFirst) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            List<Path> all = new ArrayList<>(paths.toList());
            all.sort(deepestFirst ? Comparator.reverseOrder() : Comparator.naturalOrder());
            assertThat(all).allMatch(path -> Files.exists(path, LinkOption.NOFOLLOW_LINKS));
            return all;
        }
    }
}
