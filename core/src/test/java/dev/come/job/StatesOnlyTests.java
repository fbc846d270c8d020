package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.TensorSpec;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Magnitude;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A model that was saved without its output projection, as AutoModel does and embedding models are: names lack {@code model.}. What
 * is expected of it is what the same model with its projection becomes.
 */
class StatesOnlyTests {
    private static final String GOLDEN = "llama-mha";
    private static final String HEAD = "lm_head.weight";

    @TempDir
    private Path folder;
    private Run run;
    private Path whole;

    @BeforeEach
    void makeModel() throws IOException {
        run = new Run(GOLDEN, folder);
        whole = run.model;
        run.of(statesOnly("LlamaModel", "model."));
    }

    /** The model without its projection; Golden says its embeddings are not tied. */
    private Path statesOnly(String architecture, String prefix) throws IOException {
        Path target = folder.resolve("states-" + architecture);
        try (Checkpoint checkpoint = Checkpoint.open(whole)) {
            assertThat(checkpoint.contains(HEAD)).isTrue();
            List<TensorSpec> specs = checkpoint.tensors().stream().filter(info -> !info.name().equals(HEAD))
                    .map(info -> TensorSpec.like(info, info.name().replaceFirst("^" + prefix, ""))).toList();
            new CheckpointWriter(target, checkpoint.config()
                    .edited(root -> root.putArray("architectures").add(architecture)))
                    .write(specs, spec -> checkpoint.tensor(checkpoint.contains(spec.name())
                            ? spec.name()
                            : prefix + spec.name()));
        }
        Files.copy(whole.resolve("tokenizer.json"), target.resolve("tokenizer.json"));
        return target;
    }

    static Stream<PruningMethod> withoutLosses() {
        return Stream.of(new ShortGpt(ShortGpt.Options.DEFAULTS),
                new ShortGpt(new ShortGpt.Options(false, Compat.REFERENCE)),
                new Reverse(Reverse.Options.DEFAULTS), new Magnitude(Magnitude.Options.DEFAULTS),
                new ConcatMerge(ConcatMerge.Options.DEFAULTS));
    }

    @ParameterizedTest
    @MethodSource("withoutLosses")
    void whatNeedsNoLossMakesOfItWhatItMakesOfTheWhole(PruningMethod method) throws IOException {
        run.job("out", Progress.NONE, List.of(method)).run();
        run.of(whole).job("expected", Progress.NONE, List.of(method)).run();
        assertThat(PruningPlan.read(run.target("out/come.json")).last())
                .isEqualTo(PruningPlan.read(run.target("expected/come.json")).last());
        try (Checkpoint made = Checkpoint.open(run.target("out"));
                Checkpoint expected = Checkpoint.open(run.target("expected"))) {
            assertThat(expected.headers().names()).contains(HEAD);
            assertThat(made.headers().names()).containsExactlyInAnyOrderElementsOf(
                    expected.headers().names().stream().filter(name -> !name.equals(HEAD)).toList());
            for (String name : made.headers().names()) {
                try (Tensor one = made.tensor(name); Tensor other = expected.tensor(name)) {
                    assertThat(one.equal(other)).as(name).isTrue();
                }
            }
            assertThat(ModelConfig.of(made).outputProjection()).isFalse();
        }
        assertThat(Files.readString(run.target("out/README.md"))).contains("pipeline_tag: feature-extraction",
                "import AutoModel, ").doesNotContain("CausalLM");
    }

    static Stream<PruningMethod> withLosses() {
        return Stream.of(new Sleb(Sleb.Options.DEFAULTS), new Taylor(Taylor.Options.DEFAULTS),
                new ComeAuto(ComeAuto.Options.DEFAULTS),
                new ConcatMergeP(new ConcatMergeP.Options(SkipMethod.BI, 2, false, 3, Compat.NONE)),
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.SLEB, 2, false, 1, 0, Compat.NONE)));
    }

    @ParameterizedTest
    @MethodSource("withLosses")
    void whatChoosesByLossesSaysSo(PruningMethod method) {
        assertNeedsOne(() -> run.job("out", Progress.NONE, List.of(method)).run(), "by which " + method.name());
        assertThat(run.target("out")).doesNotExist();
    }

    @Test
    void soDoesWhateverElseAsksForLossesOrLogits() {
        run.job("plain", Progress.NONE, List.of(new Reverse(Reverse.Options.DEFAULTS))).run();
        Path pruned = run.target("plain");
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        assertNeedsOne(() -> run.to("healed"), "healing is checked (--heal)");
        run.healing = Optional.empty();
        run.perplexity = true;
        assertNeedsOne(() -> run.to("measured"), "Perplexities (--ppl-data)");
        assertNeedsOne(() -> GenerateJob.run(pruned, "w3 w4", new Sampling(2, 0, 0, 1, 0), run.choice(),
                _ -> {
                }), "Texts that go on");
        assertNeedsOne(() -> ExportJob.checkModel(pruned, Optional.empty()), "GGUF files");
    }

    private static void assertNeedsOne(ThrowingCallable work, String what) {
        assertThatThrownBy(work).isInstanceOf(InvalidInputException.class).hasMessageContaining(what)
                .hasMessageContaining("need an output projection, and this model has none (no tensor lm_head.weight");
    }

    @Test
    void inspectTellsOfIt() {
        Inspection inspection = Inspection.of(run.model);
        assertThat(inspection.problems()).isEmpty();
        assertThat(inspection.remarks()).anyMatch(remark -> remark.contains("there is no output projection"));
        assertThat(inspection.parametersByPart()).containsKey("final norm").doesNotContainKey("output projection");
        assertThat(inspection.parameters()).isEqualTo(inspection.weightBytes() / 4);
    }

    /** A class with a projection says that its file should have one. */
    @Test
    void ofACausalModelItIsMissed() throws IOException {
        Path model = statesOnly("LlamaForCausalLM", "model.");
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            assertThatThrownBy(() -> ModelConfig.of(checkpoint)).isInstanceOf(InvalidInputException.class)
                    .hasMessageContaining("tensor 'lm_head.weight'").hasMessageContaining("is missing");
        }
        try (Checkpoint checkpoint = UsualNames.open(Golden.model(GOLDEN))) {
            assertThat(ModelConfig.of(checkpoint).outputProjection()).isTrue();
        }
    }
}
