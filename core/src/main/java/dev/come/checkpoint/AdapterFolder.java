package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.failure.Shortage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.TreeSet;

/**
 * A LoRA as PEFT saves it: adapter_config.json and adapter_model.safetensors, opened for reading. Tensors are called
 * {@code base_model.model.} and then as the module of the model that they change.
 */
public final class AdapterFolder implements AutoCloseable {
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String PICKLE = "adapter_model.bin";
    private static final String CARD = "README.md";
    private static final String PREFIX = "base_model.model.";
    /** Before it in a tensor's name stands the module. */
    private static final String LORA = ".lora_";
    private static final String KIND = "LORA";

    private final Path folder;
    private final ConfigTree config;
    private final TensorFile weights;

    /**
     * Opens and checks a folder.
     *
     * @throws CheckpointException when it is no LoRA, or its weights are missing, pickled or damaged
     */
    public AdapterFolder(Path folder) {
        this.folder = folder;
        if (!Files.exists(folder.resolve(Adapter.CONFIG))) {
            throw new CheckpointException("%s has no %s; give a folder that PEFT has saved".formatted(folder,
                    Adapter.CONFIG));
        }
        this.config = ConfigTree.read(folder.resolve(Adapter.CONFIG));
        String kind = config.string("peft_type");
        if (!kind.equals(KIND)) {
            throw new CheckpointException("%s: peft_type is \"%s\", but only %s can be renumbered".formatted(
                    config.file(), Shown.of(kind), KIND));
        }
        if (!Files.exists(folder.resolve(WEIGHTS)) && Files.exists(folder.resolve(PICKLE))) {
            throw new CheckpointException(("%s is a pickle, which may hold programs and is not read; save the adapter"
                    + " again as %s (PEFT: load it, then save_pretrained)").formatted(folder.resolve(PICKLE), WEIGHTS));
        }
        this.weights = TensorFile.open(folder.resolve(WEIGHTS));
        for (TensorInfo tensor : weights.tensors()) {
            if (!tensor.name().startsWith(PREFIX)) {
                weights.close();
                throw new CheckpointException("%s: tensor '%s' does not begin with %s, as those that PEFT saves"
                        .formatted(tensor.file(), Shown.of(tensor.name()), PREFIX));
            }
        }
    }

    /** The model that it was made for, if it says so. */
    public Optional<String> base() {
        return config.optionalString("base_model_name_or_path").filter(name -> !name.isEmpty());
    }

    /** The layers that it has weights for, ascending. */
    public SequencedSet<Integer> layers(LayerNames names) {
        SequencedSet<Integer> layers = new TreeSet<>();
        weights.tensors().forEach(tensor -> names.layer(tensor.name()).ifPresent(layers::add));
        return layers;
    }

    /**
     * Checks, before any work is done, that a folder can be written.
     *
     * @throws UsageException when it is a file, overlaps this folder, or is not empty
     * @throws FailedException when the folder above cannot be written to
     */
    public void checkTarget(Path target) {
        SaveTarget place = new SaveTarget(target);
        place.checkPlace(Optional.of(folder));
        if (Files.isDirectory(place.folder()) && !SaveTarget.files(place.folder()).isEmpty()) {
            throw new UsageException("%s is not empty; give another folder to save to".formatted(target));
        }
    }

    /**
     * Writes the adapter for the layers that are left. The folder appears all at once or not at all. One tensor at a time is in
     * memory, and each is written as it was, to the bit.
     *
     * @param base the model that it is for now; without it none is named
     * @param card the text of README.md
     * @throws CheckpointException when the configuration cannot be followed, or no LoRA is left
     * @throws FailedException when it cannot be written; then nothing is left behind
     */
    public void writeTo(Path target, LayerNames names, Optional<String> base, String card, Progress progress) {
        checkTarget(target);
        List<TensorInfo> left = weights.tensors().stream().filter(tensor -> names.stays(tensor.name())).toList();
        List<String> modules = left.stream().map(tensor -> names.renumbered(tensor.name()))
                .filter(name -> name.contains(LORA))
                .map(name -> name.substring(PREFIX.length(), name.indexOf(LORA))).distinct().sorted().toList();
        if (modules.isEmpty()) {
            throw new CheckpointException("%s: none of its weights belong to a layer that is left; there is nothing"
                    .formatted(folder.resolve(WEIGHTS)) + " to save, so train an adapter on the pruned model");
        }
        ConfigTree edited = new AdapterConfigEdit(config, names, modules).edited(base);
        Shortage.named(() -> "Saving " + target, () -> write(new SaveTarget(target).folder(), left, names,
                edited, card, progress));
    }

    private void write(Path target, List<TensorInfo> left, LayerNames names, ConfigTree edited, String card,
            Progress progress) {
        List<Path> sources = List.of(config.file(), folder.resolve(WEIGHTS));
        FileAttribute<?>[] modes = FileModes.ofFile(sources);
        try (AtomicFolder made = AtomicFolder.beside(target, FileModes.ofFolder(List.of(folder)))) {
            new SideFiles(folder).copyTo(made.folder(), progress);
            CheckpointWriter.writeText(made.folder().resolve(Adapter.CONFIG), edited.toJson(), modes);
            CheckpointWriter.writeText(made.folder().resolve(CARD), card, modes);
            Path file = made.folder().resolve(WEIGHTS);
            List<TensorSpec> specs = left.stream().map(tensor -> TensorSpec.like(tensor,
                    names.renumbered(tensor.name()))).toList();
            try (FileChannel out = CheckpointWriter.create(file, modes)) {
                List<Long> checksums = CheckpointWriter.writeShard(out, specs,
                        spec -> weights.tensor(left.get(specs.indexOf(spec)).name()), _ -> {
                        });
                verify(file, specs, checksums);
            }
            made.commit(false);
        } catch (IOException e) {
            throw new FailedException("%s cannot be saved (%s); check that there is room, or give another folder"
                    .formatted(target, IoReason.of(e)), e);
        }
    }

    private static void verify(Path file, List<TensorSpec> specs, List<Long> checksums) throws IOException {
        List<TensorInfo> found = SafetensorsHeader.read(file).tensors();
        List<Long> foundChecksums = new ArrayList<>();
        ByteBuffer chunk = ByteBuffer.allocateDirect(CheckpointWriter.CHUNK_BYTES);
        for (TensorInfo tensor : found) {
            foundChecksums.add(CheckpointWriter.checksum(tensor, chunk));
        }
        if (!found.stream().map(tensor -> TensorSpec.like(tensor, tensor.name())).toList().equals(specs)
                || !foundChecksums.equals(checksums)) {
            throw new IOException("what is read back differs from what was written");
        }
    }

    @Override
    public void close() {
        weights.close();
    }
}
