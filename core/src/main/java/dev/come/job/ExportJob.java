package dev.come.job;

import dev.come.ByteSize;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.export.GgufExport;
import dev.come.failure.FreeSpace;
import dev.come.gguf.GgufType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** {@code come export}: writes a model for other programs. */
public final class ExportJob {
    private ExportJob() {
    }

    /** The types that a file can have, as a user writes them. */
    public static List<String> types() {
        return Arrays.stream(GgufType.values()).filter(GgufType::isWritten).map(GgufType::name).toList();
    }

    /**
     * What was written.
     *
     * @param bytes how long the file is
     * @param notes what a user should know about it
     */
    public record Result(Path file, long bytes, List<String> notes) {}

    /**
     * Writes a GGUF file.
     *
     * @param type one of {@link #types}, in letters of any size; without one that in which the weights are stored
     * @param overwrite whether a file that is there is replaced
     * @throws UsageException if the type is not known, or the file is there
     * @throws InvalidInputException if the model cannot become one
     * @throws FailedException if it cannot be written; then nothing is left behind
     */
    public static Result gguf(Path folder, Path file, Optional<String> type, boolean overwrite, Progress progress) {
        check(file, type, overwrite);
        return Interruptible.job(() -> write(folder, file, type, Interruptible.asking(progress)));
    }

    private static Result write(Path folder, Path file, Optional<String> type, Progress progress) {
        try (OpenModel model = new OpenModel(folder)) {
            GgufExport export = export(model, type);
            requireRoom(file, export.bytes());
            export.write(file, progress);
            return new Result(file, export.bytes(), export.notes());
        }
    }

    private static GgufExport export(OpenModel model, Optional<String> wanted) {
        model.config().requireOutputProjection("GGUF files"); // llama.cpp would take the embedding for it
        GgufType type = wanted.map(ExportJob::named)
                .orElseGet(() -> switch (model.config().storedType(model.checkpoint())) {
                    case F32, F64 -> GgufType.F32;
                    case F16 -> GgufType.F16;
                    default -> GgufType.BF16;
                });
        int[] around = model.tokenizer().encode("");
        boolean behind = around.length > 0 && model.endTokens().contains(around[around.length - 1]);
        return new GgufExport(model.checkpoint(), model.config(), type, around.length > (behind ? 1 : 0), behind);
    }

    /**
     * Checks whether a model, and so what is made of it, can become a file. Layers that are gone may still make a difference.
     *
     * @throws InvalidInputException if it cannot
     */
    public static void checkModel(Path folder, Optional<String> type) {
        try (OpenModel model = new OpenModel(folder)) {
            export(model, type);
        }
    }

    /**
     * Checks what can be known before there is a model.
     *
     * @throws UsageException if the type is not known, or the file is there and may not be replaced
     */
    public static void check(Path file, Optional<String> type, boolean overwrite) {
        type.ifPresent(ExportJob::named);
        if (Files.isDirectory(file)) {
            throw new UsageException("--gguf is " + file + ", which is a folder; name a file, such as "
                    + file.resolve("model.gguf"));
        }
        if (Files.exists(file) && !overwrite) {
            throw new UsageException(file + " is there already; give another name, or --overwrite");
        }
    }

    private static GgufType named(String type) {
        return Arrays.stream(GgufType.values()).filter(GgufType::isWritten)
                .filter(one -> one.name().equals(type.toUpperCase(Locale.ROOT))).findFirst()
                .orElseThrow(() -> new UsageException("--type is '" + type + "'; the types that are written are "
                        + String.join(", ", types())));
    }

    private static void requireRoom(Path file, long bytes) {
        try {
            FreeSpace space = FreeSpace.of(file.toAbsolutePath().resolveSibling(""));
            if (space.bytes() < bytes) {
                throw new FailedException(
                        "%s would be %s long, but its disk has %s; make room, or take a smaller --type"
                                .formatted(file, ByteSize.format(bytes), ByteSize.format(space.bytes())));
            }
        } catch (IOException _) {
            // Writing will tell.
        }
    }
}
