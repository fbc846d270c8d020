package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;

class CheckpointTests {
    @Test
    void readsTensorsOfASingleFile() {
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.goldenModel("llama-gqa"));
                Tensor embedding = checkpoint.tensor("model.embed_tokens.weight")) {
            assertThat(embedding.shape()).containsExactly(128, 32);
            assertThat(embedding.abs().mean().item_double()).isPositive();
        }
    }
}
