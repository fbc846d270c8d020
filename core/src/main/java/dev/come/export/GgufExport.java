package dev.come.export;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.FiniteNumbers;
import dev.come.checkpoint.TensorInfo;
import dev.come.checkpoint.TensorMemory;
import dev.come.gguf.GgufOutput;
import dev.come.gguf.GgufType;
import dev.come.gguf.Quantiser;
import dev.come.model.Family;
import dev.come.model.ModelConfig;
import dev.come.model.Norm;
import dev.come.model.Part;
import dev.come.vocabulary.TokenLists;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Writes a model folder as a GGUF file, which llama.cpp and what is built on it run. Some rows of a tensor are in memory at a
 * time, whatever the size of the model.
 */
public final class GgufExport {
    /** The version of the quantised blocks that the file names. */
    private static final int QUANTISATION_VERSION = 2;
    /** Numbers that are read at a time. */
    private static final int CHUNK = 1 << 22;

    private final Checkpoint checkpoint;
    private final ModelConfig config;
    private final Architecture architecture;
    private final GgufType type;
    private final GgufOutput output = new GgufOutput();
    /** Where the numbers of a tensor of the file come from. */
    private final Map<String, Source> sources = new LinkedHashMap<>();
    private final Map<String, float[]> factors;
    private final List<String> notes;

    /**
     * A tensor of the checkpoint.
     *
     * @param heads how many heads its rows fall into whose halves are interleaved, or 0
     * @param more what is added to each number
     */
    private record Source(TensorInfo info, int heads, float more) {}

    /** What llama.cpp calls a family, if GGUF files can be made of its models. */
    public static Optional<String> architecture(Family family) {
        return Architecture.of(family).map(Architecture::id);
    }

    /**
     * Which orders of layers that attend in different ways llama.cpp computes of a family: any, those of a period, those of a
     * list; or that it has no windows at all.
     */
    public static Optional<String> orders(Family family) {
        return Architecture.of(family).map(Architecture::orders);
    }

    /**
     * Prepares a file; nothing is written yet.
     *
     * @param type of the matrices; all else is F32
     * @param begins whether the tokenizer puts a token in front of a text
     * @param ends whether it puts one behind it
     * @throws InvalidInputException if llama.cpp has nothing that computes the model, or its tokenizer
     */
    public GgufExport(Checkpoint checkpoint, ModelConfig config, GgufType type, boolean begins, boolean ends) {
        this.checkpoint = checkpoint;
        this.config = config;
        this.architecture = Architecture.of(config);
        this.type = type;
        this.factors = RotaryKeys.factors(config);
        TokenLists tokenizer = TokenLists.read(checkpoint.folder(), config.vocabularySize(), checkpoint.config());
        output.text("general.architecture", architecture.id()).text("general.type", "model")
                .text("general.name", name()).text("general.size_label", sizeLabel())
                .count("general.file_type", type.fileType())
                .count("general.quantization_version", QUANTISATION_VERSION);
        notes = List.copyOf(new ModelKeys(checkpoint.folder(), config, architecture, output).add());
        TokenizerKeys.add(output, tokenizer, begins, ends);
        collect();
    }

    /** What a user should know about the file. */
    public List<String> notes() {
        return notes;
    }

    /** How long the file will be. */
    public long bytes() {
        return output.bytes();
    }

    private String name() {
        return Objects
                .requireNonNullElse(checkpoint.folder().toAbsolutePath().normalize().getFileName(), Path.of("model"))
                .toString();
    }

    /** The number of weights as llama.cpp's names of files have it: two digits and a letter. */
    private String sizeLabel() {
        double parameters = checkpoint.tensors().stream()
                .mapToLong(tensor -> tensor.shape().stream().reduce(1L, (a, b) -> a * b)).sum();
        String letters = "KMBT";
        int letter = 0;
        parameters /= 1000;
        while (parameters >= 1000 && letter < letters.length() - 1) {
            parameters /= 1000;
            letter++;
        }
        return (parameters < 9.5 ? String.format(Locale.ROOT, "%.1f", parameters) : "" + Math.round(parameters))
                + letters.charAt(letter);
    }

    private void collect() {
        config.tensorsBefore().keySet().forEach(this::outside);
        for (int layer = 0; layer < config.layers(); layer++) {
            for (List<Part> parts : config.layerTensors()) {
                Part first = parts.getFirst();
                int heads = !architecture.interleaved()
                        ? 0
                        : first == Part.QUERY || first == Part.QUERY_BIAS
                                ? config.heads()
                                : first == Part.KEY || first == Part.KEY_BIAS ? config.keyValueHeads() : 0;
                add(TensorNames.ofLayer(layer, parts), config.tensorName(layer, first), heads,
                        first.isOfNorm() && !first.isBias());
            }
        }
        config.tensorsAfter().keySet().forEach(this::outside);
    }

    private void outside(String name) {
        TensorNames.outside(name, config.family().names())
                .ifPresent(target -> add(target, name, 0, target.equals("output_norm.weight")));
    }

    private void add(String name, String source, int heads, boolean norm) {
        TensorInfo info = checkpoint.info(source);
        float more = norm && config.norm().kind() == Norm.Kind.RMS_PLUS_ONE ? 1 : 0;
        sources.put(name, new Source(info, heads, more));
        output.tensor(new GgufOutput.Entry(name, typeOf(name, info), info.shape()));
    }

    /** Vectors are F32, and what the type's blocks do not divide is F16. The output projection keeps eight bits. */
    private GgufType typeOf(String name, TensorInfo info) {
        if (info.shape().size() == 1) {
            return GgufType.F32;
        }
        boolean head = name.equals("output.weight") || (config.tiedEmbeddings() && name.equals("token_embd.weight"));
        GgufType wanted = head && type.blockLength() > 1 ? GgufType.Q8_0 : type;
        return info.shape().getLast() % wanted.blockLength() == 0 ? wanted : GgufType.F16;
    }

    /**
     * Writes the file, whole or not at all. One that is there is replaced.
     *
     * @throws FailedException if the disk is full, or weights are not finite
     */
    public void write(Path file, Progress progress) {
        try (Progress.Task task = progress.begin("writing " + file.getFileName(), output.tensors().size(), "tensors")) {
            output.write(file, (tensor, out) -> {
                float[] made = factors.get(tensor.name());
                if (made != null) {
                    put(made, tensor.type(), out);
                } else {
                    copy(tensor, Objects.requireNonNull(sources.get(tensor.name())), out);
                }
                task.advance(1);
            });
        }
    }

    private void copy(GgufOutput.Entry tensor, Source source, FileChannel out) throws IOException {
        int columns = tensor.shape().size() == 1 ? 1 : Math.toIntExact(tensor.shape().getLast());
        long rows = tensor.numbers() / columns;
        // The halves of a head change places, so heads are read whole.
        long unit = source.heads == 0 ? 1 : rows / source.heads;
        long atOnce = Math.max(1, CHUNK / (unit * columns)) * unit;
        for (long first = 0; first < rows; first += atOnce) {
            try (var _ = new PointerScope()) {
                Tensor numbers = numbers(source, first, Math.min(atOnce, rows - first));
                put(source.heads == 0 ? numbers : interleaved(numbers, unit, columns), tensor.type(), out);
            }
        }
    }

    /** Some rows, float32. */
    private Tensor numbers(Source source, long first, long count) {
        // In float32 the engine looks for what is not finite many times faster than in bfloat16.
        Tensor rows = checkpoint.rows(source.info.name(), first, count).to(ScalarType.Float);
        if (!FiniteNumbers.fill(rows)) {
            throw new FailedException(
                    "Tensor %s in %s holds NaN or infinity; the file is damaged, so fetch the model again"
                            .formatted(source.info.name(), source.info.file()));
        }
        return source.more == 0 ? rows : rows.add(new Scalar(source.more));
    }

    /** A head's first half of rows is paired with its second half to be turned; GGUF has the rows of a pair side by side. */
    private static Tensor interleaved(Tensor rows, long headRows, long columns) {
        return rows.view(-1, 2, headRows / 2, columns).transpose(1, 2).contiguous();
    }

    /** Writes numbers in a type: blocks of the type, some in each thread, or what the engine makes of them. */
    private static void put(Tensor numbers, GgufType type, FileChannel out) throws IOException {
        switch (type) {
            case F32 -> put(TensorMemory.of(numbers), out);
            case F16 -> put(TensorMemory.of(numbers.to(ScalarType.Half)), out);
            case BF16 -> put(TensorMemory.of(numbers.to(ScalarType.BFloat16)), out);
            default -> put(TensorMemory.of(numbers).toArray(ValueLayout.JAVA_FLOAT), type, out);
        }
    }

    private static void put(MemorySegment memory, FileChannel out) throws IOException {
        ByteBuffer buffer = memory.asByteBuffer();
        while (buffer.hasRemaining()) {
            out.write(buffer);
        }
    }

    private static void put(float[] numbers, GgufType type, FileChannel out) throws IOException {
        byte[] bytes = new byte[Math.toIntExact(type.bytes(numbers.length))];
        int part = 1 << 16;
        IntStream.range(0, Math.ceilDiv(numbers.length, part)).parallel().forEach(index -> {
            int from = index * part;
            Quantiser.quantise(type, numbers, from, Math.min(part, numbers.length - from), bytes,
                    Math.toIntExact(type.bytes(from)));
        });
        put(MemorySegment.ofArray(bytes), out);
    }
}
