package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.Progress;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The files of a model folder besides its weights: tokenizer, generation settings, licence and so on. They are known by their names,
 * and a new model takes over no others: whatever else somebody keeps in the folder is his own affair.
 */
public final class SideFiles {
    /** By their paths in the folder, with slashes. */
    private static final Pattern KNOWN = Pattern
            .compile("(?:come-family|config)\\.json|generation_config\\.json|tokenizer.*\\.json"
                    + "|tokenizer\\.model|special_tokens_map\\.json|added_tokens\\.json|vocab\\.(?:json|txt)|merges\\.txt"
                    + "|spiece\\.model|sentencepiece\\.bpe\\.model|chat_template\\.(?:jinja|json)"
                    + "|(?:video_)?preprocessor_config\\.json|processor_config\\.json|additional_chat_templates/[^/]+\\.jinja|(?i:(?:license|licence|notice|use_policy)(?:\\.(?:txt|md))?)");
    /** What never holds for a new model, and what every folder from the hub has. */
    private static final Pattern NOT_MISSED = Pattern
            .compile("\\..*|(?:adapter_)?config\\.json|README\\.md|come.*\\.json|run\\.json|report\\.html"
                    + "|.*\\.index\\.json|.*\\.(?:safetensors|bin|pth?|ckpt|gguf|h5|msgpack|onnx|onnx_data)");
    private static final String CHAT_TEMPLATES = "additional_chat_templates";
    private static final int BUFFER_BYTES = 1 << 16;
    private static final int NAMED = 5;

    private final Path folder;
    /** Where links may lead: into the folder itself, or to what the hub's cache holds of it. */
    private final List<Path> allowed = new ArrayList<>();

    /** Those of a folder, which is never changed. */
    SideFiles(Path folder) {
        this.folder = folder;
        Path real = real(folder);
        allowed.add(real);
        hubBlobs(real).ifPresent(allowed::add);
    }

    /** Whether a model has such a file besides its weights. */
    public static boolean isKnown(String path) {
        return KNOWN.matcher(path).matches();
    }

    /** The folder of contents in a cache as huggingface_hub has it, where a snapshot's files are links to them. */
    private static Optional<Path> hubBlobs(Path snapshot) {
        return Optional.ofNullable(snapshot.getParent())
                .filter(snapshots -> snapshots.endsWith("snapshots")).map(Path::getParent)
                .filter(repository -> repository.getFileName().toString().startsWith("models--"))
                .map(repository -> repository.resolve("blobs"))
                .filter(blobs -> Files.isDirectory(blobs, LinkOption.NOFOLLOW_LINKS));
    }

    /**
     * Copies the files into another folder.
     *
     * @param progress is told of links that lead elsewhere, and of what is left out
     * @throws CheckpointException when a file cannot be read
     * @throws IOException when the copy cannot be written
     */
    void copyTo(Path target, Progress progress) throws IOException {
        List<String> unknown = new ArrayList<>();
        for (Path file : files(folder)) {
            String name = file.getFileName().toString();
            if (isKnown(name) && !name.equals(CheckpointHeaders.CONFIG)) {
                copy(file, target.resolve(name), progress);
            } else if (Files.isRegularFile(file) && !NOT_MISSED.matcher(name).matches()) {
                unknown.add(name);
            }
        }
        Path templates = folder.resolve(CHAT_TEMPLATES);
        if (Files.isDirectory(templates)) {
            Path copies = Files.createDirectory(target.resolve(CHAT_TEMPLATES), FileModes.ofFolder(List.of(templates)));
            for (Path file : files(templates)) {
                if (isKnown(CHAT_TEMPLATES + "/" + file.getFileName())) {
                    copy(file, copies.resolve(file.getFileName()), progress);
                }
            }
        }
        if (!unknown.isEmpty()) {
            progress.note("Not copied from %s, because no model is known to need them: %s%s".formatted(folder,
                    String.join(", ", unknown.subList(0, Math.min(NAMED, unknown.size()))),
                    unknown.size() > NAMED ? " and %s more".formatted(unknown.size() - NAMED) : ""));
        }
    }

    private void copy(Path file, Path target, Progress progress) throws IOException {
        if (!Files.isRegularFile(file)) {
            return;
        }
        Path real = real(file);
        if (allowed.stream().noneMatch(real::startsWith)) {
            progress.note("%s is not copied, because it is a link to %s, which lies outside of the model's folder"
                    .formatted(file, real));
            return;
        }
        // Not Files.copy(file, ...), which would hand on the permissions of a read-only source.
        try (InputStream bytes = open(real);
                FileChannel out = FileChannel.open(target,
                        Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                        FileModes.ofFile(List.of(real)))) {
            byte[] buffer = new byte[BUFFER_BYTES];
            for (int read = bytes.read(buffer); read >= 0; read = bytes.read(buffer)) {
                AtomicFile.writeFully(out, ByteBuffer.wrap(buffer, 0, read));
            }
        }
    }

    private static InputStream open(Path file) {
        try {
            return InputFile.stream(file);
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s)".formatted(file, IoReason.of(e)), e);
        }
    }

    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be looked at (%s)".formatted(path, IoReason.of(e)), e);
        }
    }

    /** What lies in a folder, in the order of the names. */
    static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new FailedException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }
}
