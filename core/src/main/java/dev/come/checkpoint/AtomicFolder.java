package dev.come.checkpoint;

import dev.come.FailedException;
import dev.come.failure.Unfinished;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A folder that comes into being all at once. It is filled under another name beside its target; {@link #commit}
 * brings all of it to the disk and renames it. If the process or the machine dies, the target is what it was before or
 * what it was to become.
 *
 * <p>A file beside it is locked as long as the process lives. By that the next writer of the same target recognises the
 * leftovers of a dead one, and removes them.
 */
final class AtomicFolder implements AutoCloseable {
    private static final int ATTEMPTS = 10;

    private final Path target;
    private final BiPredicate<Path, Path> exchange;
    private FolderNames names;
    private final Deque<Path> createdParents = new ArrayDeque<>();
    private final Unfinished.Removal removal = this::abandon;
    private @Nullable LockedFile lock;
    /** Whether it was taken away because the process ends. */
    private boolean abandoned;

    private AtomicFolder(Path target, BiPredicate<Path, Path> exchange) {
        this.target = target;
        this.exchange = exchange;
        this.names = FolderNames.drawn(target);
    }

    /**
     * Makes an empty folder beside the target, and the folders above where they are missing.
     *
     * @param target an absolute path other than a root
     * @param modes who may look into the folder; without them the umask alone decides
     */
    static AtomicFolder beside(Path target, FileAttribute<?>... modes) throws IOException {
        return beside(target, FolderExchange::exchange, modes);
    }

    /** The same with another way to swap two folders, which returns whether it has done so. */
    static AtomicFolder beside(Path target, BiPredicate<Path, Path> exchange, FileAttribute<?>... modes)
            throws IOException {
        AtomicFolder folder = new AtomicFolder(target, exchange);
        try {
            folder.begin(modes);
            return folder;
        } catch (IOException | RuntimeException | Error e) {
            try (folder) {
                throw e;
            }
        }
    }

    /** The folder to fill. */
    Path folder() {
        return names.folder();
    }

    /**
     * Brings the folder to the disk and gives it the target's name.
     *
     * @param replace whether a target that is not empty is replaced; it is removed afterwards. If not, an
     *        {@link IOException} is thrown for such a target
     */
    void commit(boolean replace) throws IOException {
        sync(names.folder());
        takePlace(replace);
    }

    private synchronized void takePlace(boolean replace) throws IOException {
        if (abandoned) {
            throw new IOException("the process ends");
        }
        if (replace && Files.exists(target)) {
            replaceTarget();
        } else {
            Files.deleteIfExists(target);
            Files.move(names.folder(), target, StandardCopyOption.ATOMIC_MOVE);
            syncFolder(parentOf(target));
        }
        createdParents.clear();
    }

    /** Takes away what is half done; whoever works on it finds it gone. */
    private synchronized void abandon() throws IOException {
        abandoned = true;
        for (int attempt = 1; attempt < ATTEMPTS && Files.exists(names.folder()); attempt++) {
            try {
                deleteTree(names.folder());
            } catch (IOException _) {
                // Another file was begun meanwhile.
            }
        }
        remove();
    }

    /** Removes whatever is not committed, the folders above that were made for it included. */
    @Override
    public void close() throws IOException {
        Unfinished.waitForTheEnd();
        Unfinished.remove(removal);
        remove();
    }

    private synchronized void remove() throws IOException {
        // Whoever holds the lock removes it last: were the folder to stay, the next writer would find it by its lock.
        try (LockedFile held = lock) {
            deleteTree(names.folder());
            if (held != null) {
                held.delete();
            }
        }
        while (!createdParents.isEmpty()) {
            try {
                Files.delete(createdParents.pop());
            } catch (DirectoryNotEmptyException _) {
                return; // someone else has put something there meanwhile
            }
        }
    }

    private void begin(FileAttribute<?>... modes) throws IOException {
        createParents(parentOf(target));
        removeLeftovers();
        // The lock is there before the folder and goes after it, so that a folder without a lock cannot be.
        Optional<LockedFile> own = LockedFile.tryLock(names.lock());
        while (own.isEmpty()) { // somebody else has drawn the same name
            names = FolderNames.drawn(target);
            own = LockedFile.tryLock(names.lock());
        }
        lock = own.get();
        Unfinished.add(removal);
        // Not createTempDirectory, which lets nobody but the owner in: the umask decides.
        Files.createDirectory(names.folder(), modes);
    }

    private void createParents(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            createParents(parentOf(folder));
            Files.createDirectory(folder);
            createdParents.push(folder);
        }
    }

    private void replaceTarget() throws IOException {
        Path replaced;
        if (exchange.test(names.folder(), target)) {
            replaced = names.folder();
        } else {
            moveAside();
            replaced = names.old();
        }
        syncFolder(parentOf(target));
        try {
            deleteTree(replaced);
        } catch (IOException e) {
            throw new FailedException("%s is saved, but what stood there before cannot be removed (%s); remove %s"
                    .formatted(target, IoReason.of(e), replaced), e);
        }
    }

    /** Replaces the target in two steps. A death between them is mended by the next writer. */
    private void moveAside() throws IOException {
        Files.move(target, names.old(), StandardCopyOption.ATOMIC_MOVE);
        try {
            Files.move(names.folder(), target, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.move(names.old(), target, StandardCopyOption.ATOMIC_MOVE);
            throw e;
        }
    }

    private void removeLeftovers() throws IOException {
        for (FolderNames leftover : FolderNames.lockedIn(parentOf(target))) {
            if (leftover.target().equals(target)) {
                removeIfLeft(leftover);
            }
        }
    }

    /** Removes what writers that are dead have left in a folder, whatever their targets were, as far as that is allowed. */
    static void removeLeftoversIn(Path parent) throws IOException {
        for (FolderNames leftover : FolderNames.lockedIn(parent)) {
            try {
                removeIfLeft(leftover);
            } catch (IOException _) {
                // It may be somebody else's.
            }
        }
    }

    private static void removeIfLeft(FolderNames leftover) throws IOException {
        // Where the file system has no locks, a living writer cannot be told from a dead one, and both are left alone.
        Optional<LockedFile> free = LockedFile.tryLock(leftover.lock());
        if (free.isPresent()) {
            try (LockedFile held = free.get()) {
                if (held.excludes()) {
                    remove(leftover, held);
                }
            }
        }
    }

    private static void remove(FolderNames leftover, LockedFile held) throws IOException {
        if (Files.exists(leftover.old()) && !Files.exists(leftover.target())) {
            Files.move(leftover.old(), leftover.target(), StandardCopyOption.ATOMIC_MOVE);
        }
        deleteTree(leftover.old());
        deleteTree(leftover.folder());
        held.delete();
    }

    static Path parentOf(Path path) {
        Path parent = path.getParent();
        if (parent == null) {
            throw new IllegalArgumentException(path + " has no folder above it");
        }
        return parent;
    }

    private static void sync(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                if (Files.isDirectory(path)) {
                    syncFolder(path);
                } else {
                    try (FileChannel file = FileChannel.open(path, StandardOpenOption.WRITE)) {
                        file.force(true);
                    }
                }
            }
        }
    }

    /** Brings the names in a folder to the disk. */
    static void syncFolder(Path folder) throws IOException {
        // Elsewhere than on POSIX systems a folder cannot be opened.
        if (folder.getFileSystem().supportedFileAttributeViews().contains("posix")) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            } catch (AccessDeniedException _) {
                // It may be written to but not listed, so the system brings its names to the disk when it likes.
            }
        }
    }

    private static void deleteTree(Path root) throws IOException {
        if (!Files.exists(root)) {
            return;
        }
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException e) throws IOException {
                if (e != null) {
                    throw e;
                }
                Files.delete(folder);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
