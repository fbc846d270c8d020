package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;

class SmokeTests {
    @Test
    void theEngineMultiplies() {
        assertThat(torch.ones(2, 3).mm(torch.ones(3, 2)).sum().item_double()).isEqualTo(12);
    }
}
