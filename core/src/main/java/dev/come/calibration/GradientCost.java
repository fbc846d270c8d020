package dev.come.calibration;

import dev.come.model.AttentionKind;
import dev.come.model.LayerGradients;
import dev.come.model.ModelConfig;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.text.Sequences;
import java.util.OptionalLong;

/** What gradients of all layers need in memory. */
public final class GradientCost {
    private GradientCost() {
    }

    /** Bytes of the graphs of all layers on some tokens, which are kept as far as {@code --memory} goes. */
    public static long graphs(ModelConfig config, Sequences tokens) {
        TokenChunks chunks = TokenChunks.of(tokens);
        long bytes = 0;
        for (int layer = 0; layer < config.layers(); layer++) {
            bytes += graphs(config, config.attention(layer), chunks).orElse(0);
        }
        return bytes;
    }

    /** Those of a layer on all chunks, with its weights; empty where they are not kept, however much memory there is. */
    static OptionalLong graphs(ModelConfig config, AttentionKind attention, TokenChunks chunks) {
        long bytes = config.layerParameters() * Float.BYTES;
        for (Chunk chunk : chunks.chunks()) {
            OptionalLong token = LayerGradients.graphBytes(config, attention, chunk.layout());
            if (token.isEmpty()) {
                return token;
            }
            bytes += token.getAsLong() * chunk.tokens().length;
        }
        return OptionalLong.of(bytes);
    }

    /** Bytes that gradients need whatever is kept: of each thread the graph of a layer on a chunk, and what they add up. */
    public static long bytes(ModelConfig config, Sequences tokens, int threads) {
        long graph = TokenChunks.of(tokens).chunks().stream()
                .mapToLong(chunk -> LayerGradients.graphBytes(config, config.attention(0), chunk.layout()).orElse(0)
                        * chunk.tokens().length)
                .max().orElse(0);
        return threads * graph + (threads + 2) * config.layerParameters() * Float.BYTES;
    }
}
