package dev.come.stack;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.WideModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.text.Sequences;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * A layer that is put together from complementary parts of itself is the layer: heads and channels only change places. This
 * holds for any numbers of heads and channels and for any split, so both are drawn at random.
 */
class SelfMergeTests {
    private static final int VOCABULARY = 40;
    private static final int CASES = 12;

    @TempDir
    private Path folder;

    /** The sizes of a model with one layer. */
    private record Sizes(int hidden, int channels, int keyValueHeads, int group, int headDim, boolean biases) {
        ConfigTree config() {
            return ConfigTree.create(Path.of("config.json"), root -> {
                root.put("model_type", "llama").put("vocab_size", VOCABULARY).put("hidden_size", hidden)
                        .put("intermediate_size", channels).put("num_hidden_layers", 1)
                        .put("num_attention_heads", keyValueHeads * group).put("num_key_value_heads", keyValueHeads)
                        .put("head_dim", headDim).put("max_position_embeddings", 64).put("hidden_act", "silu")
                        .put("rms_norm_eps", 1e-5).put("rope_theta", 10000.0).put("attention_bias", biases)
                        .put("mlp_bias", biases).put("tie_word_embeddings", false);
            });
        }

        List<TensorSpec> tensors() {
            int queries = keyValueHeads * group * headDim;
            int keys = keyValueHeads * headDim;
            List<TensorSpec> tensors = new ArrayList<>();
            add(tensors, "model.embed_tokens.weight", VOCABULARY, hidden);
            add(tensors, "model.norm.weight", hidden);
            add(tensors, "lm_head.weight", VOCABULARY, hidden);
            add(tensors, "model.layers.0.input_layernorm.weight", hidden);
            add(tensors, "model.layers.0.post_attention_layernorm.weight", hidden);
            addProjection(tensors, "self_attn.q_proj", queries, hidden);
            addProjection(tensors, "self_attn.k_proj", keys, hidden);
            addProjection(tensors, "self_attn.v_proj", keys, hidden);
            addProjection(tensors, "self_attn.o_proj", hidden, queries);
            addProjection(tensors, "mlp.gate_proj", channels, hidden);
            addProjection(tensors, "mlp.up_proj", channels, hidden);
            addProjection(tensors, "mlp.down_proj", hidden, channels);
            return tensors;
        }

        private void addProjection(List<TensorSpec> tensors, String name, long rows, long columns) {
            add(tensors, "model.layers.0." + name + ".weight", rows, columns);
            if (biases) {
                add(tensors, "model.layers.0." + name + ".bias", rows);
            }
        }

        private static void add(List<TensorSpec> tensors, String name, long... shape) {
            tensors.add(new TensorSpec(name, DType.F32, LongStream.of(shape).boxed().toList()));
        }
    }

    /** Writes a model with these sizes and random weights. */
    private Path write(Sizes sizes, Random random, String name) {
        Path model = folder.resolve(name);
        new CheckpointWriter(model, sizes.config()).write(sizes.tensors(), spec -> random(spec, random));
        return model;
    }

    private static Tensor random(TensorSpec spec, Random random) {
        float[] values = new float[Math.toIntExact(spec.byteLength() / Float.BYTES)];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian() / 2;
        }
        long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
        try (TensorOptions options = new TensorOptions(spec.dtype().scalarType())) {
            return torch.tensor(values, options).view(shape);
        }
    }

    /** The layer concatenated from two complementary random parts of it. */
    private static LayerStack withItself(Sizes sizes, Random random, QueryHeads queryHeads) {
        List<List<Integer>> heads = split(sizes.keyValueHeads, random);
        List<List<Integer>> channels = split(sizes.channels, random);
        double ratio = random.nextDouble();
        LayerNode layer = new Original(0);
        return new LayerStack(List.of(new Concatenated(List.of(new Share(layer, ratio, heads.get(0), channels.get(0)),
                new Share(layer, 1 - ratio, heads.get(1), channels.get(1))), queryHeads)));
    }

    private static List<List<Integer>> split(int count, Random random) {
        boolean[] first = new boolean[count];
        double share = random.nextDouble();
        for (int i = 0; i < count; i++) {
            first[i] = random.nextDouble() < share;
        }
        return List.of(IntStream.range(0, count).filter(i -> first[i]).boxed().toList(),
                IntStream.range(0, count).filter(i -> !first[i]).boxed().toList());
    }

    /** The largest difference of a logit between the layer and itself put together from two parts, over the largest logit. */
    private static double difference(Path model, LayerStack merged, Random random) {
        Sequences input = Sequences.of(List.of(random.ints(20, 0, VOCABULARY).toArray()));
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            float[][] alone = WideModels.logits(checkpoint, LayerStack.dense(1), input);
            float[][] together = WideModels.logits(checkpoint, merged, input);
            double difference = 0;
            double largest = 0;
            for (int i = 0; i < alone.length; i++) {
                for (int j = 0; j < VOCABULARY; j++) {
                    difference = Math.max(difference, Math.abs(alone[i][j] - together[i][j]));
                    largest = Math.max(largest, Math.abs(alone[i][j]));
                }
            }
            return difference / largest;
        }
    }

    /** Many heads each for itself, heads in groups, and all in one group; each with and without biases. */
    @ParameterizedTest
    @CsvSource({"8, 1, false", "8, 1, true", "6, 5, false", "6, 5, true", "1, 6, false", "1, 6, true"})
    void aLayerPutTogetherFromTwoPartsOfItselfIsTheLayer(int mostKeyValueHeads, int mostGrouped, boolean biases) {
        long seed = System.nanoTime();
        System.out.println("SelfMergeTests: sizes and splits drawn with seed " + seed);
        Random random = new Random(seed);
        for (int i = 0; i < CASES; i++) {
            Sizes sizes = new Sizes(4 + random.nextInt(20), 1 + random.nextInt(30),
                    1 + random.nextInt(mostKeyValueHeads), 1 + random.nextInt(mostGrouped),
                    2 * (1 + random.nextInt(4)), biases);
            Path model = write(sizes, random, "model" + i);
            LayerStack merged = withItself(sizes, random, QueryHeads.GROUPED);
            assertThat(difference(model, merged, random)).as(sizes + " " + merged + ", seed " + seed)
                    .isLessThan(1e-5);
        }
    }

    /** The authors' code takes other query heads than those that attend with a key-value head (PAPER.md, known defects). */
    @ParameterizedTest
    @CsvSource({"2, 2", "2, 4", "4, 2"})
    void withTiledQueryHeadsItIsNot(int keyValueHeads, int group) {
        Random random = new Random(keyValueHeads * 10L + group);
        Sizes sizes = new Sizes(16, 20, keyValueHeads, group, 4, false);
        Path model = write(sizes, random, "model");
        List<Integer> channels = IntStream.range(0, sizes.channels).boxed().toList();
        LayerNode layer = new Original(0);
        LayerStack merged = new LayerStack(
                List.of(new Concatenated(List.of(new Share(layer, 0.5, List.of(0), channels),
                        new Share(layer, 0.5, IntStream.range(1, keyValueHeads).boxed().toList(), List.of())),
                        QueryHeads.TILED)));
        assertThat(difference(model, merged, random)).isGreaterThan(1e-2);
    }
}
