package dev.come.job;

import dev.come.ByteSize;
import dev.come.UsageException;
import dev.come.calibration.ClusterChoice;
import dev.come.model.Compute;
import dev.come.vocabulary.TokenizerCompat;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a user asks for to compute with, and how texts become what is computed on.
 *
 * @param dtype {@code --dtype}: auto, float32 or bfloat16
 * @param device {@code --device}: cpu, cuda or cuda:n
 * @param threads {@code --threads}
 * @param memory {@code --memory}: bytes of hidden states that are held in memory
 * @param cluster {@code --master}: other machines that do what can be divided, if there are any
 * @param tokenizers {@code --tokenizer-compat}: whose ids texts become
 */
public record ComputeChoice(String dtype, String device, int threads, long memory, Optional<ClusterChoice> cluster,
        TokenizerCompat tokenizers) {
    /** The type, where nothing else is asked for. */
    public static final String DEFAULT_DTYPE = "auto";

    /** The device, where nothing else is asked for. */
    public static final String DEFAULT_DEVICE = "cpu";

    /** One to keep the device busy while another reads weights. */
    private static final int THREADS_OF_A_DEVICE = 2;

    private static final long MEMORY = 256_000_000;
    private static final long MEMORY_OF_A_DEVICE = 4_000_000_000L;

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
        if (cluster.isPresent() && !device.equals(DEFAULT_DEVICE)) {
            throw new UsageException("--device " + device
                    + " does not go with --master, whose machines compute on their processors; leave one out");
        }
    }

    /** On this machine. */
    public ComputeChoice(String dtype, String device, int threads, long memory) {
        this(dtype, device, threads, memory, Optional.empty(), TokenizerCompat.FILE);
    }

    /** The same with the help of other machines. */
    public ComputeChoice on(Optional<ClusterChoice> machines) {
        return new ComputeChoice(dtype, device, threads, memory, machines, tokenizers);
    }

    /** The same with texts read in another way. */
    public ComputeChoice reading(TokenizerCompat compat) {
        return new ComputeChoice(dtype, device, threads, memory, cluster, compat);
    }

    /** A choice in which threads and memory, where they are absent, are as usual for the device. */
    public static ComputeChoice of(String dtype, String device, OptionalInt threads, OptionalLong memory) {
        boolean processor = device.equals(DEFAULT_DEVICE);
        return new ComputeChoice(dtype, device,
                threads.orElse(processor ? Runtime.getRuntime().availableProcessors() : THREADS_OF_A_DEVICE),
                memory.orElse(processor ? MEMORY : MEMORY_OF_A_DEVICE));
    }
}
