package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailingProgress;
import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorInfo;
import dev.come.heal.Healing;
import dev.come.model.ModelConfig;
import dev.come.model.UsualNames;
import dev.come.prune.Barriers;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Laco;
import dev.come.prune.Magnitude;
import dev.come.prune.Manual;
import dev.come.prune.Mka;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.prune.Sleb;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Models that see images too, from the options to the folder. Of Qwen 3 VL the first two layers (of five) must stay. */
class WrapperJobTests {
    @TempDir
    private Path folder;
    private Run run;
    private final FailingProgress progress = FailingProgress.counting();

    @BeforeEach
    void makeModel() throws IOException {
        run = new Run("llama-gqa", folder).of(WordModels.family("qwen3_vl", 32, folder))
                .readingFrom(WordModels.text(folder.resolve("words.txt"), 70, 32));
        run.samples = 60;
    }

    private LayerStack prune(PruningMethod method, int layers) {
        run.targetLayers = layers;
        run.job("out", progress, List.of(method)).run();
        return PruningPlan.read(run.target("out/come.json")).last();
    }

    /** Each would take the first layers too if it might. */
    static Stream<PruningMethod> methods() {
        return Stream.of(new ShortGpt(ShortGpt.Options.DEFAULTS), new ShortGpt(new ShortGpt.Options(true, Compat.NONE)),
                new Reverse(Reverse.Options.DEFAULTS), new Magnitude(Magnitude.Options.DEFAULTS),
                new Sleb(Sleb.Options.REFERENCE), new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new Laco(new Laco.Options(Laco.Variant.RDSC, 2, 1, 0, Laco.Options.LAST, 0.9, 0.3), true),
                new Mka(Mka.Options.DEFAULTS), new ComeAuto(new ComeAuto.Options(Barriers.NONE, 3, 2, 0)));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void theLayersBehindWhichImagesAreAddedStay(PruningMethod method) {
        int layers = method instanceof Laco ? 4 : 3; // laco merges one pair of those that may go
        LayerStack left = prune(method, layers);
        assertThat(LayerPattern.ANY.fixing(2).keepsTheFirst(left)).as(left.tree()).isTrue();
        assertThat(left.size()).isEqualTo(layers);
        assertThat(progress.notes()).anyMatch(note -> note.startsWith("The layers 0 to 1 stay where they are"));
    }

    /** Merges leave one layer more than is fixed. */
    @Test
    void aMethodThatWouldTakeThemSaysSo() {
        for (PruningMethod method : List.of(new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new Mka(Mka.Options.DEFAULTS))) {
            assertThatThrownBy(() -> prune(method, 2)).as(method.name()).isInstanceOf(NothingToDoException.class)
                    .hasMessageContaining("stay");
        }
        assertThatThrownBy(() -> prune(new Manual(new Manual.Options(List.of(1))), 4))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("--layers: the first 2 layers of this model stay where they are");
        assertThatThrownBy(() -> prune(new Reverse(Reverse.Options.DEFAULTS), 1)).isInstanceOf(UsageException.class)
                .hasMessageContaining("its first 2 stay where they are");
        assertThat(prune(new Manual(new Manual.Options(List.of(2, 4))), 3).tree()).isEqualTo("[0, 1, 3]");
        assertThat(Files.exists(run.target("out/model.safetensors"))).isTrue();
    }

    /** The text part is trained; what else the folder holds is copied to the bit. */
    @ParameterizedTest
    @ValueSource(strings = {"llava", "gemma3-vision"})
    void aWrapperIsTrainedAsTheWhole(String name) throws IOException {
        run.of(WordModels.family(name, 32, folder));
        run.samples = 20;
        run.targetLayers = 4;
        run.job("out", progress,
                List.of(new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, Compat.NONE)))).run();
        run.train("out", "trained");
        try (Checkpoint dense = UsualNames.open(run.model);
                Checkpoint merged = UsualNames.open(run.target("out"));
                Checkpoint trained = UsualNames.open(run.target("trained"));
                var _ = new PointerScope()) {
            assertThat(ModelConfig.of(trained)).isEqualTo(ModelConfig.of(merged));
            assertThat(trained.headers().wholeConfig().keys()).isEqualTo(dense.headers().wholeConfig().keys());
            List<String> others = dense.headers().others().stream().map(TensorInfo::name).toList();
            assertThat(trained.headers().others()).extracting(TensorInfo::name)
                    .containsExactlyInAnyOrderElementsOf(others);
        }
        try (Checkpoint dense = Checkpoint.open(run.model);
                Checkpoint merged = Checkpoint.open(run.target("out"));
                Checkpoint trained = Checkpoint.open(run.target("trained"));
                var _ = new PointerScope()) {
            assertThat(trained.tensors()).extracting(TensorInfo::name)
                    .containsExactlyElementsOf(merged.tensors().stream().map(TensorInfo::name).toList());
            List<String> changed = trained.tensors().stream().map(TensorInfo::name)
                    .filter(tensor -> !trained.tensor(tensor).equal(merged.tensor(tensor))).toList();
            assertThat(changed).isNotEmpty().allMatch(tensor -> tensor.contains("language_model"));
            dense.tensors().stream().map(TensorInfo::name).filter(tensor -> !tensor.contains("language_model")
                    && !tensor.startsWith("lm_head"))
                    .forEach(tensor -> assertThat(trained.tensor(tensor).equal(dense.tensor(tensor))).as(tensor)
                            .isTrue());
        }
        assertThat(Inspection.of(run.target("trained")).problems()).isEmpty();
        assertThat(Files.readString(run.target("trained/README.md"))).contains("AutoModelForImageTextToText");
    }

    @Test
    void theSavedFolderIsHealedAppliedAndDescribedAsTheWhole() throws IOException {
        Files.writeString(run.model.resolve("preprocessor_config.json"), "{}\n");
        run.samples = 12;
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        prune(new Manual(new Manual.Options(List.of(3))), 4);
        assertThat(run.target("out/preprocessor_config.json")).exists();
        assertThat(Files.readString(run.target("out/README.md"))).contains("pipeline_tag: image-text-to-text",
                "AutoModelForImageTextToText", "ordinary qwen3_vl checkpoint").doesNotContain("CausalLM");
        assertThat(ConfigTree.read(run.target("out/config.json")).string("model_type")).isEqualTo("qwen3_vl");
        try (OpenModel dense = new OpenModel(run.model);
                PrunedFolder pruned = new PrunedFolder(run.target("out"), dense);
                Checkpoint saved = UsualNames.open(run.target("out"))) {
            assertThat(pruned.stack().size()).isEqualTo(4);
            assertThat(ModelConfig.of(saved).layers()).isEqualTo(4);
        }
        Inspection inspection = Inspection.of(run.target("out"));
        assertThat(inspection.modelType()).isEqualTo("qwen3_vl");
        assertThat(inspection.architectures()).containsExactly("Qwen3VLForConditionalGeneration");
        assertThat(inspection.problems()).isEmpty();
        assertThat(inspection.remarks())
                .anyMatch(remark -> remark.contains("the text part of a model of type qwen3_vl"));
        assertThat(inspection.weightBytes()).isGreaterThan(4 * inspection.parameters());
    }
}
