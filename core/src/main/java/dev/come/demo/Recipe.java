package dev.come.demo;

import dev.come.checkpoint.ConfigTree;
import dev.come.model.ModelConfig;
import java.nio.file.Path;

/**
 * What is trained, and how long.
 *
 * @param configuration the config.json of the model; its sequences have {@code max_position_embeddings} tokens
 * @param sequences sequences in a batch, an even number
 * @param steps batches that are trained on
 */
record Recipe(ConfigTree configuration, int sequences, int steps) {
    /** How the embedded model was made. */
    static final Recipe EMBEDDED = new Recipe(llama(10, 128, 256), 8, 1500);

    private static final double PEAK_LEARNING_RATE = 3e-3;
    private static final double LEAST_LEARNING_RATE = 1e-4;

    /** A model with 8 query heads and 4 key-value heads. */
    static ConfigTree llama(int layers, int hiddenSize, int intermediateSize) {
        int heads = 8;
        return ConfigTree.create(Path.of("config.json"), root -> {
            root.putArray("architectures").add("LlamaForCausalLM");
            root.put("attention_bias", false).put("attention_dropout", 0.0)
                    .put("bos_token_id", StoryTokenizer.BEGIN_OF_TEXT).put("torch_dtype", "bfloat16")
                    .put("eos_token_id", StoryTokenizer.END_OF_TEXT).put("head_dim", hiddenSize / heads)
                    .put("hidden_act", "silu").put("hidden_size", hiddenSize)
                    .put("intermediate_size", intermediateSize).put("max_position_embeddings", 128)
                    .put("mlp_bias", false).put("model_type", "llama").put("num_attention_heads", heads)
                    .put("num_hidden_layers", layers).put("num_key_value_heads", heads / 2)
                    .put("rms_norm_eps", 1e-5).put("rope_theta", 10_000.0).put("tie_word_embeddings", true)
                    .put("vocab_size", StoryTokenizer.vocabularySize());
        });
    }

    /** The sizes of the model. */
    ModelConfig config() {
        return ModelConfig.of(configuration);
    }

    /** The learning rate of a step: it rises during the first twentieth, and then falls along half a cosine. */
    double learningRate(int step) {
        int rise = Math.max(1, steps / 20);
        if (step < rise) {
            return PEAK_LEARNING_RATE * (step + 1) / rise;
        }
        double done = (step - rise) / (double) (steps - rise);
        return LEAST_LEARNING_RATE
                + (PEAK_LEARNING_RATE - LEAST_LEARNING_RATE) * (1 + StrictMath.cos(Math.PI * done)) / 2;
    }
}
