package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import dev.come.demo.DemoModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Healing as a user sees it, on the trained model that comes with the program. */
class HealCommandTests {
    @TempDir
    private Path folder;

    @Test
    void aPrunedModelIsHealedAndTheNumbersAreTold() throws IOException {
        Path dense = folder.resolve("dense");
        Path pruned = folder.resolve("pruned");
        Path healed = folder.resolve("healed");
        DemoModel.unpack(dense);
        Path calibration = Files.writeString(folder.resolve("calibration.txt"), DemoModel.calibrationText());
        Path test = Files.writeString(folder.resolve("test.txt"), DemoModel.testText());
        Outcome outcome = Trial.run(List.of("prune", "--method", "reverse", "--retain-layer", "8,9", "--model-name",
                dense.toString(), "--target-layers", "8", "--save-path", pruned.toString()));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();

        outcome = Trial.run(List.of("heal", "--model-name", pruned.toString(), "--teacher", dense.toString(),
                "--save-path", healed.toString(), "--calibration-dataset", calibration.toString(), "--nsamples", "100",
                "--seqlen", "128", "--ppl-data", test.toString(), "--ppl-windows", "16"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).contains("Healing: loss on held out sequences");
        assertThat(outcome.out()).contains("dense", "pruned", "healed", "to heal", "Model:  " + healed);
        String[] row = outcome.out().lines().filter(line -> line.startsWith("perplexity ")).findFirst().orElseThrow()
                .split(" +", -1); // the name, dense, pruned, healed
        assertThat(Double.parseDouble(row[3])).isLessThan(Double.parseDouble(row[2]));
        assertThat(Trial.run(List.of("generate", "--model-name", healed.toString(), "--prompt", "One day",
                "--max-new-tokens", "4")).exitCode()).isZero();
    }
}
