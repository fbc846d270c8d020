package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every method through the whole command. */
class MethodsTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
        Files.writeString(trial.text, Trial.text(60));
    }

    private List<String> prune(String method, boolean data, String options) {
        List<String> arguments = new ArrayList<>(List.of("prune", "--method", method, "--model-name",
                trial.model.toString(), "--save-path", folder.resolve("out").toString(), "--target-layers", "4",
                "--quiet"));
        if (data) {
            arguments.addAll(List.of("--calibration-dataset", trial.text.toString(), "--seqlen", "32"));
        }
        if (!options.isEmpty()) {
            arguments.addAll(List.of(options.split(" ", -1)));
        }
        return arguments;
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', nullValues = "-",
            textBlock = """
                    concat_merge   | true  | --merge-item 3 --skip-method sleb
                    concat_merge   | true  | --compat reference
                    concat_merge   | true  | --merge-norms fold --channel-score leverage --compensate
                    concat_merge   | true  | --compensate parallel --merge-item 3 --heal ridge
                    concat_merge_P | true  | --granularity 3 --channel-score leverage --compensate sequence
                    concat_merge_P | true  | --granularity 3
                    sleb           | true  | --barriers 2,1
                    sleb           | true  | --compat reference
                    shortgpt       | true  | --angular
                    shortgpt       | true  | --compat reference
                    shortgpt       | true  | --layer-score rm
                    reverse        | false | --retain-layer 5,4
                    magnitude      | false | --weight-reduction prob --block-reduction max
                    taylor         | true  | --taylor-order abs-first
                    taylor         | true  | --compat reference
                    mka            | true  | --kernel-sigma 4 --fuse matrices
                    laco           | true  | --laco-variant telescope --merge-layers 2 --interval 1 --lowest 0
                    come_auto      | true  | --granularity 3 --barriers 0,2 --shortlist 2
                    come_auto      | true  | --shortlist 0 --heal ridge
                    come_auto      | true  | --refit --shortlist 2
                    come_auto      | true  | --shortlist 2 --refit 2 --heal ridge
                    seam_auto      | true  | --repair 2 --granularity 2 --barriers 0,2
                    seam_auto      | true  | --granularity 1 --heal ridge --heal-targets all --heal-weights loss --heal-passes 2 --heal-seam pair
                    """)
    void runsAndIsRecorded(String method, boolean data, String options) throws IOException {
        Outcome outcome = Trial.run(prune(method, data, options));
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("layers", "out/come.json");
        String record = Files.readString(folder.resolve("out/come.json"));
        assertThat(record).contains("\"method\" : \"" + method + "\"");
        for (String word : options.split(" ", -1)) { // every option is in the record, under its name
            if (word.startsWith("--")) {
                assertThat(record).contains("\"" + word.substring(2).replace('-', '_') + "\"");
            }
        }
        assertThat(record.contains("\"calibration\"")).isEqualTo(data);
        assertThat(Trial.run(List.of("apply", "--plan", folder.resolve("out/come.json").toString(), "--model-name",
                trial.model.toString(), "--save-path", folder.resolve("again").toString(), "--quiet")).exitCode())
                .isZero();
        assertThat(Trial.hashes(folder.resolve("again"))).isEqualTo(Trial.hashes(folder.resolve("out")));
    }

    @Test
    void sentencesAreTakenForLaco() throws IOException {
        Path sentences = Files.writeString(folder.resolve("sentences.txt"), "w3 w4 w5 w6\n\nw7 w8 w9\n");
        Outcome outcome = Trial.run(List.of("prune", "--method", "laco", "--model-name", trial.model.toString(),
                "--save-path", folder.resolve("out").toString(), "--merge-layers", "2", "--threshold", "-1",
                "--sentences", sentences.toString()));
        assertThat(outcome.err()).contains("2 of 2 rows");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(Files.readString(folder.resolve("out/come.json"))).contains("\"sequences\" : 2");
    }

    @Test
    void aMethodWhoseOptionsAreRefusedDoesNotKeepTheOthersFromIt() throws IOException {
        Outcome outcome = Trial.run(prune("concat_merge_P,reverse", true, "--granularity 0"));
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err().lines()).singleElement().asString()
                .startsWith("come: concat_merge_P did not get there: --granularity is 0");
        assertThat(folder.resolve("out/reverse/come.json")).exists();
        assertThat(Files.readString(folder.resolve("out/comparison.json"))).contains("--granularity is 0");
        assertThat(Files.exists(folder.resolve("out/concat_merge_P"))).isFalse();

        Outcome dry = Trial.run(prune("concat_merge_P,reverse", true, "--granularity 0 --dry-run"));
        assertThat(dry.exitCode()).isEqualTo(1);
        assertThat(dry.out()).startsWith("reverse").contains("To expect", "Nothing was written.");
        assertThat(dry.err()).isEqualTo(outcome.err());
    }

    @Test
    void whereAllAreRefusedNothingIsWritten() {
        Outcome outcome = Trial.run(prune("concat_merge_P,come_auto", true, "--granularity 0"));
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err().lines()).hasSize(2).allMatch(line -> line.contains("--granularity is 0"));
        assertThat(Files.exists(folder.resolve("out"))).isFalse();
    }

    @Test
    void aDryRunTellsWhatHealingAndSavingTake() {
        Outcome all = Trial.run(prune("reverse", false, "--retain-layer 5,4 --dry-run"));
        assertThat(all.out())
                .containsPattern(
                        "To expect: about \\S+ MB of memory, \\S+ [kKM]?B on disk, and .* to .* on an idle machine,\\s+of"
                                + " it about .* to read and write\\.")
                .doesNotContain("Healing");
        Outcome healed = Trial.run(prune("shortgpt", true, "--heal ridge --heal-scope cut --dry-run"));
        assertThat(healed.out()).contains("Healing: 4 layers at most.", "beside it meanwhile");
        assertThat(Files.exists(folder.resolve("out"))).isFalse();
    }

    @Test
    void allAreComparedInOneTable() {
        Outcome outcome = Trial.run(prune("all", true, "--merge-layers 2 --granularity 4"));
        // Six layers are too few for the "+" rule.
        assertThat(outcome.exitCode()).isEqualTo(1);
        assertThat(outcome.err().lines()).satisfiesExactly(
                line -> assertThat(line).startsWith("come: magnitude+ did not get there: "),
                line -> assertThat(line).startsWith("come: taylor+ did not get there: "));
        assertThat(outcome.out()).contains("dense", "concat_merge_P", "sleb", "shortgpt", "reverse", "magnitude",
                "taylor", "mka", "laco", "come_auto", "seam_auto", "comparison.csv");
        assertThat(outcome.out().lines()).allMatch(line -> line.length() < 200);
    }
}
