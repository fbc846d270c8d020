package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ComputeTests {
    @ParameterizedTest
    @CsvSource({"cpu, 3, 1, cpu cpu cpu", "cuda, 3, 2, cuda:0 cuda:1 cuda:0", "cuda, 2, 4, cuda:0 cuda:1",
        "cuda, 2, 1, cuda:0 cuda:0", "cuda:1, 2, 4, cuda:1 cuda:1"})
    void processesTakeTheDevicesInTurnUnlessOneIsNamed(String device, int processes, int present, String expected) {
        assertThat(Compute.devices(device, processes, present)).containsExactly(expected.split(" "));
    }

    @Test
    void onTheProcessorAllShareIt() {
        assertThat(Compute.float32(2).devices(2)).containsExactly("cpu", "cpu");
    }
}
