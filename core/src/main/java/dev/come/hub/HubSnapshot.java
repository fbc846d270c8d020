package dev.come.hub;

import dev.come.ByteSize;
import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.checkpoint.FileParts;
import dev.come.failure.UnderWay;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A repository of the hub at one commit: the list of its files, and those of them that were fetched. */
public final class HubSnapshot {
    private final Hub hub;
    private final Repository repository;
    private final String revision;
    private final String commit;
    private final List<String> files;
    private final Optional<RuntimeException> cacheOnly;
    private final Tree tree;

    /**
     * @param files those that the hub lists, or those that the cache has
     * @param cacheOnly why the hub cannot be asked, if it cannot
     */
    HubSnapshot(Hub hub, Repository repository, String revision, String commit, List<String> files,
            Optional<RuntimeException> cacheOnly) {
        this.hub = hub;
        this.repository = repository;
        this.revision = revision;
        this.commit = commit;
        this.files = List.copyOf(files);
        this.cacheOnly = cacheOnly;
        this.tree = new Tree(hub, repository, revision, commit);
    }

    /** The names of all files, with a slash between folder and file; without the network, those that the cache has. */
    public List<String> files() {
        return files;
    }

    /** Whether only what the cache has can be had. */
    public boolean isCacheOnly() {
        return cacheOnly.isPresent();
    }

    Repository repository() {
        return repository;
    }

    String revision() {
        return revision;
    }

    Path folder() {
        return hub.cache().snapshot(repository, commit);
    }

    /**
     * Fetches files that are not there yet.
     *
     * @return the folder in which all of them lie
     * @throws FailedException if the network, the server or the disk fails; what has arrived is kept
     * @throws InvalidInputException if the user may not have them
     */
    public Path fetch(List<String> wanted) {
        return fetch(wanted, List.of());
    }

    /** The same, with files that are fetched along with others and never for their own sake, for they can be done without. */
    Path fetch(List<String> wanted, List<String> alongside) {
        boolean brought = bring(wanted, alongside);
        keepCommit(brought);
        return folder();
    }

    /**
     * Fetches files that are not there yet, but are not all that is needed. Until {@link #fetch} has brought the rest, the
     * revision stands in the cache for the commit that it stood for before, so that nobody takes this one for whole
     * without the network.
     */
    Path fetchSome(List<String> wanted) {
        bring(wanted, List.of());
        return folder();
    }

    /** Now that all is there, without the network the revision stands for this commit. */
    private void keepCommit(boolean brought) {
        if (brought) {
            hub.cache().keepCommit(repository, revision, commit);
        } else if (!isCacheOnly()) {
            hub.cache().keepCommitIfPossible(repository, revision, commit);
        }
    }

    private boolean bring(List<String> wanted, List<String> alongside) {
        List<String> absent = absent(wanted);
        return !absent.isEmpty() && download(
                Stream.concat(absent.stream(), alongside.stream().filter(file -> !has(file))).distinct().toList());
    }

    /** Those of the files that are not there, and can be had. */
    private List<String> absent(List<String> wanted) {
        wanted.forEach(repository::checkFile);
        List<String> absent = wanted.stream().filter(file -> !has(file)).distinct().toList();
        if (!absent.isEmpty()) {
            cacheOnly.ifPresent(reason -> {
                throw missing(absent.getFirst(), reason);
            });
        }
        return absent;
    }

    /** Whether a file need not be fetched. Where it cannot be, whoever reads it says what is wrong with it. */
    private boolean has(String file) {
        return isCacheOnly()
                ? hub.cache().has(repository, commit, file)
                : hub.cache().hasWhole(repository, commit, file);
    }

    /**
     * Files to be read in parts. Those in the cache are read there, the others where they are on the hub.
     *
     * @throws FailedException if the network or the server fails
     * @throws InvalidInputException if the user may not have them, or only the cache is looked at and they are not there
     */
    Map<String, FileParts> parts(List<String> wanted) {
        List<String> absent = absent(wanted);
        if (absent.isEmpty()) {
            keepCommit(false);
        }
        Map<String, FileParts> parts = new HashMap<>();
        wanted.forEach(file -> parts.put(file, FileParts.of(folder().resolve(file))));
        if (!absent.isEmpty()) {
            Together.run(
                    Transfer.DOWNLOAD, absent.stream()
                            .map(file -> (Callable<Map.Entry<String, FileParts>>) () -> Map.entry(file,
                                    part(file)))
                            .toList())
                    .forEach(entry -> parts.put(entry.getKey(), entry.getValue()));
        }
        return parts;
    }

    /** A file that this snapshot has not, though another one may. */
    private FileParts part(String file) {
        HubHttp.Facts facts = facts(file);
        Path blob = hub.cache().blob(repository, facts.etag());
        return Files.isRegularFile(blob) && HubCache.bytes(blob) == facts.size()
                ? FileParts.of(blob)
                : new HubFile(hub.http(), hub.retries(), hub.progress(), address(file), subject(file), facts.size());
    }

    private HubHttp.Facts facts(String file) {
        URI uri = address(file);
        return tree.facts(hub.retries().run(uri.getHost(), () -> hub.http().told(uri, commit, subject(file)),
                () -> false, hub.progress()::note), file, uri);
    }

    private URI address(String file) {
        return repository.file(hub.settings().endpoint(), commit, file);
    }

    private HubHttp.Subject subject(String file) {
        return new HubHttp.Subject(repository, revision, Optional.of(file));
    }

    /** What to say where a file is not in the cache and the hub is not asked. */
    RuntimeException missing(String what, RuntimeException reason) {
        if (reason instanceof HubUnreachableException unreachable) {
            return unreachable;
        }
        return new InvalidInputException("The cache of the hub (" + hub.cache().root() + ") has " + repository
                + " without " + what + ", and HF_HUB_OFFLINE forbids to fetch it; unset that once");
    }

    Optional<RuntimeException> cacheOnly() {
        return cacheOnly;
    }

    /** Returns whether something had to be fetched. */
    private boolean download(List<String> missing) {
        Map<String, BlobDownload> downloads = downloads(missing);
        // Of these the hub says that they are as they should be.
        downloads.entrySet().removeIf(download -> download.getValue().isThere()
                && hub.cache().has(repository, commit, download.getKey()));
        if (downloads.isEmpty()) {
            return false;
        }
        hub.cache().prepare(repository);
        // Two names may stand for the same content.
        List<BlobDownload> different = List.copyOf(downloads.values().stream()
                .collect(Collectors.toMap(download -> download.facts().etag(), download -> download, (one, _) -> one))
                .values());
        long remaining = different.stream().mapToLong(BlobDownload::plan).sum();
        requireRoom(remaining);
        Progress shown = remaining > 0 ? hub.progress() : Progress.NONE;
        Path blobs = hub.cache().blobs(repository);
        UnderWay.addForAll(blobs, () -> different.stream().anyMatch(BlobDownload::hasSomething));
        try (Progress.Task task = shown.begin("downloading " + repository, remaining, Progress.BYTES)) {
            Together.run(Transfer.DOWNLOAD, different.stream().map(download -> (Callable<Boolean>) () -> {
                download.run(task);
                return true;
            }).toList());
        } finally {
            UnderWay.remove(blobs);
        }
        downloads.forEach((file, download) -> hub.cache().link(repository, commit, file, download.facts().etag()));
        return true;
    }

    private Map<String, BlobDownload> downloads(List<String> missing) {
        List<Callable<BlobDownload>> questions = missing.stream()
                .map(file -> (Callable<BlobDownload>) () -> new BlobDownload(hub.http(), hub.retries(), hub.cache(),
                        address(file), subject(file), facts(file), hub.progress()))
                .toList();
        Map<String, BlobDownload> downloads = new HashMap<>();
        Together.run(Transfer.DOWNLOAD, questions)
                .forEach(download -> downloads.put(download.about().file().orElseThrow(), download));
        return downloads;
    }

    private void requireRoom(long bytes) {
        long room = hub.cache().room();
        if (bytes > room) {
            throw new FailedException(repository + " needs " + ByteSize.format(bytes) + " more in " + hub.cache().root()
                    + ", but only " + ByteSize.format(room)
                    + " are free there; make room, or set HF_HOME to a folder on another disk");
        }
    }
}
