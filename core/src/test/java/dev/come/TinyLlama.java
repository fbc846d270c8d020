package dev.come;

import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.LongStream;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * A made-up Llama of any size, whose weights a test can choose. It takes up to 64 tokens; token 2 ends a text.
 *
 * @param group query heads that share a key-value head
 */
public record TinyLlama(int layers, int vocabulary, int hidden, int channels, int keyValueHeads, int group, int headDim,
        boolean biases) {

    /** Writes a model with float32 weights and no tokenizer. */
    public Path write(Path folder, Function<TensorSpec, float[]> weights) {
        new CheckpointWriter(folder, config()).write(tensors(), spec -> {
            long[] shape = spec.shape().stream().mapToLong(Long::longValue).toArray();
            try (TensorOptions options = new TensorOptions(spec.dtype().scalarType())) {
                return torch.tensor(weights.apply(spec), options).view(shape);
            }
        });
        return folder;
    }

    /** Writes a model with random weights. */
    public Path write(Path folder, Random random) {
        return write(folder, spec -> {
            float[] values = new float[elements(spec)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian() / 2;
            }
            return values;
        });
    }

    /** How many numbers a tensor has. */
    public static int elements(TensorSpec spec) {
        return Math.toIntExact(spec.byteLength() / Float.BYTES);
    }

    private ConfigTree config() {
        return ConfigTree.create(Path.of("config.json"), root -> {
            root.put("model_type", "llama").put("vocab_size", vocabulary).put("hidden_size", hidden)
                    .put("intermediate_size", channels).put("num_hidden_layers", layers)
                    .put("num_attention_heads", keyValueHeads * group).put("num_key_value_heads", keyValueHeads)
                    .put("head_dim", headDim).put("max_position_embeddings", 64).put("hidden_act", "silu")
                    .put("rms_norm_eps", 1e-5).put("rope_theta", 10000.0).put("attention_bias", biases)
                    .put("mlp_bias", biases).put("tie_word_embeddings", false).put("eos_token_id", 2);
        });
    }

    private List<TensorSpec> tensors() {
        int queries = keyValueHeads * group * headDim;
        int keys = keyValueHeads * headDim;
        List<TensorSpec> tensors = new ArrayList<>();
        add(tensors, "model.embed_tokens.weight", vocabulary, hidden);
        add(tensors, "model.norm.weight", hidden);
        add(tensors, "lm_head.weight", vocabulary, hidden);
        for (int layer = 0; layer < layers; layer++) {
            String prefix = "model.layers." + layer + ".";
            add(tensors, prefix + "input_layernorm.weight", hidden);
            add(tensors, prefix + "post_attention_layernorm.weight", hidden);
            addProjection(tensors, prefix + "self_attn.q_proj", queries, hidden);
            addProjection(tensors, prefix + "self_attn.k_proj", keys, hidden);
            addProjection(tensors, prefix + "self_attn.v_proj", keys, hidden);
            addProjection(tensors, prefix + "self_attn.o_proj", hidden, queries);
            addProjection(tensors, prefix + "mlp.gate_proj", channels, hidden);
            addProjection(tensors, prefix + "mlp.up_proj", channels, hidden);
            addProjection(tensors, prefix + "mlp.down_proj", hidden, channels);
        }
        return tensors;
    }

    private void addProjection(List<TensorSpec> tensors, String name, long rows, long columns) {
        add(tensors, name + ".weight", rows, columns);
        if (biases) {
            add(tensors, name + ".bias", rows);
        }
    }

    private static void add(List<TensorSpec> tensors, String name, long... shape) {
        tensors.add(new TensorSpec(name, DType.F32, LongStream.of(shape).boxed().toList()));
    }
}
