package dev.come.api;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.job.PushJob;
import dev.come.job.Surroundings;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Asks for a model to be brought to the Hugging Face hub; {@link #run} does it, {@link #plan} only tells what it would do. The
 * token is that of HF_TOKEN, or of the file that Python's tools keep. Names and defaults are those of {@code come push}.
 */
public final class Push {
    private final Path folder;
    private final String name;
    private @Nullable String branch;
    private boolean secret;
    private @Nullable String message;
    private Progress progress = Progress.NONE;

    Push(Path folder, String name) {
        this.folder = folder;
        this.name = name;
    }

    /**
     * A model on the hub, or what would be there.
     *
     * @param page where people find it
     * @param files what belongs to the model
     * @param left other files of the folder, which are not sent
     * @param removed weights of another model that lay there
     * @param commit what was made; absent if all was there before, or nothing was to be done
     */
    public record PushedModel(URI page, List<PushedFile> files, List<String> left, List<String> removed,
            Optional<String> commit) {
        public PushedModel {
            files = List.copyOf(files);
            left = List.copyOf(left);
            removed = List.copyOf(removed);
        }
    }

    /**
     * A file of the model.
     *
     * @param name with slashes
     * @param bytes how long it is
     * @param large whether it goes by git LFS
     * @param wasThere whether the hub had the same file before
     */
    public record PushedFile(String name, long bytes, boolean large, boolean wasThere) {}

    /** The branch to push to, which is made if it is not there; the default is {@code main}. */
    public Push revision(String name) {
        branch = name;
        return this;
    }

    /** Makes the repository private, if it has to be made. */
    public Push makePrivate() {
        secret = true;
        return this;
    }

    /** The first line of the commit. */
    public Push message(String line) {
        message = line;
        return this;
    }

    /** Who is told how far the work is; called by several threads. */
    public Push progress(Progress listener) {
        progress = Wording.progress(listener);
        return this;
    }

    /**
     * Tells what pushing would do, and changes nothing. Without a token the hub is not asked.
     *
     * @throws UsageException if the name cannot be one
     * @throws dev.come.InvalidInputException if the folder is no whole model, or the token is not accepted
     */
    public PushedModel plan() {
        return Wording.job(() -> of(PushJob.plan(options(), Surroundings.ofProcess(), progress)));
    }

    /**
     * Pushes, in one commit. An interrupted run goes on when it is asked for again.
     *
     * @throws UsageException if the name cannot be one
     * @throws dev.come.InvalidInputException if the folder is no whole model, or there is no token that may write
     * @throws dev.come.InterruptedRunException if this thread is interrupted meanwhile; what was sent is kept
     * @throws dev.come.FailedException if the network or the server fails; what was sent is kept
     */
    public PushedModel run() {
        return Wording.job(() -> of(PushJob.run(options(), Surroundings.ofProcess(), progress)));
    }

    private PushJob.Options options() {
        return new PushJob.Options(folder, name, Optional.ofNullable(branch), secret, Optional.ofNullable(message));
    }

    private static PushedModel of(PushJob.Result result) {
        return new PushedModel(result.page(), result.files().stream()
                .map(file -> new PushedFile(file.name(), file.size(), file.large(), file.there())).toList(),
                result.left(), result.removed(), result.commit());
    }
}
