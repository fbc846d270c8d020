package dev.come.hub;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.FileModes;
import dev.come.failure.UnderWay;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import tools.jackson.databind.node.ObjectNode;

/**
 * Brings files to a model on the hub, in one commit. What the hub has is not sent again: files of the same hash, contents of
 * large files, and parts of them that an interrupted run has sent.
 */
public final class HubUpload {
    /** What models have as weights under the names that loaders look for; those of another model must not be left among them. */
    private static final Pattern WEIGHTS = Pattern
            .compile("model(?:-\\d{5}-of-\\d{5})?\\.safetensors|model\\.safetensors\\.index\\.json");
    private static final Pattern USUALLY_LARGE = Pattern.compile(".*\\.(?:safetensors|gguf|model)");
    private static final long LARGE_BYTES = 10_000_000;
    private static final Progress.Task SILENT = Progress.NONE.begin("", 0, Progress.BYTES);

    private final HubSettings settings;
    private final Progress progress;
    private final Request request;
    private final Repository repository;
    private final WritableRepository target;
    private final List<UploadFile> files;

    /**
     * What is to be on the hub.
     *
     * @param name {@code OWNER/NAME}
     * @param branch made if it is not there
     * @param secret whether a repository that has to be made is private
     * @param message the first line of the commit
     * @param files by their names in the repository, with slashes
     * @param state a folder where is kept what was sent of large files
     */
    public record Request(String name, String branch, boolean secret, String message, SortedMap<String, Path> files,
            Path state) {
        /** @throws UsageException if name or branch cannot be one */
        public Request {
            if (!name.contains("/") || !Repository.isName(name)) {
                throw new UsageException("'" + name + "' is no name to push to; such names look like OWNER/NAME");
            }
            Repository.checkRevision(branch);
            if (Repository.isCommit(branch)) {
                throw new UsageException("--revision is a commit, but what is pushed goes to a branch; name one");
            }
            if (message.isBlank()) {
                throw new UsageException("--message is empty, but a commit needs a line that says what it is");
            }
            files = new TreeMap<>(files);
        }
    }

    /**
     * A file of the model.
     *
     * @param large whether it goes by git LFS, and not with the commit
     * @param there whether the hub has the same file
     */
    public record Entry(String name, long size, boolean large, boolean there) {}

    /**
     * What pushing will do.
     *
     * @param page where people find the model
     * @param removed weights of another model that the branch has now
     * @param asked whether the hub was asked; otherwise nothing is known of what is there
     * @param newRepository whether the repository has to be made
     * @param newBranch whether the branch has to be made
     */
    public record Plan(URI page, List<Entry> files, List<String> removed, boolean asked, boolean newRepository,
            boolean newBranch) {
        public Plan {
            files = List.copyOf(files);
            removed = List.copyOf(removed);
        }
    }

    /**
     * What was done.
     *
     * @param commit absent if all was there before
     */
    public record Result(Plan plan, Optional<String> commit) {}

    HubUpload(HubSettings settings, HubHttp http, Retries retries, Progress progress, Request request) {
        this.settings = settings;
        this.progress = progress;
        this.request = request;
        this.repository = new Repository(Repository.Kind.MODEL, request.name);
        this.target = new WritableRepository(settings, repository, request.branch,
                new HubSender(http, settings, retries.silence()), retries, progress);
        this.files = request.files.entrySet().stream().map(file -> UploadFile.of(file.getKey(), file.getValue()))
                .toList();
    }

    /**
     * Finds out what pushing would do, and changes nothing. Without a token nobody is asked, and nothing counts as there.
     *
     * @throws InvalidInputException if the token is not accepted, or is in one of the files
     * @throws FailedException if the network or the server fails
     */
    public Plan plan() {
        requireNoToken();
        if (settings.token().isEmpty() || settings.offline()) {
            return guess(false);
        }
        Optional<Boolean> secret = target.isPrivate();
        if (secret.isEmpty()) {
            return guess(true);
        }
        if (request.secret && !secret.get()) {
            throw new UsageException("--private makes a new repository private, but " + request.name
                    + " is there already and public; change that on " + page() + ", or leave --private out");
        }
        Optional<Map<String, HubHttp.Told>> there = target.files();
        Set<String> large = target.large(files, there.isPresent() ? request.branch : Hub.DEFAULT_REVISION);
        return new Plan(page(), entries(large, there.orElse(Map.of())), stale(there.orElse(Map.of())), true, false,
                there.isEmpty());
    }

    /** What holds for a repository that is not there. */
    private Plan guess(boolean asked) {
        Set<String> large = files.stream()
                .filter(file -> file.size() > LARGE_BYTES || USUALLY_LARGE.matcher(file.name()).matches())
                .map(UploadFile::name).collect(Collectors.toSet());
        return new Plan(page(), entries(large, Map.of()), List.of(), asked, asked, false);
    }

    private List<Entry> entries(Set<String> large, Map<String, HubHttp.Told> there) {
        long bytes = files.stream().filter(file -> hasSize(there, file)).mapToLong(UploadFile::size).sum();
        List<Entry> entries = new ArrayList<>();
        try (Progress.Task task = reading(bytes)) {
            for (UploadFile file : files) {
                entries.add(new Entry(file.name(), file.size(), large.contains(file.name()),
                        file.isThere(there.get(file.name()), task)));
            }
        }
        return entries;
    }

    /** What is committed can never be taken back for good. */
    private void requireNoToken() {
        settings.token().ifPresent(token -> files.stream()
                .filter(file -> file.size() <= LARGE_BYTES && file.contains(token)).findFirst().ifPresent(file -> {
                    throw new InvalidInputException(
                            file + " holds the token for the hub (HF_TOKEN), which nobody else may see, so nothing was"
                                    + " sent; take it out of there");
                }));
    }

    private static boolean hasSize(Map<String, HubHttp.Told> there, UploadFile file) {
        HubHttp.Told told = there.get(file.name());
        return told != null && told.size().orElse(-1) == file.size();
    }

    private Progress.Task reading(long bytes) {
        return (bytes > 0 ? progress : Progress.NONE).begin("reading what is to be on the hub", bytes, Progress.BYTES);
    }

    private List<String> stale(Map<String, HubHttp.Told> there) {
        return there.keySet().stream()
                .filter(name -> WEIGHTS.matcher(name).matches() && !request.files.containsKey(name)).sorted().toList();
    }

    private URI page() {
        return repository.page(settings.endpoint());
    }

    /**
     * Pushes. A run that was interrupted goes on when it is asked for again.
     *
     * @throws InvalidInputException if there is no token, or it may not write there
     * @throws FailedException if the network or the server fails, or somebody writes to a file; what was sent is kept
     */
    public Result run() {
        if (settings.offline()) {
            throw new InvalidInputException("HF_HUB_OFFLINE is set, so nothing can be pushed to the hub; unset it");
        }
        if (settings.token().isEmpty()) {
            throw new InvalidInputException("There is no token to push with; set HF_TOKEN to one that may write to "
                    + request.name + ", from the settings of your account");
        }
        try (HubLock _ = lock()) {
            return locked();
        } catch (IOException e) {
            throw HubCache.failure(request.state + " cannot be locked", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FailedException(Transfer.UPLOAD.interrupted(), e);
        }
    }

    private HubLock lock() throws IOException, InterruptedException {
        FileModes.makePrivateFolder(request.state);
        return HubLock.take(request.state.resolve(repository.folderName() + ".lock"),
                () -> progress.note("Another process is pushing to " + request.name + "; waiting for it."));
    }

    private Result locked() {
        Plan plan = plan();
        if (plan.newRepository) {
            target.create(request.secret);
            plan = plan();
        }
        if (plan.newBranch) {
            target.makeBranch();
        }
        sendLarge(plan);
        Set<String> large = plan.files.stream().filter(Entry::large).map(Entry::name).collect(Collectors.toSet());
        return new Result(plan, target.commit(there -> lines(large, there)));
    }

    private void sendLarge(Plan plan) {
        Set<String> wanted = plan.files.stream().filter(file -> file.large && !file.there).map(Entry::name)
                .collect(Collectors.toSet());
        List<UploadFile> missing = files.stream().filter(file -> wanted.contains(file.name())).toList();
        Map<String, UploadFile> byHash = new LinkedHashMap<>();
        try (Progress.Task task = reading(missing.stream().mapToLong(UploadFile::size).sum())) {
            missing.forEach(file -> byHash.put(file.sha256(task), file));
        }
        if (byHash.isEmpty()) {
            return;
        }
        AtomicBoolean keptSomething = new AtomicBoolean();
        Map<String, LfsAction> actions = target.destinations(byHash);
        List<LfsUpload> uploads = new ArrayList<>();
        byHash.forEach((hash, file) -> {
            LfsAction action = actions.get(hash);
            if (action != null) {
                uploads.add(new LfsUpload(target, settings, file, hash, action, request.state, progress,
                        keptSomething));
            }
        });
        long bytes = uploads.stream().mapToLong(LfsUpload::plan).sum();
        UnderWay.addForAll(request.state, keptSomething::get);
        try (Progress.Task task = (bytes > 0 ? progress : Progress.NONE).begin("uploading to " + request.name, bytes,
                Progress.BYTES)) {
            Together.run(Transfer.UPLOAD, uploads.stream().map(upload -> (Callable<Boolean>) () -> {
                upload.run(task);
                return true;
            }).toList());
        } finally {
            UnderWay.remove(request.state);
        }
    }

    /** The commit that brings the branch from what it has to what it shall have. */
    private List<ObjectNode> lines(Set<String> large, Map<String, HubHttp.Told> there) {
        List<ObjectNode> lines = new ArrayList<>();
        for (UploadFile file : files) {
            if (!file.isThere(there.get(file.name()), SILENT)) {
                lines.add(large.contains(file.name()) ? CommitLine.ofLarge(file, SILENT) : CommitLine.ofSmall(file));
            }
        }
        stale(there).forEach(name -> lines.add(CommitLine.ofDeleted(name)));
        if (!lines.isEmpty()) {
            lines.addFirst(CommitLine.header(request.message));
        }
        return lines;
    }
}
