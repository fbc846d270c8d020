package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.failure.Shortage;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.zip.CRC32C;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * Writes a model folder that transformers, vLLM and llama.cpp read. It holds config.json, the weights in one or several
 * safetensors files, and the other files of the folder that the model was made from.
 *
 * <p>The folder appears all at once or not at all: everything is written beside it, brought to the disk, read again and
 * compared, and renamed at last. Only one tensor is in memory at a time.
 *
 * <p>Of the source folder the files are copied that belong to a model besides its weights ({@link SideFiles}). Nobody may read
 * the new model who may not read the source.
 */
public final class CheckpointWriter {
    /** What transformers takes: 5 GB. */
    public static final long DEFAULT_SHARD_BYTES = 5_000_000_000L;

    static final int CHUNK_BYTES = 1 << 24;

    private final SaveTarget target;
    private final ConfigTree config;
    private final Map<String, String> extraFiles = new LinkedHashMap<>();
    private Optional<Path> source = Optional.empty();
    private final List<Path> madeFrom = new ArrayList<>();
    private List<Path> inputs = List.of();
    private long shardBytes = DEFAULT_SHARD_BYTES;
    private boolean overwrite;
    private Progress progress = Progress.NONE;

    /**
     * A writer for one folder.
     *
     * @param target the folder to make
     * @param config what its config.json shall say
     */
    public CheckpointWriter(Path target, ConfigTree config) {
        this.target = new SaveTarget(target);
        this.config = config;
    }

    /** The folder whose other files are copied; it is never changed. Without this, none are. */
    public CheckpointWriter source(Path folder) {
        source = Optional.of(folder);
        return this;
    }

    /** A file that the model is made from: nobody may read the model who may not read that file. */
    public CheckpointWriter madeFrom(Path file) {
        madeFrom.add(file);
        return this;
    }

    /** A text file to be written besides, such as README.md. */
    public CheckpointWriter file(String name, String text) {
        extraFiles.put(name, text);
        return this;
    }

    /** How many bytes of tensors one file may hold, more than 0; a tensor that is larger has a file of its own. */
    public CheckpointWriter maxShardBytes(long bytes) {
        shardBytes = bytes;
        return this;
    }

    /** What the run reads besides the source; a target that holds any of it is never replaced. */
    public CheckpointWriter inputs(List<Path> paths) {
        inputs = List.copyOf(paths);
        return this;
    }

    /** Whether a model that is in the target already is replaced. */
    public CheckpointWriter overwrite(boolean replace) {
        overwrite = replace;
        return this;
    }

    /**
     * Whether a model folder, as it is written here, has such a file.
     *
     * @param name its path below the folder, with slashes
     */
    public static boolean isOfModel(String name) {
        return SaveTarget.isWritten(name);
    }

    /** Who is told how many bytes are written. */
    public CheckpointWriter progress(Progress listener) {
        progress = listener;
        return this;
    }

    /**
     * Checks, before any work is done, that the target may be written.
     *
     * @throws UsageException when it is a file, overlaps the source, is not empty and may not be replaced, or holds what is not
     *         ours or is read
     * @throws FailedException when the folder above cannot be written to
     */
    public void checkTarget() {
        checkPlace();
        target.checkReplaceable(overwrite, inputs);
    }

    /**
     * Checks whether a folder can be written there, whatever lies there now.
     *
     * @throws UsageException when it is a file, or overlaps the source
     * @throws FailedException when the folder above cannot be written to
     */
    public void checkPlace() {
        target.checkPlace(source);
    }

    /**
     * Writes the model.
     *
     * @param tensors the tensors, in the order in which they shall lie in the files
     * @param tensorOf lends each tensor when its turn comes. It must have the promised type and shape; it is called in a
     *         PointerScope, so what it makes goes when the tensor is written, and what somebody owns stays
     * @throws UsageException as {@link #checkTarget} does
     * @throws FailedException when the disk is full or refuses; then nothing is left behind
     */
    public void write(List<TensorSpec> tensors, Function<TensorSpec, Tensor> tensorOf) {
        checkTarget();
        Shortage.named(() -> "Saving " + target.folder(), () -> writeAll(tensors, tensorOf));
    }

    private void writeAll(List<TensorSpec> tensors, Function<TensorSpec, Tensor> tensorOf) {
        List<Shard> shards = Shard.plan(tensors, shardBytes);
        long totalBytes = tensors.stream().mapToLong(TensorSpec::byteLength).sum();
        List<Path> sources = sources();
        FileAttribute<?>[] modes = FileModes.ofFile(sources);
        try (AtomicFolder made = AtomicFolder.beside(target.folder(),
                FileModes.ofFolder(source.map(List::of).orElse(sources)));
                Progress.Task task = progress.begin("saving " + target.folder().getFileName(), totalBytes,
                        Progress.BYTES)) {
            writeOtherFiles(made.folder(), modes);
            List<Long> checksums = new ArrayList<>();
            for (Shard shard : shards) {
                checksums.addAll(
                        writeShard(made.folder().resolve(shard.fileName()), shard.tensors(), tensorOf, task, modes));
            }
            if (shards.size() > 1) {
                writeText(made.folder().resolve(ShardIndex.FILE_NAME), index(shards, totalBytes), modes);
            }
            verify(made.folder(), tensors, checksums);
            // Once more: writing takes minutes, in which somebody may have put something there.
            target.checkReplaceable(overwrite, inputs);
            made.commit(overwrite);
        } catch (IOException e) {
            throw new FailedException(
                    ("%s cannot be saved (%s); its weights take %s bytes, so check that there is room, or give "
                            + "another folder to save to").formatted(target.folder(), IoReason.of(e), totalBytes),
                    e);
        }
    }

    /** What decides who may read the new model: the configuration and the weights that it is made from. */
    private List<Path> sources() {
        List<Path> sources = new ArrayList<>(madeFrom);
        source.map(SideFiles::files).orElse(List.of()).stream()
                .filter(file -> file.endsWith(CheckpointHeaders.CONFIG) || file.toString().endsWith(".safetensors"))
                .filter(Files::isRegularFile).forEach(sources::add);
        return sources;
    }

    private void writeOtherFiles(Path folder, FileAttribute<?>[] modes) throws IOException {
        if (source.isPresent()) {
            new SideFiles(source.get()).copyTo(folder, progress);
        }
        writeText(folder.resolve(CheckpointHeaders.CONFIG), config.toJson(), modes);
        for (Map.Entry<String, String> file : extraFiles.entrySet()) {
            Files.deleteIfExists(folder.resolve(file.getKey()));
            writeText(folder.resolve(file.getKey()), file.getValue(), modes);
        }
    }

    static void writeText(Path file, String text, FileAttribute<?>[] modes) throws IOException {
        try (FileChannel channel = create(file, modes)) {
            AtomicFile.writeFully(channel, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    /** A new file that only those may read whom the modes let. */
    static FileChannel create(Path file, FileAttribute<?>[] modes) throws IOException {
        return FileChannel.open(file, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), modes);
    }

    private static List<Long> writeShard(Path file, List<TensorSpec> tensors, Function<TensorSpec, Tensor> tensorOf,
            Progress.Task task, FileAttribute<?>[] modes) throws IOException {
        try (FileChannel channel = create(file, modes)) {
            return writeShard(channel, tensors, tensorOf, task);
        }
    }

    /** Writes one file, and returns the checksum of each tensor. */
    static List<Long> writeShard(FileChannel out, List<TensorSpec> tensors, Function<TensorSpec, Tensor> tensorOf,
            Progress.Task task) throws IOException {
        List<Long> checksums = new ArrayList<>();
        AtomicFile.writeFully(out, ByteBuffer.wrap(SafetensorsHeader.encode(tensors)));
        for (TensorSpec spec : tensors) {
            try (var _ = new PointerScope()) {
                Tensor tensor = tensorOf.apply(spec).cpu().contiguous();
                checksums.add(writeTensor(out, bytes(tensor, spec), task));
            }
        }
        return checksums;
    }

    private static MemorySegment bytes(Tensor tensor, TensorSpec spec) {
        TensorSpec given = new TensorSpec(spec.name(), DType.of(tensor.scalar_type()),
                Arrays.stream(tensor.shape()).boxed().toList());
        if (!given.equals(spec)) {
            throw new IllegalArgumentException("%s was promised, %s was given".formatted(spec, given));
        }
        return TensorMemory.of(tensor);
    }

    private static long writeTensor(FileChannel channel, MemorySegment bytes, Progress.Task task) throws IOException {
        CRC32C checksum = new CRC32C();
        for (long start = 0; start < bytes.byteSize(); start += CHUNK_BYTES) {
            long length = Math.min(CHUNK_BYTES, bytes.byteSize() - start);
            ByteBuffer chunk = bytes.asSlice(start, length).asByteBuffer();
            checksum.update(chunk.duplicate());
            AtomicFile.writeFully(channel, chunk);
            task.advance(length);
        }
        return checksum.getValue();
    }

    private static String index(List<Shard> shards, long totalBytes) {
        SortedMap<String, String> shardOfTensor = new TreeMap<>();
        for (Shard shard : shards) {
            shard.tensors().forEach(tensor -> shardOfTensor.put(tensor.name(), shard.fileName()));
        }
        return ShardIndex.encode(shardOfTensor, totalBytes);
    }

    /** Opens what was written as anyone would, and compares every tensor with what was meant. */
    private static void verify(Path folder, List<TensorSpec> tensors, List<Long> checksums) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            List<TensorSpec> found = new ArrayList<>();
            List<Long> foundChecksums = new ArrayList<>();
            ByteBuffer chunk = ByteBuffer.allocateDirect(CHUNK_BYTES);
            for (TensorInfo tensor : checkpoint.headers().stored()) {
                found.add(TensorSpec.like(tensor, tensor.name()));
                foundChecksums.add(checksum(tensor, chunk));
            }
            if (!found.equals(tensors) || !foundChecksums.equals(checksums)) {
                throw new IOException("what is read back differs from what was written");
            }
        } catch (CheckpointException e) {
            throw new IOException("what was written cannot be read back: " + e.getMessage(), e);
        }
    }

    /** Reads instead of mapping, so that the size of the process does not grow by that of the model. */
    static long checksum(TensorInfo tensor, ByteBuffer chunk) throws IOException {
        CRC32C checksum = new CRC32C();
        try (FileChannel channel = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
            for (long read = 0; read < tensor.byteLength(); read += chunk.limit()) {
                chunk.clear().limit((int) Math.min(chunk.capacity(), tensor.byteLength() - read));
                FileParts.Local.readFully(channel, chunk, tensor.offset() + read);
                checksum.update(chunk.flip());
            }
        }
        return checksum.getValue();
    }
}
