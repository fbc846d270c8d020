package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.CheckpointException;
import dev.come.gguf.GgufImport;
import dev.come.hub.Hub;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * What a user writes after {@code --model-name}: a path, or a name on the Hugging Face hub. What is there on the disk is
 * taken as a path, whatever it looks like.
 *
 * @param written the path of a folder or of a GGUF file, or {@code OWNER/NAME}
 * @param revision {@code --revision}: branch, tag or commit on the hub
 */
public record ModelSource(String written, Optional<String> revision) {
    /**
     * The folder of the model, which is fetched first if it is on the hub and unpacked first if it is a GGUF file.
     *
     * @param hub asked for only if the hub is needed
     * @param cache where GGUF files are unpacked to
     * @param progress who is told of the unpacking
     * @throws InvalidInputException if it is neither a path nor a model on the hub
     * @throws UsageException if a revision is given for a path
     */
    public Path folder(Supplier<Hub> hub, Path cache, Progress progress) {
        Path path = path();
        boolean gguf = GgufImport.isGguf(path) && !Files.isDirectory(path);
        if (Files.exists(path) || gguf) {
            revision.ifPresent(name -> {
                throw new UsageException("--revision is for models on the hub, but " + written
                        + " is a path; leave it out");
            });
            return gguf ? GgufImport.folder(path, cache, progress) : path;
        }
        if (Hub.isName(written)) {
            return hub.get().model(written, revision.orElse(Hub.DEFAULT_REVISION));
        }
        throw new CheckpointException(written + ": there is no such folder, and it is no name on the Hugging Face hub,"
                + " which looks like HuggingFaceTB/SmolLM2-135M; give the one or the other");
    }

    private Path path() {
        try {
            return Path.of(written);
        } catch (InvalidPathException e) {
            throw new CheckpointException(
                    "--model-name is '" + written + "', which is neither a path nor a name on the hub", e);
        }
    }
}
