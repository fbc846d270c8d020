package dev.come.cli;

import java.util.List;
import picocli.CommandLine.Option;

/** What the computing is done with. */
final class ComputeOptions {
    private static final Choice TYPES = new Choice("--dtype", List.of("auto", "float32", "bfloat16"), List.of());

    @Option(names = "--dtype", paramLabel = "TYPE", description = {
        "auto, float32 or bfloat16 (default: ${DEFAULT-VALUE}).",
        "auto: as the checkpoint where the processor multiplies bfloat16 natively, float32 elsewhere."})
    private String type = "auto";

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda or cuda:N (default: ${DEFAULT-VALUE}).")
    String device = "cpu";

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads to compute with (default: one per processor, here ${DEFAULT-VALUE}).")
    int threads = Runtime.getRuntime().availableProcessors();

    String type() {
        return TYPES.check(type);
    }
}
