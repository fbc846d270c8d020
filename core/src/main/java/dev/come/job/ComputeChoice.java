package dev.come.job;

import dev.come.ByteSize;
import dev.come.UsageException;
import dev.come.model.Compute;
import java.util.Locale;

/**
 * What a user asks for to compute with.
 *
 * @param dtype {@code --dtype}: auto, float32 or bfloat16
 * @param device {@code --device}: cpu, cuda or cuda:n
 * @param threads {@code --threads}
 * @param memory {@code --memory}: bytes of hidden states that are held in memory
 */
public record ComputeChoice(String dtype, String device, int threads, long memory) {
    /** Whoever writes 10 does not mean ten bytes. */
    private static final long LEAST_MEMORY = 1000;

    /** @throws UsageException if a value cannot be; whether there is such a device is found when it is used */
    public ComputeChoice {
        Compute.check(dtype, device, threads);
        dtype = dtype.toLowerCase(Locale.ROOT);
        if (memory < LEAST_MEMORY && memory != 0) {
            throw new UsageException("--memory is " + memory + " bytes, but must be at least "
                    + ByteSize.format(LEAST_MEMORY) + ", or 0 to hold no states; write the unit too, such as 256MB");
        }
    }
}
