package dev.come.cli;

import dev.come.ByteSize;
import dev.come.job.ComputeChoice;
import java.util.List;
import picocli.CommandLine.Option;

/** What the computing is done with. */
final class ComputeOptions {
    private static final Choice TYPES = new Choice("--dtype", List.of("auto", "float32", "bfloat16"));

    @Option(names = "--dtype", paramLabel = "TYPE", description = {
        "auto, float32 or bfloat16 (default: ${DEFAULT-VALUE}).",
        "auto: as the checkpoint where the processor multiplies bfloat16 natively, float32 elsewhere."})
    private String type = "auto";

    @Option(names = "--device", paramLabel = "DEVICE", description = "cpu, cuda or cuda:N (default: ${DEFAULT-VALUE}).")
    private String device = "cpu";

    @Option(names = "--threads", paramLabel = "N",
            description = "Threads to compute with (default: one per processor, here ${DEFAULT-VALUE}).")
    private int threads = Runtime.getRuntime().availableProcessors();

    @Option(names = "--memory", paramLabel = "SIZE", description = {
        "Hidden states that are held in memory (default: ${DEFAULT-VALUE}).",
        "What does not fit goes to a temporary file beside the result, or through in smaller groups."})
    private String memory = "256MB";

    ComputeChoice choice() {
        return new ComputeChoice(TYPES.check(type), device, threads, ByteSize.parse("--memory", memory));
    }
}
