package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.TensorInfo;
import dev.come.model.ModelConfig;
import dev.come.prune.ConcatMerge;
import dev.come.prune.Magnitude;
import dev.come.prune.PruningMethod;
import dev.come.prune.Reverse;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A number in the weights that is none ends every job that would use or write it, with the name of the tensor. */
class DamagedWeightsTests {
    private static final String OUTPUT = "model.layers.2.self_attn.o_proj.weight";
    private static final PruningMethod REVERSE = new Reverse(Reverse.Options.DEFAULTS);

    @TempDir
    private Path folder;
    private Run run;

    /** The model has six layers. */
    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-bias", folder);
    }

    /** Puts a number in the place of the last one of a tensor, of which the model's fingerprint knows nothing if it is large. */
    private void damage(String tensor, float value) throws IOException {
        TensorInfo info;
        try (Checkpoint checkpoint = Checkpoint.open(run.model)) {
            info = checkpoint.info(tensor);
        }
        try (RandomAccessFile file = new RandomAccessFile(info.file().toFile(), "rw")) {
            file.seek(info.offset() + info.byteLength() - Float.BYTES);
            file.writeInt(Integer.reverseBytes(Float.floatToRawIntBits(value)));
        }
    }

    private void assertRefused(String start, String tensor, Runnable job) {
        assertThatThrownBy(job::run).isInstanceOf(FailedException.class)
                .hasMessage(start + "tensor " + tensor + " in " + run.model.resolve("model.safetensors")
                        + " holds NaN or infinity; the file is damaged, so fetch the model again");
        assertThat(run.target("out")).doesNotExist();
        assertThat(WordModels.names(folder)).noneMatch(name -> name.startsWith(".out"));
    }

    static Stream<PruningMethod> methods() {
        return Stream.of(new Magnitude(Magnitude.Options.DEFAULTS), REVERSE, new Sleb(Sleb.Options.DEFAULTS),
                new Taylor(Taylor.Options.DEFAULTS), new ConcatMerge(ConcatMerge.Options.DEFAULTS));
    }

    @ParameterizedTest
    @MethodSource("methods")
    void everyMethodNamesLayerAndTensor(PruningMethod method) throws IOException {
        for (float value : new float[]{Float.NaN, Float.NEGATIVE_INFINITY}) {
            damage(OUTPUT, value);
            assertRefused("Layer 2: ", OUTPUT, () -> run.job("out", Progress.NONE, List.of(method)).run());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.layers.1.self_attn.q_proj.bias", "model.layers.0.input_layernorm.weight"})
    void biasesAndNormsCountToo(String tensor) throws IOException {
        damage(tensor, Float.POSITIVE_INFINITY);
        String layer = "Layer " + tensor.charAt("model.layers.".length()) + ": ";
        assertRefused(layer, tensor, () -> run.job("out", Progress.NONE, List.of(REVERSE)).run());
        assertRefused(layer, tensor,
                () -> run.job("out", Progress.NONE, List.of(new Magnitude(Magnitude.Options.DEFAULTS))).run());
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.embed_tokens.weight", "model.norm.weight"})
    void whatLiesOutsideTheLayersCountsWhenItIsWritten(String tensor) throws IOException {
        damage(tensor, Float.NaN);
        assertRefused("Outside of the layers: ", tensor,
                () -> run.job("out", Progress.NONE, List.of(REVERSE)).run());
    }

    @Test
    void aLayerThatGoesMayBeDamaged() throws IOException {
        damage("model.layers.5.mlp.down_proj.weight", Float.NaN);
        run.job("out", Progress.NONE, List.of(REVERSE)).run();
        assertThat(run.target("out")).exists();
    }

    @Test
    void aPlanIsNotAppliedToDamagedWeights() throws IOException {
        run.to("pruned");
        damage("model.layers.0.mlp.gate_proj.weight", Float.NaN);
        assertRefused("Layer 0: ", "model.layers.0.mlp.gate_proj.weight", () -> ApplyJob.run(
                run.target("pruned/come.json"), run.model, OptionalInt.empty(), false, run.saving("out"),
                Progress.NONE));
    }

    @Test
    void ofAMergedLayerTheSourceIsNamed() throws IOException {
        damage(OUTPUT, Float.NaN);
        try (Checkpoint checkpoint = Checkpoint.open(run.model)) {
            LayerStore store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            LayerNode mean = new WeightedSum(List.of(new Term(new Original(1), 0.5), new Term(new Original(2), 0.5)),
                    Scope.ALL);
            StackWriter writer = new StackWriter(store, LayerStack.dense(6).replace(1, 2, mean));
            assertRefused("Layer 2: ", OUTPUT,
                    () -> writer.write(config -> new CheckpointWriter(run.target("out"), config)));
        }
    }

    /** Weights that are numbers but too large to compute with: only where there is a wider type is it advised. */
    @ParameterizedTest
    @ValueSource(strings = {"float32", "bfloat16"})
    void aWiderTypeIsAdvisedOnlyWhereThereIsOne(String dtype) throws IOException {
        damage("model.layers.2.self_attn.v_proj.bias", 3e38f);
        damage(OUTPUT, 3e38f);
        run.dtype = dtype;
        assertThatThrownBy(() -> run.job("out", Progress.NONE, List.of(new Sleb(Sleb.Options.DEFAULTS))).run())
                .isInstanceOf(FailedException.class).hasMessageContaining("Layer 2 gives values that are not finite")
                .hasMessageEndingWith(dtype.equals("float32")
                        ? "the weights are damaged, or too large to compute with"
                        : "the weights are damaged, or too large for bfloat16 (try --dtype float32)");
    }
}
