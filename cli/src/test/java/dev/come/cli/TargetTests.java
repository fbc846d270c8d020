package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How small a model is to become, in every way in which it can be said. */
class TargetTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private Outcome prune(String saved, String method, String options) {
        List<String> arguments = new ArrayList<>(List.of("prune", "--method", method, "--model",
                trial.model.toString(), "--save-path", folder.resolve(saved).toString(), "--quiet"));
        arguments.addAll(List.of(options.split(" ")));
        return Trial.run(arguments);
    }

    private PruningPlan plan(String saved) {
        return PruningPlan.read(folder.resolve(saved).resolve(PruningPlan.FILE_NAME));
    }

    /** The model has 6 layers of 9,536 parameters and 4,128 besides: 61,344 in all. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --removal-ratio 0.5         | 3
            --removal-ratio 0.25        | 4
            --removal-ratio 0.9         | 1
            --target-parameters 32736   | 3
            --target-parameters 32_735  | 2
            --target-parameters 0.0422M | 3
            --target-parameters 42.3K   | 4
            --target-parameters 61343   | 5
            """)
    void everyTargetGivesTheBytesOfItsNumberOfLayers(String target, int layers) {
        assertThat(prune("out", "reverse", target).err()).isEmpty();
        assertThat(prune("same", "reverse", "--target-layers " + layers).err()).isEmpty();
        assertThat(Trial.hashes(folder.resolve("out"))).isEqualTo(Trial.hashes(folder.resolve("same")));
        assertThat(plan("out").last().size()).isEqualTo(layers);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --removal-ratio 1 | --removal-ratio is 1.0, but must lie above 0 and below 1
            --removal-ratio 0.95 | --removal-ratio 0.95 leaves none of the 6 layers
            --removal-ratio 0.05 | --removal-ratio 0.05 removes none of the 6 layers; one layer is 0.167 of them
            --target-parameters 1.2B | --target-parameters is 1,200,000,000, but the model has 61,344; ask for fewer
            --target-parameters 13K | --target-parameters is 13,000, but the model has 13,664 with a single layer left
            --target-parameters small | --target-parameters is 'small'; give a number such as 1.2B, 850M or 1200000
            --target-layers 3 --removal-ratio 0.5 | --target-layers and --removal-ratio all say how small
            --overwrite | --target-layers is missing
            --target-layers 6 | --target-layers is 6, but the model has 6 layers; choose from 1 to 5
            """)
    void aTargetThatMakesNoSenseIsRefused(String target, String message) {
        Outcome outcome = prune("out", "reverse", target);
        assertThat(outcome.err()).startsWith("come: " + message).hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void layersGoByHandInTheOrderInWhichTheyAreNamed() {
        assertThat(prune("out", "manual", "--layers 4, 1-2").err()).isEmpty();
        assertThat(plan("out").last().tree()).isEqualTo("[0, 3, 5]");
        assertThat(plan("out").steps()).extracting(step -> step.stack().tree()).containsExactly("[0, 1, 2, 3, 5]",
                "[0, 2, 3, 5]", "[0, 3, 5]");
        assertThat(plan("out").settings().toString()).contains("\"method\":\"manual\",\"options\":{\"layers\":[4,1,2]},"
                + "\"target_layers\":3");
        assertThat(Trial.run(List.of("apply", "--plan", folder.resolve("out/come.json").toString(), "--model",
                trial.model.toString(), "--save-path", folder.resolve("again").toString())).exitCode()).isZero();
        assertThat(Trial.hashes(folder.resolve("again"))).isEqualTo(Trial.hashes(folder.resolve("out")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --overwrite | --layers is missing: say which layers manual removes, such as 5,9-11
            --layers 2,6 | --layers names 6, but the model has the layers 0 to 5
            --layers 2,1-3 | --layers names a layer twice: [2, 1, 2, 3]
            --layers 0-5 | --layers names all 6 layers, but one must be left
            --layers 3-1 | --layers has the range 3-1, which ends before it begins; turn it round
            --layers -1 | --layers has '-1', but numbers and ranges of numbers are expected, such as 5,9-11
            --layers 2;3 | --layers has '2;3', but numbers and ranges of numbers are expected, such as 5,9-11
            --layers 2 --target-layers 3 | manual leaves 5 layers by its own options, but 3 are asked for
            --layers 2 --seed 3 | --seed: manual looks at the weights alone and takes no data; leave it out
            """)
    void layersThatCannotGoAreRefused(String options, String message) {
        Outcome outcome = prune("out", "manual", options);
        assertThat(outcome.err()).startsWith("come: " + message).hasLineCount(1);
        assertThat(outcome.exitCode()).isEqualTo(2);
    }

    @Test
    void layersByHandStandBesideThoseOfAnotherMethod() {
        Outcome outcome = prune("both", "manual,reverse", "--layers 1 --target-layers 5");
        assertThat(outcome.err()).isEmpty();
        assertThat(plan("both/manual").last().tree()).isEqualTo("[0, 2, 3, 4, 5]");
        assertThat(plan("both/reverse").last().tree()).isEqualTo("[0, 1, 2, 3, 4]");
    }

    @Test
    void allMethodsAreThoseThatChoose() {
        assertThat(prune("all", "all", "--layers 1 --target-layers 5").err())
                .startsWith("come: --layers is no option of all, but of manual; leave it out");
        assertThat(Trial.run(List.of("list", "methods")).out()).contains("manual");
    }
}
