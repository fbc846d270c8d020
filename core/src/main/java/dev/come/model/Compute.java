package dev.come.model;

import dev.come.InvalidInputException;
import dev.come.UsageException;
import dev.come.checkpoint.DType;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Where and in which type tensors are computed.
 *
 * @param type float32 or bfloat16; norms, attention and everything that is reduced is float32 or wider all the same
 * @param device {@code cpu}, {@code cuda} or {@code cuda:n}
 * @param threads how many threads share the work
 */
public record Compute(DType type, String device, int threads) {
    private static final long ROWS_OF_PROCESSOR = 512;
    private static final long ROWS_OF_DEVICE = 8192;
    /** Features of processors that multiply bfloat16 matrices. */
    private static final Set<String> BFLOAT16 = Set.of("avx512_bf16", "amx_bf16", "bf16");
    private static final Pattern DEVICE = Pattern.compile("cpu|cuda(:\\d+)?");

    public Compute {
        if (type != DType.F32 && type != DType.BF16) {
            throw new UsageException("--dtype is " + type + ", but the choices are auto, float32 and bfloat16");
        }
        requireDeviceAndThreads(device, threads);
        if (device.startsWith("cuda") && Engine.devices() == 0) {
            throw new InvalidInputException("--device " + device
                    + ": this build of the tensor engine finds no CUDA device; use --device cpu, or build with the engine for GPUs as docs/machines.md says");
        }
    }

    /**
     * Refuses what {@link #of} would refuse, without a model and without looking for a device.
     *
     * @throws UsageException if there is no such type or device, or no thread
     */
    public static void check(String dtype, String device, int threads) {
        if (!Set.of("auto", "float32", "bfloat16").contains(dtype.toLowerCase(Locale.ROOT))) {
            throw new UsageException(
                    "--dtype is \"" + dtype + "\", but the choices are auto, float32 and bfloat16");
        }
        requireDeviceAndThreads(device, threads);
    }

    private static void requireDeviceAndThreads(String device, int threads) {
        if (!DEVICE.matcher(device).matches()) {
            throw new UsageException("--device is \"" + device + "\", but the choices are cpu, cuda and cuda:n");
        }
        if (threads < 1) {
            throw new UsageException("--threads is " + threads + ", but must be at least 1");
        }
    }

    /** Float32 on the processor, as all comparisons with golden values need it. */
    public static Compute float32(int threads) {
        return new Compute(DType.F32, "cpu", threads);
    }

    /**
     * Chooses the type.
     *
     * @param dtype {@code auto}, {@code float32} or {@code bfloat16}; auto is the stored type where the processor
     *        multiplies it natively, float32 elsewhere
     * @param stored the type of the checkpoint's weights
     */
    public static Compute of(String dtype, DType stored, String device, int threads) {
        check(dtype, device, threads);
        DType type = switch (dtype.toLowerCase(Locale.ROOT)) {
            case "float32" -> DType.F32;
            case "bfloat16" -> DType.BF16;
            default -> stored == DType.BF16 && (device.startsWith("cuda") || processorMultipliesBfloat16())
                    ? DType.BF16
                    : DType.F32;
        };
        return new Compute(type, device, threads);
    }

    /** Whether products of bfloat16 matrices have instructions of their own; without them they are many times slower. */
    public static boolean processorMultipliesBfloat16() {
        return Processor.features().stream().anyMatch(BFLOAT16::contains);
    }

    /** The same place, but float32. */
    public Compute inFloat32() {
        return new Compute(DType.F32, device, threads);
    }

    /** A tensor of any type and place as float32 where this computes; itself if it is that already. */
    public Tensor floats(Tensor tensor) {
        return tensor.to(torchDevice(), ScalarType.Float);
    }

    /** A matrix of any type and place in the compute type where this computes; itself if it is that already. */
    public Tensor matrix(Tensor tensor) {
        return tensor.to(torchDevice(), scalarType());
    }

    /**
     * The device that each of several processes works on. {@code cuda}, which has no number, stands for all devices
     * there are, taken in turn; anything else is shared.
     */
    public List<String> devices(int processes) {
        return devices(device, processes, device.equals("cuda") ? Engine.devices() : 1);
    }

    static List<String> devices(String device, int processes, int present) {
        return IntStream.range(0, processes)
                .mapToObj(process -> device.equals("cuda") ? "cuda:" + process % present : device).toList();
    }

    /** The name of the type as users write it. */
    public String dtypeName() {
        return type.label();
    }

    /** What is wrong where numbers are not finite, for the end of a message; a wider type is advised where there is one. */
    public String whyNotFinite() {
        return type == DType.F32
                ? "the weights are damaged, or too large to compute with"
                : "the weights are damaged, or too large for " + dtypeName() + " (try --dtype float32)";
    }

    /** Whether the processor computes, whose caches are small, rather than a device that wants large pieces of work. */
    boolean onProcessor() {
        return device.equals("cpu");
    }

    /** How many rows go through the products of a layer together: on a processor so few that they stay in its cache. */
    long rowsAtOnce() {
        return onProcessor() ? ROWS_OF_PROCESSOR : ROWS_OF_DEVICE;
    }

    ScalarType scalarType() {
        return type.scalarType();
    }

    /** The device for the tensor engine. */
    public Device torchDevice() {
        return new Device(device);
    }

    /** Options for a tensor of the given type on this device. */
    TensorOptions options(ScalarType scalarType) {
        return new TensorOptions(torchDevice()).dtype(new ScalarTypeOptional(scalarType));
    }
}
