package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import dev.come.demo.DemoModel;
import dev.come.job.Recovery;
import dev.come.job.RecoveryRecipe;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Recovering as a user sees it, on the trained model that comes with the program. */
class RecoverCommandTests {
    @TempDir
    private Path folder;
    private Path dense;
    private Path pruned;
    private Path calibration;

    @BeforeEach
    void prune() throws IOException {
        dense = folder.resolve("dense");
        pruned = folder.resolve("pruned");
        DemoModel.unpack(dense);
        calibration = Files.writeString(folder.resolve("calibration.txt"), DemoModel.calibrationText());
        assertThat(Trial.run(List.of("prune", "--method", "manual", "--layers", "4,5", "--model-name",
                dense.toString(), "--save-path", pruned.toString(), "--quiet")).exitCode()).isZero();
    }

    private Outcome recover(String... more) {
        List<String> arguments = new ArrayList<>(List.of("recover", "--model-name", pruned.toString(), "--teacher",
                dense.toString(), "--save-path", folder.resolve("out").toString(), "--calibration-dataset",
                calibration.toString(), "--seqlen", "128", "--calibration-tokens", "4096", "--model-tokens", "8192",
                "--batch-tokens", "512", "--train-seqlen", "64", "--validation-tokens", "1024", "--eval-every", "4"));
        arguments.addAll(List.of(more));
        return Trial.run(arguments);
    }

    @Test
    void bothStagesGainAndAreTold() throws IOException {
        Path test = Files.writeString(folder.resolve("test.txt"), DemoModel.testText());
        Outcome outcome = recover("--ppl-data", test.toString(), "--ppl-windows", "16");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).contains("Healing: loss on held out sequences").contains("17 of 17 steps");
        assertThat(outcome.out()).contains("whole model", "to heal and", "Model:  " + folder.resolve("out"));
        String[] row = outcome.out().lines().filter(line -> line.startsWith("perplexity ")).findFirst().orElseThrow()
                .split(" +", -1); // the name, dense, pruned, healed, trained
        assertThat(Double.parseDouble(row[3])).isLessThan(Double.parseDouble(row[2]));
        assertThat(Double.parseDouble(row[4])).isLessThan(Double.parseDouble(row[3]))
                .isGreaterThan(Double.parseDouble(row[1]));
        assertThat(folder.resolve("out")).isDirectoryContaining(file -> file.endsWith("report.html"))
                .isDirectoryContaining(file -> file.endsWith("run.json"));
        JsonNode record = new JsonMapper().readTree(folder.resolve("out/come.json")).path("recovery");
        assertThat(record.path("recipe").asString()).isEqualTo("quick");
        assertThat(record.at("/training/model_schedule/peak").asDouble()).isEqualTo(5e-4);
    }

    @Test
    void aDryRunTellsWhatWouldBeNeeded() {
        Outcome outcome = recover("--dry-run");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).containsPattern("quick +tokens +steps +on an idle machine")
                .containsPattern("training +8,256 +17 ").contains("To expect: about", "Nothing was written.");
        assertThat(outcome.out().lines()).allMatch(line -> line.length() <= 80);
        assertThat(folder.resolve("out")).doesNotExist();
        JsonNode json = new JsonMapper().readTree(recover("--dry-run", "--json").out());
        assertThat(json.path("format").asString()).isEqualTo("come-recovery-estimate");
        assertThat(json.path("training_tokens").asLong()).isEqualTo(8256);
        assertThat(json.path("training_seconds_most").asDouble())
                .isGreaterThan(json.path("training_seconds_least").asDouble());
    }

    /** The numbers in the help are those of the recipes. */
    @Test
    void theHelpTellsWhatTheRecipesAre() {
        String help = Trial.run(List.of("help", "recover")).out().replaceAll("\\s+", " ");
        for (RecoveryRecipe recipe : RecoveryRecipe.values()) {
            Recovery recovery = recipe.recovery();
            assertThat(help).contains(recovery.recipe(), number(recovery.healingTokens()),
                    number(recovery.training().modelTokens()), number(recovery.training().batchTokens()));
        }
        assertThat(help).contains("rate 5e-4");
        assertThat(RecoveryRecipe.values())
                .allMatch(recipe -> recipe.recovery().training().modelSchedule().peak() == 5e-4);
    }

    private static String number(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --recipe slow                      | 2 | --recipe: there is no slow; choose from: quick, hour, gpu
            --train lora                       | 2 | choose from: merged, cut, all, norms, last:N
            --model-tokens 0                   | 2 | --model-tokens is 0, but must be more than 0
            --calibration-tokens 0             | 2 | --calibration-tokens is 0, but must be more than 0
            --train-seqlen 1                   | 2 | --train-seqlen is 1, but must be at least 2
            --model-lr 0                       | 2 | learning rate is 0.0
            --heal-passes 0                    | 2 | --heal-passes is 0
            --validation-tokens 100000000      | 3 | lower --validation-tokens
            """)
    void whatIsWrongIsRefusedInOneSentence(String options, int exitCode, String message) {
        Outcome outcome = recover(options.split(" ", -1));
        assertThat(outcome.err()).contains(message);
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(folder.resolve("out")).doesNotExist();
    }
}
