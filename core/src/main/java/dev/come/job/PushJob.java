package dev.come.job;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.Version;
import dev.come.hub.Hub;
import dev.come.hub.HubUpload;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/** {@code come push}: brings a model to the Hugging Face hub. */
public final class PushJob {
    private PushJob() {
    }

    /**
     * What is asked for.
     *
     * @param folder the model ({@code --model-name})
     * @param name {@code OWNER/NAME}
     * @param branch where it goes ({@code --revision})
     * @param secret whether a repository that has to be made is private ({@code --private})
     * @param message the first line of the commit ({@code --message})
     */
    public record Options(Path folder, String name, Optional<String> branch, boolean secret, Optional<String> message) {
        private HubUpload.Request request(PushedFiles files, Path state) {
            return new HubUpload.Request(name, branch.orElse(Hub.DEFAULT_REVISION), secret,
                    message.orElse("Upload with " + Version.NAME), files.sent(), state);
        }
    }

    /**
     * What was done, or would be.
     *
     * @param page where people find the model
     * @param files what belongs to the model
     * @param left other files of the folder, which are not sent
     * @param removed weights of another model that lay there
     * @param asked whether the hub was asked what is there
     * @param newRepository whether the repository has to be made
     * @param newBranch whether the branch has to be made
     * @param commit what was made; absent if all was there before, or nothing was to be done
     */
    public record Result(URI page, List<HubUpload.Entry> files, List<String> left, List<String> removed, boolean asked,
            boolean newRepository, boolean newBranch, Optional<String> commit) {
        public Result {
            files = List.copyOf(files);
            left = List.copyOf(left);
            removed = List.copyOf(removed);
        }

        private static Result of(HubUpload.Plan plan, PushedFiles files, Optional<String> commit) {
            return new Result(plan.page(), plan.files(), files.left(), plan.removed(), plan.asked(),
                    plan.newRepository(), plan.newBranch(), commit);
        }
    }

    /**
     * Finds out what pushing would do, and changes nothing. Without a token the hub is not asked.
     *
     * @throws UsageException if the name cannot be one
     * @throws InvalidInputException if the folder is no whole model, or the token is not accepted
     */
    public static Result plan(Options options, Surroundings surroundings, Progress progress) {
        return withHub(options, surroundings, progress,
                files -> upload -> Result.of(upload.plan(), files, Optional.empty()));
    }

    /**
     * Pushes. An interrupted run goes on when it is asked for again.
     *
     * @throws UsageException if the name cannot be one
     * @throws InvalidInputException if the folder is no whole model, or there is no token that may write
     * @throws dev.come.FailedException if the network or the server fails; what was sent is kept
     */
    public static Result run(Options options, Surroundings surroundings, Progress progress) {
        return withHub(options, surroundings, progress, files -> upload -> {
            HubUpload.Result result = upload.run();
            return Result.of(result.plan(), files, result.commit());
        });
    }

    private static Result withHub(Options options, Surroundings surroundings, Progress progress,
            Function<PushedFiles, Function<HubUpload, Result>> work) {
        return Interruptible.job(() -> {
            PushedFiles files = PushedFiles.of(options.folder);
            try (Hub hub = surroundings.hub(Interruptible.asking(progress))) {
                return work.apply(files).apply(hub.upload(options.request(files, surroundings.uploads())));
            }
        });
    }
}
