package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvalCommandTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private Outcome eval(Path model, String... more) {
        List<String> arguments = new ArrayList<>(List.of("eval", "--model-name", model.toString(), "--seqlen", "32",
                "--threads", "1", "--dtype", "float32", "--ppl-data", trial.text.toString()));
        arguments.addAll(List.of(more));
        return Trial.run(arguments);
    }

    @Test
    void aPrunedModelIsComparedWithTheDenseOneInATable() throws IOException {
        assertThat(Trial.run(trial.prune()).exitCode()).isZero();
        Path csv = folder.resolve("losses.csv");
        Outcome outcome = eval(folder.resolve("out"), "--compare", trial.model.toString(), "--losses", csv.toString(),
                "--stride", "16", "--baseline", trial.model.toString());
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out().lines().filter(line -> line.contains("same top")))
                .singleElement().asString().contains("tokens", "mean", "99 %", "largest", "same top", "log ppl");
        assertThat(outcome.out()).contains("KL divergence of next tokens from model: mean, 99th percentile, largest.");
        assertThat(outcome.out()).contains("perplexity per token, windows of 32 tokens that move by 16, one BOS token",
                "KL divergence per token, windows of 32 tokens that move by 16, one BOS token", "baseline",
                "change");
        assertThat(Files.readAllLines(csv).getFirst())
                .isEqualTo("corpus,window,position,token,loss,compared_loss,kl,same_top");
    }

    @Test
    void textsMayStandBesideEachOtherOrHaveCommasBetween() throws IOException {
        Path other = Files.copy(trial.text, folder.resolve("other.txt"));
        for (List<String> texts : List.of(List.of(trial.text + "," + other),
                List.of(trial.text.toString(), other.toString()))) {
            List<String> arguments = new ArrayList<>(List.of("eval", "--model-name", trial.model.toString(), "--seqlen",
                    "32", "--threads", "1", "--ppl-data"));
            arguments.addAll(texts);
            Outcome outcome = Trial.run(arguments);
            assertThat(outcome.exitCode()).as(outcome.err()).isZero();
            assertThat(outcome.out()).contains(trial.text + " (all) perplexity", other + " (all) perplexity");
        }
    }

    @Test
    void aModelBesideItselfShowsNoDifference() {
        Outcome outcome = eval(trial.model, "--compare", trial.model.toString());
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out().lines().filter(line -> line.startsWith("text 1 "))).singleElement()
                .asString().containsPattern(" 0\\.0000 +0\\.0000 +0\\.0000 +100\\.00 % +\\+0\\.0000 +± 0\\.0000");
    }

    @Test
    void pruningMeasuresWithWindowsThatSlideToo() {
        Outcome outcome = Trial.run(trial.prune("--ppl-data", trial.text.toString(), "--stride", "8"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("windows of 32 tokens that move by 8, one BOS token");
    }

    /** The model has 128 positions. */
    @Test
    void aWindowIsNotLongerThanThePositionsUnlessThatIsAskedForAndThenSaysSo() {
        List<String> eval = List.of("eval", "--model-name", trial.model.toString(), "--threads", "1", "--ppl-data",
                trial.text.toString());
        assertThat(Trial.run(eval).out()).contains("windows of 128 tokens,");
        Outcome refused = Trial.run(with(eval, "--seqlen", "160"));
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("--seqlen is 160, but the model has positions for 128 tokens only");
        Outcome allowed = Trial.run(with(eval, "--seqlen", "160", "--beyond-positions"));
        assertThat(allowed.exitCode()).as(allowed.err()).isZero();
        assertThat(allowed.out()).contains("windows of 160 tokens (beyond the model's 128 positions)");
    }

    /** Results leave out that ids are those of the file. */
    @Test
    void aReleaseOfTheHarnessChoosesWhoseIdsTextsBecome() {
        List<String> eval = List.of("eval", "--model-name", trial.model.toString(), "--threads", "1", "--seqlen", "32",
                "--ppl-data", trial.text.toString(), "--json");
        String setting = "\"tokenizer_compat\" : \"transformers5\"";
        assertThat(Trial.run(eval).out()).contains("\"harness_version\" : \"0.4.13\"")
                .doesNotContain("tokenizer_compat");
        assertThat(Trial.run(with(eval, "--harness-version", "0.4.13")).out()).contains(setting);
        assertThat(Trial.run(with(eval, "--harness-version", "0.4.1")).out()).doesNotContain("tokenizer_compat");
        assertThat(Trial.run(with(eval, "--harness-version", "0.4.13", "--tokenizer-compat", "file")).out())
                .doesNotContain("tokenizer_compat");
        assertThat(Trial.run(with(eval, "--tokenizer-compat", "transformers5")).out()).contains(setting);
        Outcome refused = Trial.run(with(eval, "--tokenizer-compat", "slow"));
        assertThat(refused.exitCode()).isEqualTo(2);
        assertThat(refused.err()).contains("--tokenizer-compat is \"slow\", but the choices are file, transformers5");
    }

    private static List<String> with(List<String> arguments, String... more) {
        return Stream.concat(arguments.stream(), Stream.of(more)).toList();
    }
}
