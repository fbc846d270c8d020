package dev.come.job;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.CheckpointException;
import dev.come.failure.Nearest;
import dev.come.gguf.GgufDescription;
import dev.come.gguf.GgufImport;
import dev.come.hub.Hub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;

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
        return by(folder -> folder, file -> GgufImport.folder(file, cache, progress),
                branch -> hub.get().model(written, branch));
    }

    /**
     * The description of the model, from its headers, which are read where they lie. Nothing is unpacked, and of a
     * model on the hub only what is small is fetched.
     *
     * @param hub asked for only if the hub is needed
     * @throws InvalidInputException if it is neither a path nor a model on the hub, or the headers cannot be read at all
     * @throws UsageException if a revision is given for a path
     */
    public Inspection inspect(Supplier<Hub> hub) {
        return by(Inspection::of, file -> Inspection.of(GgufDescription.read(file)),
                branch -> Inspection.of(hub.get().modelWithoutWeights(written, branch)));
    }

    /**
     * Does what is to be done with a model of that kind.
     *
     * @param hub what to do at a revision of the name on the hub
     */
    private <T> T by(Function<Path, T> folder, Function<Path, T> gguf, Function<String, T> hub) {
        Path path = path();
        boolean isGguf = GgufImport.isGguf(path) && !Files.isDirectory(path);
        if (Files.exists(path) || isGguf) {
            revision.ifPresent(name -> {
                throw new UsageException("--revision is for models on the hub, but " + written
                        + " is a path; leave it out");
            });
            return isGguf ? gguf.apply(path) : folder.apply(path);
        }
        if (Hub.isName(written)) {
            return onHub(path, hub);
        }
        throw new CheckpointException(noFolder(path) + ", and it is no name on the Hugging Face hub, which looks like"
                + " HuggingFaceTB/SmolLM2-135M; give the one or the other");
    }

    /** A text that may have been meant as a path is told as one too. */
    private <T> T onHub(Path path, Function<String, T> hub) {
        String branch = revision.orElse(Hub.DEFAULT_REVISION);
        boolean inAFolder = path.getParent() == null || Files.isDirectory(path.getParent());
        if (revision.isPresent() || !inAFolder) {
            return hub.apply(branch);
        }
        try {
            return hub.apply(branch);
        } catch (InvalidInputException e) {
            throw new InvalidInputException(noFolder(path) + ", and as a name on the hub: " + e.getMessage(), e);
        } catch (FailedException e) {
            throw new FailedException(noFolder(path) + ", and as a name on the hub: " + e.getMessage(), e);
        }
    }

    private String noFolder(Path path) {
        return "There is no folder " + written + (path.isAbsolute() ? "" : " here") + nearest(path);
    }

    /** The folder or file beside that is called nearly so. */
    private static String nearest(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        if (folder == null || path.getFileName() == null) {
            return "";
        }
        try (Stream<Path> beside = Files.list(folder)) {
            return Nearest.hint(path.getFileName().toString(),
                    beside.map(there -> there.getFileName().toString()).toList());
        } catch (IOException _) {
            return ""; // then there is nothing to say
        }
    }

    /** The path of the model on this machine, if it is one. */
    public Optional<Path> onDisk() {
        return Optional.of(path()).filter(Files::exists);
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
