package dev.come.checkpoint;

import dev.come.failure.Opening;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;

/**
 * A model folder that was opened for reading: its config.json and the tensors of its safetensors files. Nothing in the folder is
 * changed or executed.
 *
 * <p>Opening reads the headers only, and checks all that can be known from them, so that a damaged file is refused
 * before work begins. A tensor is read when it is asked for, into memory of its own. A file that was shortened or grew
 * meanwhile is refused then. Safe for use from several threads, except that {@link #close} must be the last call.
 */
public final class Checkpoint implements AutoCloseable {
    /** So much of each tensor goes into the fingerprint. */
    private static final long FINGERPRINT_BYTES = 4096;

    private final CheckpointHeaders headers;
    private final Map<Path, TensorFile> files = new LinkedHashMap<>();

    private Checkpoint(CheckpointHeaders headers) {
        this.headers = headers;
        try (Opening opening = new Opening()) {
            opening.add(this::close);
            headers.files().forEach(header -> files.put(header.file(), TensorFile.of(header)));
            opening.done();
        }
    }

    /**
     * Opens and checks a model folder.
     *
     * @throws CheckpointException when it is not a folder, or a file in it is missing or broken; the message names it
     */
    public static Checkpoint open(Path folder) {
        return open(CheckpointHeaders.read(folder));
    }

    /**
     * Opens a model folder whose headers were read.
     *
     * @param headers of files that lie in the folder
     * @throws CheckpointException when a file is not there any more
     */
    public static Checkpoint open(CheckpointHeaders headers) {
        return new Checkpoint(headers);
    }

    /** What the folder says of itself, without the weights. */
    public CheckpointHeaders headers() {
        return headers;
    }

    /** The folder, as it was given. */
    public Path folder() {
        return headers.folder();
    }

    /** What config.json says, as {@link CheckpointHeaders#config}. */
    public ConfigTree config() {
        return headers.config();
    }

    /** As {@link CheckpointHeaders#tensors}. */
    public List<TensorInfo> tensors() {
        return headers.tensors();
    }

    /** Whether there is a tensor of that name. */
    public boolean contains(String name) {
        return headers.contains(name);
    }

    /**
     * The place, type and shape of that tensor.
     *
     * @throws CheckpointException when there is none
     */
    public TensorInfo info(String name) {
        return headers.info(name);
    }

    /**
     * A tensor in the type that its {@link #info} tells, of the current PointerScope.
     *
     * @throws CheckpointException when there is none of that name, or its file is not as long any more as it was
     */
    public Tensor tensor(String name) {
        TensorInfo tensor = info(name);
        return scaled(tensor).map(ScaledRows::all).orElseGet(() -> file(tensor).tensor(tensor.name()));
    }

    /** Some rows of a tensor that has rows, one after the other in the file; otherwise as {@link #tensor}. */
    public Tensor rows(String name, long first, long count) {
        TensorInfo tensor = info(name);
        return scaled(tensor).map(rows -> rows.read(first, count))
                .orElseGet(() -> file(tensor).rows(tensor.name(), first, count));
    }

    /** The rows of a tensor with these numbers; otherwise as {@link #tensor}. */
    public Tensor rows(String name, int[] numbers) {
        TensorInfo tensor = info(name);
        return scaled(tensor).map(rows -> rows.read(numbers))
                .orElseGet(() -> file(tensor).rows(tensor.name(), numbers));
    }

    /**
     * Reads rows of a tensor.
     *
     * @param into takes as many as it has itself; contiguous, of the type that its {@link #info} tells, on the processor
     * @throws CheckpointException as {@link #tensor}
     */
    public void readRows(String name, long first, Tensor into) {
        TensorInfo tensor = info(name);
        scaled(tensor).ifPresentOrElse(rows -> rows.read(first, into),
                () -> file(tensor).readRows(tensor.name(), first, into));
    }

    private Optional<ScaledRows> scaled(TensorInfo tensor) {
        return headers.scaled(tensor).map(how -> new ScaledRows(how, file(how.stored()), file(how.scale())));
    }

    /** Whether a tensor here and one of another model have the same type, shape and bytes. */
    public boolean holdsSame(String name, Checkpoint other, String otherName) {
        TensorInfo tensor = info(name);
        TensorInfo others = other.info(otherName);
        if (headers.scaled(tensor).isPresent() || other.headers.scaled(others).isPresent()) {
            try (var _ = new PointerScope()) {
                return tensor.dtype() == others.dtype() && tensor(name).equal(other.tensor(otherName));
            }
        }
        return file(tensor).holdsSame(tensor.name(), other.file(others), others.name());
    }

    /**
     * SHA-256, in hexadecimal digits, over config.json, a description of the family if there is one, the header of every safetensors file and the first 4096 bytes
     * of every tensor. It costs next to nothing, whatever the size of the model, and yet tells a model from its
     * fine-tuned descendants, which differ in nearly every tensor. It does not find a byte that was changed further in.
     */
    public String fingerprint() {
        MessageDigest digest = TensorFile.sha256();
        addTo(digest, folder().resolve(CheckpointHeaders.CONFIG));
        Path family = folder().resolve(CheckpointHeaders.FAMILY);
        if (Files.exists(family)) {
            addTo(digest, family);
        }
        files.values().forEach(file -> file.addHeaderTo(digest));
        headers.stored().forEach(tensor -> file(tensor).addTo(digest, tensor.name(), FINGERPRINT_BYTES));
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void addTo(MessageDigest digest, Path file) {
        try {
            digest.update(Limits.read(file, Limits.CONFIG_BYTES));
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s)".formatted(file, IoReason.of(e)), e);
        }
    }

    /** Closes the files; what was read stays. */
    @Override
    public void close() {
        files.values().forEach(TensorFile::close);
    }

    private TensorFile file(TensorInfo tensor) {
        return Objects.requireNonNull(files.get(tensor.file()));
    }
}
