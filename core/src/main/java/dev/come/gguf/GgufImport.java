package dev.come.gguf;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.CacheFolder;
import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.DType;
import dev.come.checkpoint.FiniteNumbers;
import dev.come.checkpoint.TensorMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.Tensor;

/**
 * Makes a model folder of a GGUF file: config.json, weights and tokenizer as transformers would have them. A file is
 * unpacked once, into a cache; afterwards its folder is found there.
 */
public final class GgufImport {
    /** Goes into the names of folders; to be counted up when the same file is unpacked into something else. */
    private static final String VERSION = "3";
    private static final String ENDING = ".gguf";
    private static final int NAME_LENGTH = 60;
    private static final int HASH_LENGTH = 16;
    /** Numbers that a thread unpacks at a time. */
    private static final int CHUNK = 1 << 16;

    private GgufImport() {
    }

    /** Whether a path names a GGUF file, by its ending. */
    public static boolean isGguf(Path path) {
        return path.toString().endsWith(ENDING);
    }

    /** The folder to give to {@link #folder}. */
    public static Path cache(Map<String, String> environment, Path home) {
        return CacheFolder.of(environment, home).resolve("gguf");
    }

    /**
     * The model folder of a GGUF file. If it is not in the cache, the file is unpacked into it, one tensor in memory at a
     * time.
     *
     * @param cache the folder that holds the unpacked models, one folder for each; it is made if need be
     * @throws CheckpointException when the file cannot be read, is damaged, or holds a model or tokenizer that is not read
     * @throws FailedException when the cache cannot be written to; then nothing is left behind
     */
    public static Path folder(Path file, Path cache, Progress progress) {
        try (GgufFile gguf = GgufFile.open(file)) {
            Path folder = cache.resolve(name(gguf));
            if (Files.isDirectory(folder)) {
                progress.note("%s was unpacked before, into %s".formatted(file, folder));
                return folder;
            }
            unpack(gguf, folder, progress);
            progress.note("%s is unpacked into %s".formatted(file, folder));
            return folder;
        }
    }

    /** What a person recognises, and what tells the file from every other. */
    private static String name(GgufFile file) {
        String stem = file.file().getFileName().toString();
        stem = stem.endsWith(ENDING) ? stem.substring(0, stem.length() - ENDING.length()) : stem;
        stem = stem.replaceAll("[^A-Za-z0-9._-]", "_");
        return "%s-%s".formatted(stem.substring(0, Math.min(NAME_LENGTH, stem.length())),
                file.fingerprint(VERSION).substring(0, HASH_LENGTH));
    }

    private static void unpack(GgufFile file, Path folder, Progress progress) {
        GgufModel model = GgufModel.of(file);
        GgufTokenizer tokenizer = GgufTokenizer.of(file.metadata());
        List<Weight> weights = model.weights();
        Map<String, Weight> byName = weights.stream()
                .collect(Collectors.toMap(weight -> weight.spec().name(), Function.identity()));
        CheckpointWriter writer = new CheckpointWriter(folder, model.config(tokenizer)).progress(progress)
                .madeFrom(file.file())
                .file("tokenizer.json", tokenizer.tokenizerJson())
                .file("tokenizer_config.json", tokenizer.tokenizerConfig(model.maxPositions()))
                .file("generation_config.json", tokenizer.generationConfig()).file("README.md", readme(file));
        try {
            writer.write(weights.stream().map(Weight::spec).toList(),
                    spec -> tensor(file, Objects.requireNonNull(byName.get(spec.name()))));
        } catch (FailedException e) {
            // Another process may have unpacked the same file meanwhile.
            if (!Files.isDirectory(folder)) {
                throw e;
            }
        }
    }

    private static String readme(GgufFile file) {
        StringBuilder text = new StringBuilder("Unpacked from the GGUF file %s by CoMe for Java.\n"
                .formatted(file.file().getFileName()));
        for (String key : List.of("general.name", "general.organization", "general.license", "general.source.url")) {
            file.metadata().text(key).ifPresent(value -> text.append("\n- %s: %s".formatted(key, value)));
        }
        return text.append('\n').toString();
    }

    private static Tensor tensor(GgufFile file, Weight weight) {
        Tensor stored = TensorMemory.empty(weight.spec().dtype(),
                weight.transposed() ? weight.spec().shape().reversed() : weight.spec().shape());
        fill(file, weight, TensorMemory.of(stored));
        Tensor tensor = weight.transposed() ? stored.t().contiguous() : stored;
        if (!FiniteNumbers.fill(tensor)) {
            throw new FailedException("%s: tensor '%s' holds NaN or infinity; the file is damaged, fetch it again"
                    .formatted(file.file(), weight.source().name()));
        }
        return tensor;
    }

    /** Fills the memory of a tensor, some rows in each thread. */
    private static void fill(GgufFile file, Weight weight, MemorySegment target) {
        GgufTensor source = weight.source();
        file.requireUnchanged();
        int rows = Math.toIntExact(source.rows());
        int rowsAtOnce = Math.max(1, CHUNK / source.rowLength());
        IntStream.range(0, Math.ceilDiv(rows, rowsAtOnce)).parallel().forEach(chunk -> {
            RowUnpacker unpacker = new RowUnpacker(file, weight);
            int end = Math.min(rows, (chunk + 1) * rowsAtOnce);
            for (int row = chunk * rowsAtOnce; row < end; row++) {
                unpacker.unpack(sourceRow(row, rows, weight.turnedHeads()), target, row);
            }
        });
    }

    /**
     * Where a row lies in the file. A head's first half of rows is paired with its second half to be turned; GGUF has the
     * rows of a pair side by side, transformers has the halves one after the other.
     */
    private static int sourceRow(int row, int rows, int heads) {
        if (heads == 0) {
            return row;
        }
        int headRows = rows / heads;
        int half = headRows / 2;
        int inHead = row % headRows;
        return row - inHead + inHead % half * 2 + inHead / half;
    }

    /** Unpacks rows of one tensor, in one thread. */
    private static final class RowUnpacker {
        private final GgufFile file;
        private final GgufTensor source;
        private final DType dtype;
        private final float less;
        private final float factor;
        private final byte[] blocks;
        private final float[] numbers;
        private final short[] halves;

        RowUnpacker(GgufFile file, Weight weight) {
            this.file = file;
            this.source = weight.source();
            this.dtype = weight.spec().dtype();
            this.less = weight.less();
            this.factor = weight.factor();
            this.blocks = new byte[Math.toIntExact(source.type().bytes(source.rowLength()))];
            this.numbers = new float[source.rowLength()];
            this.halves = new short[source.rowLength()];
        }

        void unpack(int sourceRow, MemorySegment target, int targetRow) {
            file.read(source, (long) sourceRow * blocks.length, blocks);
            Dequantiser.dequantise(source.type(), blocks, numbers, numbers.length);
            if (less != 0) {
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] -= less;
                }
            }
            if (factor != 1) {
                for (int i = 0; i < numbers.length; i++) {
                    numbers[i] *= factor;
                }
            }
            long at = (long) targetRow * numbers.length * dtype.bytes();
            switch (dtype) {
                case F32 -> MemorySegment.copy(numbers, 0, target, ValueLayout.JAVA_FLOAT, at, numbers.length);
                case F16 -> {
                    for (int i = 0; i < numbers.length; i++) {
                        halves[i] = Float.floatToFloat16(numbers[i]);
                    }
                    MemorySegment.copy(halves, 0, target, ValueLayout.JAVA_SHORT, at, halves.length);
                }
                case BF16 -> {
                    for (int i = 0; i < numbers.length; i++) {
                        halves[i] = Quantiser.bfloat16(numbers[i]);
                    }
                    MemorySegment.copy(halves, 0, target, ValueLayout.JAVA_SHORT, at, halves.length);
                }
                case F64, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, F8_E4M3, F8_E5M2, F8_E8M0 ->
                    throw new IllegalStateException("no tensor is made " + dtype);
            }
        }
    }
}
