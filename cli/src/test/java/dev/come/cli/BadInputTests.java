package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole command on input that is wrong: one line, the right exit code, nothing written, nothing changed. */
class BadInputTests {
    private static final int USAGE = 2;
    private static final int INPUT = 3;
    private static final int NOTHING_TO_DO = 4;

    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    @Test
    void goodInputWorks() {
        Outcome outcome = Trial.run(trial.prune("--ppl-data", trial.text.toString()));
        assertThat(outcome.err()).doesNotContain("come:");
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("layers", "perplexity", "out/come.json");
        assertThat(folder.resolve("out/model.safetensors")).exists();
    }

    private void assertRefused(int exitCode, List<String> arguments, String... message) {
        SortedMap<String, String> before = Trial.hashes(folder);
        Outcome outcome = Trial.run(arguments);
        String[] lines = outcome.err().lines().filter(line -> line.startsWith("come: ")).toArray(String[]::new);
        assertThat(lines).as(outcome.err()).hasSize(1);
        assertThat(lines[0]).contains(message);
        assertThat(outcome.exitCode()).as(lines[0]).isEqualTo(exitCode);
        assertThat(outcome.err()).doesNotContain("\tat ", "unexpected");
        assertThat(Trial.hashes(folder)).as("what lies there").isEqualTo(before);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --target-layers 0 | --target-layers is 0, but the model has 6 layers; choose from 1 to 5
            --target-layers -2 | --target-layers is -2
            --target-layers 6 | --target-layers is 6
            --target-layers 60 | --target-layers is 60
            --granularity 4 | --granularity is no option of concat_merge
            --threads 0 | --threads is 0
            --memory much | --memory
            --dtype float8 | --dtype is "float8", but the choices are auto, float32 and bfloat16
            --device tpu | --device
            --nsamples 0 | --nsamples must be at least 1
            --seqlen 0 | --seqlen
            --psu many | --psu
            --max-shard-size 0 | --max-shard-size
            --heal lasso | --heal: there is no lasso
            --heal ridge --heal-scope some | --heal-scope: there is no some
            --heal ridge --heal-targets up | --heal-targets: there is no up
            --heal-targets down | --heal-targets says how to heal
            --heal none --heal-scope cut | --heal-scope says how to heal
            """)
    void optionsOutOfRange(String options, String message) {
        assertRefused(USAGE, trial.prune(options.split(" ")), message);
    }

    private List<String> eval(String... more) {
        List<String> arguments = new ArrayList<>(List.of("eval", "--model-name", trial.model.toString(), "--seqlen",
                "32", "--threads", "1"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --stride 0 --ppl-data TEXT | --stride is 0, but must be from 1 to --seqlen, which is 32
            --stride 33 --ppl-data TEXT | --stride is 33, but must be from 1 to --seqlen, which is 32
            --stride few --ppl-data TEXT | --stride
            --stride 16 --tasks piqa | --stride says how perplexity is measured, but --ppl-data is missing
            --compare MODEL --tasks piqa | --compare runs both models on the texts of --ppl-data, which is missing
            --losses FILE --tasks piqa | --losses writes what the tokens of --ppl-data cost, which is missing
            --losses TEXT --ppl-data TEXT | text.txt is there already; add --overwrite
            --overwrite --ppl-data TEXT | --overwrite replaces the files of --output and --losses, which are missing
            """)
    void anEvaluationThatCannotBe(String options, String message) {
        assertRefused(USAGE, eval(options.replace("TEXT", trial.text.toString())
                .replace("MODEL", trial.model.toString()).replace("FILE", folder.resolve("losses.csv").toString())
                .split(" ", -1)), message);
    }

    @Test
    void aModelToCompareWithThatIsNotThere() {
        assertRefused(INPUT, eval("--ppl-data", trial.text.toString(), "--compare", folder.resolve("none").toString()),
                "none, and it is no name on the");
    }

    @Test
    void textShorterThanOneWindow() throws IOException {
        Files.writeString(trial.text, "w3 w4 w5");
        assertRefused(INPUT, trial.prune(), "has 4 tokens, but one window needs 32");
    }

    @Test
    void aNamedDataSetThatIsNotThere() {
        assertRefused(INPUT, trial.prune("--calibration-dataset", "wiki2"), "Salesforce/wikitext", "HF_HUB_OFFLINE");
        assertRefused(INPUT, trial.prune("--calibration-dataset", "wiki2", "--data-dir", folder.toString()),
                "The corpus wiki2 is not in " + folder);
    }

    @Test
    void textThatIsNotThere() {
        assertRefused(INPUT, trial.prune("--calibration-dataset", "none.txt"), "none.txt is neither");
    }

    @Test
    void aModelThatIsNotThere() {
        assertRefused(INPUT, trial.prune("--model-name", "some/model"), "some/model", "HF_HUB_OFFLINE");
        assertRefused(INPUT, trial.prune("--model-name", "./some/model"), "There is no folder ./some/model here",
                "hub");
        assertRefused(INPUT, trial.prune("--model-name", "some.gguf"), "some.gguf cannot be read (no such file)");
        assertRefused(USAGE, trial.prune("--revision", "v1"), "--revision is for models on the hub");
        assertRefused(USAGE, trial.prune("--model-name", "some/model", "--revision", "../v1"), "--revision is '../v1'");
    }

    @Test
    void truncatedWeights() throws IOException {
        Path weights = trial.model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        Files.write(weights, Arrays.copyOf(bytes, bytes.length - 10));
        assertRefused(INPUT, trial.prune(), "model.safetensors");
        Files.write(weights, Arrays.copyOf(bytes, 5));
        assertRefused(INPUT, trial.prune(), "model.safetensors");
    }

    @Test
    void weightsOfAWrongType() throws IOException {
        Path weights = trial.model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        String text = new String(bytes, StandardCharsets.ISO_8859_1);
        Files.write(weights,
                text.replaceFirst("\"F32\"", "\"F99\"").getBytes(StandardCharsets.ISO_8859_1));
        assertRefused(INPUT, trial.prune(), "F99");
    }

    @Test
    void aShardThatIsMissing() throws IOException {
        Files.move(trial.model.resolve("model.safetensors"), trial.model.resolve("model-00001-of-00002.safetensors"));
        Files.writeString(trial.model.resolve("model.safetensors.index.json"),
                "{\"weight_map\": {\"model.norm.weight\": \"model-00002-of-00002.safetensors\"}}");
        assertRefused(INPUT, trial.prune(), "model-00002-of-00002.safetensors");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            "model_type": "llama" | "model_type": "unheard" | model_type is "unheard"
            "num_hidden_layers": 6 | "num_hidden_layers": 7 | model.layers.6
            "hidden_size": 32 | "hidden_size": "NaN" | hidden_size
            "rms_norm_eps": 1e-05 | "rms_norm_eps": NaN | config.json
            """)
    void aConfigurationThatDoesNotFit(String text, String damage, String message) throws IOException {
        Path config = trial.model.resolve("config.json");
        String whole = Files.readString(config);
        String damaged = whole.replace(text, damage);
        assertThat(damaged).as(whole).isNotEqualTo(whole);
        Files.writeString(config, damaged);
        assertRefused(INPUT, trial.prune(), message);
    }

    @Test
    void aTargetThatIsNotEmpty() throws IOException {
        Files.createDirectories(folder.resolve("out"));
        Files.writeString(folder.resolve("out/mine.txt"), "precious");
        assertRefused(USAGE, trial.prune(), "out is not empty", "--overwrite");
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "permissions are POSIX ones")
    void aTargetThatMayNotBeWritten() throws IOException {
        Path locked = Files.createDirectories(folder.resolve("locked"));
        Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
        Assumptions.assumeFalse(Files.isWritable(locked), "this user may write everywhere");
        Outcome outcome = Trial.run(trial.prune("--save-path", locked.resolve("out").toString()));
        assertThat(outcome.exitCode()).isNotZero();
        assertThat(outcome.err()).contains("come: ", "locked");
    }

    @Test
    void nothingToMerge() {
        assertRefused(NOTHING_TO_DO, trial.prune("--wo-repeat", "--target-layers", "2"), "--wo-repeat");
        assertRefused(NOTHING_TO_DO, trial.prune("--method", "sleb", "--target-layers", "1"), "--barriers 1,1");
        assertRefused(NOTHING_TO_DO, List.of("prune", "--method", "magnitude+", "--target-layers", "5", "--model-name",
                trial.model.toString(), "--save-path", folder.resolve("out").toString()), "--heuristic");
    }

    @Test
    void tooLittleTextToHealOn() {
        List<String> arguments = new ArrayList<>(trial.prune("--heal", "ridge"));
        arguments.set(arguments.indexOf("--nsamples") + 1, "1");
        assertRefused(USAGE, arguments, "--heal: the calibration set has only 1 sequence");
    }

    private List<String> heal(Path pruned, Path teacher) {
        return List.of("heal", "--model-name", pruned.toString(), "--teacher", teacher.toString(), "--save-path",
                folder.resolve("healed").toString(), "--calibration-dataset", trial.text.toString(), "--nsamples", "12",
                "--seqlen", "32");
    }

    @Test
    void aModelThatCannotBeHealed() throws IOException {
        assertRefused(INPUT, heal(trial.model, trial.model), "has no come.json");
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Path out = folder.resolve("out");
        assertRefused(INPUT, heal(out, folder.resolve("none")), "none");
        assertRefused(INPUT, heal(out, out), "fingerprint");
        Path weights = out.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.write(weights, bytes);
        assertRefused(INPUT, heal(out, trial.model), "out was changed after it was pruned");
    }

    @Test
    void aPlanForAnotherModel() throws IOException {
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Path weights = trial.model.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1] ^= 1;
        Files.write(weights, bytes);
        assertRefused(INPUT, List.of("apply", "--plan", folder.resolve("out/come.json").toString(), "--model-name",
                trial.model.toString(), "--save-path", folder.resolve("again").toString()), "fingerprint");
    }

    @Test
    void whatBecomesOfAnInterruptedRunIsSaidInOneWayAndWhereOneIsKept() {
        assertRefused(USAGE, trial.prune("--resume", "--restart"), "--resume", "--restart", "give one of them");
        for (String option : List.of("--resume", "--restart")) {
            assertRefused(USAGE, List.of("eval", "--model-name", trial.model.toString(), "--ppl-data",
                    trial.text.toString(), "--seqlen", "32", option), option, "--output", "--tasks", "leave it out");
        }
    }
}
