package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.heal.Healing;
import dev.come.prune.Manual;
import dev.come.prune.PruningPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A plan that is carried out on a model with other weights and the same shape. */
class SisterTests {
    private static final Manual BY_HAND = new Manual(new Manual.Options(List.of(1, 4)));

    @TempDir
    private Path folder;
    private Run run;
    private Path sister;

    @BeforeEach
    void makeModels() throws IOException {
        run = new Run("llama-gqa", folder);
        run.targetLayers = 4;
        run.perplexity = true;
        run.job("out", Progress.NONE, List.of(BY_HAND)).run();
        sister = WordModels.copy("llama-gqa", Files.createDirectory(folder.resolve("others")));
        Path weights = sister.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        for (int i = bytes.length - 40_000; i < bytes.length; i += 4) {
            bytes[i] ^= 1; // the last bit of numbers
        }
        Files.write(weights, bytes);
    }

    private PruningPlan apply(String name, Path plan, Path model, boolean otherWeights) {
        return ApplyJob.run(plan, model, OptionalInt.empty(), otherWeights, run.saving(name), Progress.NONE);
    }

    @Test
    void aSisterIsRefusedUnlessThatIsAskedFor() {
        assertThatThrownBy(() -> apply("applied", run.target("out/come.json"), sister, false))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(
                        "give the dense model that it was made for, or add --allow-other-weights, since it"
                                + " is of the same shape");
        assertThat(run.target("applied")).doesNotExist();
    }

    @Test
    void itsLayersGoAsThoseOfTheOther() throws IOException {
        PruningPlan applied = apply("applied", run.target("out/come.json"), sister, true);
        run.of(sister).job("by-hand", Progress.NONE, List.of(BY_HAND)).run();
        assertThat(WordModels.hashes(run.target("applied")).get("model.safetensors"))
                .isEqualTo(WordModels.hashes(run.target("by-hand")).get("model.safetensors"))
                .isNotEqualTo(WordModels.hashes(run.target("out")).get("model.safetensors"));
        assertThat(Files.readString(run.target("applied/README.md")))
                .contains(
                        "The layers were chosen on llama-gqa, a model of the same shape, and not measured on this one.");
        assertThat(applied.evaluations()).isEmpty();
    }

    @Test
    void theRecordNamesBothModels() throws IOException {
        apply("applied", run.target("out/come.json"), sister, true);
        JsonNode of = PruningPlan.read(run.target("out/come.json")).settings();
        JsonNode now = PruningPlan.read(run.target("applied/come.json")).settings();
        assertThat(now.path("plan_model")).isEqualTo(of.path("model"));
        assertThat(now.path("model").path("fingerprint").asString())
                .isNotEqualTo(of.path("model").path("fingerprint").asString());
        new JsonRules("dev.come.prune.PlanJson").check(run.target("applied/come.json"));
    }

    /** Of what was applied the plan is that of the sister, which can be healed by it, and which makes it again. */
    @Test
    void theRecordIsThatOfTheSisterFromThenOn() {
        apply("applied", run.target("out/come.json"), sister, true);
        apply("again", run.target("applied/come.json"), sister, false);
        assertThat(WordModels.hashes(run.target("again"))).isEqualTo(WordModels.hashes(run.target("applied")));
        apply("back", run.target("applied/come.json"), run.model, true);
        assertThat(PruningPlan.read(run.target("back/come.json")).settings())
                .isEqualTo(PruningPlan.read(run.target("out/come.json")).settings());
    }

    @Test
    void theModelThatItWasMadeForIsTakenEitherWay() {
        apply("applied", run.target("out/come.json"), run.model, true);
        assertThat(WordModels.hashes(run.target("applied"))).isEqualTo(WordModels.hashes(run.target("out")));
    }

    @Test
    void aModelOfAnotherShapeIsRefused() throws IOException {
        Path other = WordModels.copy("llama-mha", Files.createDirectory(folder.resolve("mha")));
        assertThatThrownBy(() -> apply("applied", run.target("out/come.json"), other, true))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("--allow-other-weights: ")
                .hasMessageContaining("was made for model_type \"llama\", 6 layers and 61,344 parameters, but ")
                .hasMessageEndingWith("; give a model of the same shape");
    }

    @Test
    void refittedLayersBelongToOneModel() {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.job("healed", Progress.NONE, List.of(BY_HAND)).run();
        assertThatThrownBy(() -> apply("applied", run.target("healed/come.json"), sister, true))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("refitted or trained, whose weights belong to \"llama-gqa\" alone");
    }
}
