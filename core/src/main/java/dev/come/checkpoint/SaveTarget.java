package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.UsageException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The place that a model folder is written to. What lies there is replaced as a whole, so nothing may lie there that this
 * program has not written or that the run reads.
 */
final class SaveTarget {
    private static final String RECORD = "come.json";
    /** What {@link CheckpointWriter} and the report write, besides the files that are copied. */
    private static final Pattern WRITTEN = Pattern.compile("come\\.json|run\\.json|report\\.html|README\\.md"
            + "|model(?:-\\d{5}-of-\\d{5})?\\.safetensors|model\\.safetensors\\.index\\.json");

    private static final Pattern PLAN = Pattern.compile("\\{\\s*\"format\"\\s*:\\s*\"come-plan");

    private final Path folder;

    /** @param folder need not be there */
    SaveTarget(Path folder) {
        this.folder = realPath(folder);
    }

    /** The folder, with every symbolic link followed. */
    Path folder() {
        return folder;
    }

    /** As {@link CheckpointWriter#checkPlace}. */
    void checkPlace(Optional<Path> source) {
        if (folder.getParent() == null || !Files.isDirectory(existing(folder))) {
            throw new UsageException(
                    "%s is not a folder that can be made; give another one to save to".formatted(folder));
        }
        source.map(SaveTarget::realPath).ifPresent(from -> {
            if (folder.startsWith(from) || from.startsWith(folder)) {
                throw new UsageException(
                        ("%s is, holds or lies in the folder %s, which the model is read from; give another one to "
                                + "save to").formatted(folder, from));
            }
        });
        Path above = existing(folder.getParent());
        if (!Files.isWritable(above)) {
            throw new FailedException(
                    ("%s cannot be saved, because %s may not be written to; change its permissions or give another "
                            + "folder to save to").formatted(folder, above));
        }
    }

    /**
     * Checks that the folder is empty, or may be replaced.
     *
     * @param inputs files and folders that the run reads
     * @throws UsageException if it may not; the message names what would be lost
     */
    void checkReplaceable(boolean overwrite, List<Path> inputs) {
        Leftovers.tidyFiles(folder);
        if (!Files.isDirectory(folder) || files(folder).isEmpty()) {
            return;
        }
        if (!overwrite) {
            throw new UsageException(
                    "%s is not empty; give another folder to save to, or --overwrite to replace it".formatted(folder));
        }
        // Everything in the folder will go, so a slip of the hand must not cost someone his home.
        inputs.stream().filter(input -> realPath(input).startsWith(folder)).findFirst().ifPresent(input -> {
            throw kept("%s, which this run reads, is or lies in it".formatted(input));
        });
        if (!holdsRecord() && !isModel()) {
            throw kept("it holds neither %s nor a %s with weights and so does not look like a model"
                    .formatted(RECORD, CheckpointHeaders.CONFIG));
        }
        foreign().ifPresent(file -> {
            throw kept("it holds %s, which is no file of a model that was written here; move that away"
                    .formatted(folder.relativize(file)));
        });
    }

    private UsageException kept(String why) {
        return new UsageException(
                "%s is not replaced, because %s; give another folder to save to".formatted(folder, why));
    }

    /** Something in the folder that is not a file of a model as this program writes it. */
    private Optional<Path> foreign() {
        try (Stream<Path> paths = Files.walk(folder)) {
            return paths.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) || isEmpty(path))
                    .filter(path -> !isWritten(folder.relativize(path).toString().replace('\\', '/'))).sorted()
                    .findFirst();
        } catch (IOException | UncheckedIOException e) {
            throw new FailedException("%s cannot be looked through (%s); give another folder to save to"
                    .formatted(folder, e.getMessage()), e);
        }
    }

    private static boolean isEmpty(Path folder) {
        return files(folder).isEmpty();
    }

    static boolean isWritten(String name) {
        return WRITTEN.matcher(name).matches() || SideFiles.isKnown(name)
                || name.equals("additional_chat_templates");
    }

    /** Whether this program has recorded how it made the model. */
    private boolean holdsRecord() {
        return PLAN.matcher(InputFile.beginning(folder.resolve(RECORD), 64)).lookingAt();
    }

    /** Whether it is the folder of a model, which may have been made by another program. */
    private boolean isModel() {
        try {
            return ConfigTree.read(folder.resolve(CheckpointHeaders.CONFIG)).optionalString("model_type").isPresent()
                    && files(folder).stream().anyMatch(file -> file.toString().endsWith(".safetensors"));
        } catch (CheckpointException _) {
            return false;
        }
    }

    /** What lies in a folder, by name. */
    static List<Path> files(Path folder) {
        try (Stream<Path> files = Files.list(folder)) {
            return files.sorted().toList();
        } catch (IOException e) {
            throw new FailedException("%s cannot be listed (%s)".formatted(folder, IoReason.of(e)), e);
        }
    }

    /** The path with every symbolic link followed; its end need not exist. */
    private static Path realPath(Path path) {
        Path absolute = path.toAbsolutePath().normalize();
        Path existing = existing(absolute);
        try {
            return existing.toRealPath().resolve(existing.relativize(absolute));
        } catch (IOException e) {
            throw new FailedException("%s cannot be looked at (%s)".formatted(path, IoReason.of(e)), e);
        }
    }

    /** The path itself, or the nearest folder above that exists. */
    private static Path existing(Path absolute) {
        Path existing = absolute;
        while (!Files.exists(existing) && existing.getParent() != null) {
            existing = existing.getParent();
        }
        return existing;
    }
}
