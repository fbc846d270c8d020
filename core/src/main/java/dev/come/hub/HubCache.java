package dev.come.hub;

import dev.come.FailedException;
import dev.come.checkpoint.AtomicFile;
import dev.come.checkpoint.IoReason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The cache as {@code huggingface_hub} lays it out (https://huggingface.co/docs/huggingface_hub/guides/manage-cache):
 *
 * <pre>
 * models--OWNER--NAME/refs/REVISION              the commit that a branch or tag stands for
 * models--OWNER--NAME/blobs/ETAG                 the content of a file
 * models--OWNER--NAME/blobs/ETAG.incomplete      what has arrived of it
 * models--OWNER--NAME/snapshots/COMMIT/FILE      a relative link to the blob
 * .locks/models--OWNER--NAME/ETAG.lock           locked by the process that fetches the blob
 * </pre>
 */
record HubCache(Path root) {
    private static final Pattern SNAPSHOT = Pattern.compile("models--((?:(?!--).)+)(?:--((?:(?!--).)+))?");

    /** The name of the model whose snapshot that folder is, if it is one. */
    static Optional<String> modelOf(Path folder) {
        Path absolute = folder.toAbsolutePath().normalize();
        Path snapshots = absolute.getParent();
        if (snapshots == null || snapshots.getParent() == null || !snapshots.endsWith("snapshots")
                || !Repository.isCommit(absolute.getFileName().toString())) {
            return Optional.empty();
        }
        Matcher name = SNAPSHOT.matcher(String.valueOf(snapshots.getParent().getFileName()));
        return name.matches()
                ? Optional.of(name.group(2) == null ? name.group(1) : name.group(1) + "/" + name.group(2))
                : Optional.empty();
    }

    /** The commit that a revision stood for when it was last asked for, if a snapshot of it is there. */
    Optional<String> commit(Repository repository, String revision) {
        String commit = revision;
        if (!Repository.isCommit(revision)) {
            Path reference = reference(repository, revision);
            try {
                commit = Files.isRegularFile(reference) ? Files.readString(reference).strip() : "";
            } catch (IOException e) {
                throw failure(reference + " cannot be read", e);
            }
        }
        return Optional.of(commit).filter(Repository::isCommit)
                .filter(known -> Files.isDirectory(snapshot(repository, known)));
    }

    /** Keeps which commit a revision stands for, unless the cache may only be read: it has all that is needed. */
    void keepCommitIfPossible(Repository repository, String revision, String commit) {
        try {
            keepCommit(repository, revision, commit);
        } catch (FailedException _) {
            // Whoever made this cache decides what its branches stand for.
        }
    }

    /** Keeps which commit a revision stands for. */
    void keepCommit(Repository repository, String revision, String commit) {
        if (Repository.isCommit(revision)) {
            return;
        }
        Path reference = reference(repository, revision);
        try {
            if (Files.isRegularFile(reference) && Files.readString(reference).equals(commit)) {
                return;
            }
            Files.createDirectories(reference.getParent());
            // Python takes every file below refs for a reference, so what is not whole yet lies above it.
            AtomicFile.replace(reference, folder(repository),
                    out -> out.write(ByteBuffer.wrap(commit.getBytes(StandardCharsets.US_ASCII))));
        } catch (IOException e) {
            throw failure(reference + " cannot be written", e);
        }
    }

    Path snapshot(Repository repository, String commit) {
        return folder(repository).resolve("snapshots").resolve(commit);
    }

    Path blobs(Repository repository) {
        return folder(repository).resolve("blobs");
    }

    Path blob(Repository repository, String etag) {
        return blobs(repository).resolve(etag);
    }

    Path lock(Repository repository, String etag) {
        return root.resolve(".locks").resolve(repository.folderName()).resolve(etag + ".lock");
    }

    /** Whether a file of a snapshot is there, with some content. */
    boolean has(Repository repository, String commit, String file) {
        return Files.isRegularFile(snapshot(repository, commit).resolve(file));
    }

    /** Whether a file of a snapshot is there, and whole as far as can be told without the hub. */
    boolean hasWhole(Repository repository, String commit, String file) {
        return has(repository, commit, file) && Wholeness.isLikely(snapshot(repository, commit).resolve(file));
    }

    /** The files of a snapshot that are there. */
    List<String> files(Repository repository, String commit) {
        Path snapshot = snapshot(repository, commit);
        try (Stream<Path> paths = Files.walk(snapshot)) {
            return paths.filter(Files::isRegularFile)
                    .map(path -> snapshot.relativize(path).toString().replace('\\', '/')).sorted().toList();
        } catch (IOException e) {
            throw failure(snapshot + " cannot be listed", e);
        }
    }

    /** Gives a blob its name in a snapshot. */
    void link(Repository repository, String commit, String file, String etag) {
        Path link = snapshot(repository, commit).resolve(file);
        Path folder = Objects.requireNonNull(link.getParent());
        Path target = folder.relativize(blob(repository, etag));
        try {
            Files.createDirectories(folder);
            try {
                Files.createSymbolicLink(link, target);
            } catch (FileAlreadyExistsException e) {
                if (!Files.isSymbolicLink(link) || !Files.readSymbolicLink(link).equals(target)) {
                    // A link to what was lost, or half a file: nothing that is whole gets here.
                    Files.delete(link);
                    Files.createSymbolicLink(link, target);
                }
            }
        } catch (UnsupportedOperationException | IOException e) {
            throw new FailedException(link + " cannot be made ("
                    + (e instanceof IOException io ? IoReason.of(io) : "links")
                    + "); make room there, or set HF_HOME to a folder on a file system that has symbolic links",
                    e);
        }
    }

    /** Makes the folders that a blob needs. */
    void prepare(Repository repository) {
        for (Path folder : List.of(blobs(repository), lock(repository, "x").getParent())) {
            try {
                Files.createDirectories(folder);
            } catch (IOException e) {
                throw failure(folder + " cannot be made", e);
            }
        }
    }

    /** Bytes that may still be written. */
    long room() {
        try {
            return Files.getFileStore(root).getUsableSpace();
        } catch (IOException _) {
            return Long.MAX_VALUE; // not every file system tells; a full one shows when it is written to
        }
    }

    /** Bytes that have arrived of a blob. */
    static long bytes(Path file) {
        try {
            return Files.exists(file, LinkOption.NOFOLLOW_LINKS) ? Files.size(file) : 0;
        } catch (IOException _) {
            return 0;
        }
    }

    /** What to say where the cache refuses. */
    static FailedException failure(String what, IOException e) {
        return new FailedException(what + " (" + IoReason.of(e) + "); check the permissions and the room there, or set"
                + " HF_HOME to another folder for the cache of the hub", e);
    }

    private Path folder(Repository repository) {
        return root.resolve(repository.folderName());
    }

    private Path reference(Repository repository, String revision) {
        return folder(repository).resolve("refs").resolve(revision);
    }
}
