package dev.come.hub;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import java.net.URI;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The Hugging Face hub: models and data sets by name, fetched into the cache that Python's tools share. Files that are
 * in the cache are not fetched again; the hub is asked once for what a branch stands for now, and if it does not answer,
 * what the cache has from before is taken. What is pushed goes there in one commit. Safe for use from several threads and processes.
 */
public final class Hub implements AutoCloseable {
    /** The branch that is taken where none is named. */
    public static final String DEFAULT_REVISION = "main";

    private final HubSettings settings;
    private final Progress progress;
    private final Retries retries;
    private final HubCache cache;
    private final HubHttp http;

    public Hub(HubSettings settings, Progress progress) {
        this(settings, progress, Retries.USUAL);
    }

    Hub(HubSettings settings, Progress progress, Retries retries) {
        this.settings = settings;
        this.progress = progress;
        this.retries = retries;
        this.cache = new HubCache(settings.cache().toAbsolutePath().normalize());
        this.http = new HubHttp(settings, retries.silence());
    }

    /** Whether a text has the form of a repository's name: {@code OWNER/NAME}, or {@code NAME} alone. */
    public static boolean isName(String text) {
        return Repository.isName(text);
    }

    /** The name of the model that lies in a folder of the cache, if it is one. */
    public static Optional<String> nameOf(Path folder) {
        return HubCache.modelOf(folder);
    }

    /**
     * Fetches a model: configuration, tokenizer and weights in the safetensors format.
     *
     * @param revision a branch, a tag or a commit
     * @return the folder in the cache; nothing in it may be changed
     * @throws UsageException if name or revision cannot be one
     * @throws InvalidInputException if there is no such model, it is not for this user, or it has no safetensors
     * @throws FailedException if the network, the server or the disk fails; what has arrived is kept
     */
    public Path model(String name, String revision) {
        return new ModelFiles(open(new Repository(Repository.Kind.MODEL, name), revision)).fetch();
    }

    /**
     * Fetches a model without its weights: configuration and tokenizer go into the cache, and of the weights parts can be
     * read where they lie. Until {@link #model} is asked for it, the cache does not count it as there.
     *
     * @param revision a branch, a tag or a commit
     * @throws UsageException if name or revision cannot be one
     * @throws InvalidInputException if there is no such model, it is not for this user, or it has no safetensors
     * @throws FailedException if the network, the server or the disk fails; what has arrived is kept
     */
    public RemoteModel modelWithoutWeights(String name, String revision) {
        return new ModelFiles(open(new Repository(Repository.Kind.MODEL, name), revision)).fetchWithoutWeights();
    }

    /**
     * A data set on its main branch, whose files can be fetched.
     *
     * @throws InvalidInputException if there is no such data set, or it is not for this user
     * @throws FailedException if the network or the server fails
     */
    public HubSnapshot dataset(String name) {
        return open(new Repository(Repository.Kind.DATASET, name), DEFAULT_REVISION);
    }

    /** Brings files to the hub; whoever asks for it says which. */
    public HubUpload upload(HubUpload.Request request) {
        return new HubUpload(settings, http, retries, progress, request);
    }

    @Override
    public void close() {
        http.close();
    }

    HubSettings settings() {
        return settings;
    }

    Progress progress() {
        return progress;
    }

    Retries retries() {
        return retries;
    }

    HubCache cache() {
        return cache;
    }

    HubHttp http() {
        return http;
    }

    private HubSnapshot open(Repository repository, String revision) {
        Repository.checkRevision(revision);
        Optional<String> known = cache.commit(repository, revision);
        if (settings.offline()) {
            InvalidInputException reason = new InvalidInputException(
                    "The cache of the hub (" + cache.root() + ") has no "
                            + repository.kind() + " " + repository + " of revision " + revision
                            + ", and HF_HUB_OFFLINE forbids to fetch it; unset that once");
            return fromCache(repository, revision, known.orElseThrow(() -> reason), reason);
        }
        try {
            return list(repository, revision, known.isPresent() ? retries.once() : retries);
        } catch (HubUnreachableException e) {
            if (known.isEmpty()) {
                throw e;
            }
            HubSnapshot snapshot = fromCache(repository, revision, known.get(), e);
            progress.note(settings.endpoint().getHost() + " does not answer; of " + repository
                    + " what the cache has is taken (commit " + known.get() + ").");
            return snapshot;
        }
    }

    private HubSnapshot fromCache(Repository repository, String revision, String commit, RuntimeException reason) {
        return new HubSnapshot(this, repository, revision, commit, cache.files(repository, commit),
                Optional.of(reason));
    }

    private HubSnapshot list(Repository repository, String revision, Retries patience) {
        URI uri = repository.listing(settings.endpoint(), revision);
        HubHttp.Subject about = new HubHttp.Subject(repository, revision, Optional.empty());
        HubHttp.Page answer = patience.run(uri.getHost(), () -> http.read(uri, about), () -> false, progress::note);
        Listing listing = Listing.read(answer.content(), uri);
        return new HubSnapshot(this, repository, revision, listing.commit(), listing.files(), Optional.empty());
    }
}
