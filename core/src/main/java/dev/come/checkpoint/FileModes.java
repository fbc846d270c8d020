package dev.come.checkpoint;

import dev.come.FailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;

/**
 * Who may read and write new files and folders. The umask decides, and nobody is let in who is kept out of what they are made
 * from. The owner may always read and write. Where the file system knows no such permissions, nothing is asked of it.
 */
public final class FileModes {
    private static final Set<PosixFilePermission> ANY_FILE = PosixFilePermissions.fromString("rw-rw-rw-");
    private static final Set<PosixFilePermission> ANY_FOLDER = PosixFilePermissions.fromString("rwxrwxrwx");
    private static final Set<PosixFilePermission> OWN_FILE = PosixFilePermissions.fromString("rw-------");
    private static final Set<PosixFilePermission> OWN_FOLDER = PosixFilePermissions.fromString("rwx------");

    private FileModes() {
    }

    /** For a file that is made from others. */
    static FileAttribute<?>[] ofFile(Collection<Path> madeFrom) {
        return attributes(ANY_FILE, OWN_FILE, madeFrom);
    }

    /** For a folder that is made from others. */
    static FileAttribute<?>[] ofFolder(Collection<Path> madeFrom) {
        return attributes(ANY_FOLDER, OWN_FOLDER, madeFrom);
    }

    /** For a file that is nobody else's business. */
    public static FileAttribute<?>[] ofPrivateFile(Path file) {
        return knowsModes(file) ? new FileAttribute<?>[]{PosixFilePermissions.asFileAttribute(OWN_FILE)} : none();
    }

    /**
     * Makes a folder that only its owner may look into, and those above it where they are missing.
     *
     * @return the folder, which may have been there before
     */
    public static Path makePrivateFolder(Path folder) throws IOException {
        if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return folder;
        }
        Path parent = folder.toAbsolutePath().getParent();
        if (parent != null) {
            Files.createDirectories(parent);
        }
        return Files.createDirectory(folder, knowsModes(folder)
                ? new FileAttribute<?>[]{PosixFilePermissions.asFileAttribute(OWN_FOLDER)}
                : none());
    }

    private static FileAttribute<?>[] attributes(Set<PosixFilePermission> any, Set<PosixFilePermission> own,
            Collection<Path> madeFrom) {
        Set<PosixFilePermission> allowed = EnumSet.copyOf(any);
        for (Path file : madeFrom) {
            if (!knowsModes(file)) {
                return none();
            }
            allowed.retainAll(permissions(file));
        }
        allowed.addAll(own);
        return madeFrom.isEmpty()
                ? none()
                : new FileAttribute<?>[]{PosixFilePermissions.asFileAttribute(allowed)};
    }

    private static Set<PosixFilePermission> permissions(Path file) {
        try {
            return Files.getPosixFilePermissions(file);
        } catch (IOException e) {
            throw new FailedException("%s cannot be looked at (%s)".formatted(file, IoReason.of(e)), e);
        }
    }

    private static boolean knowsModes(Path file) {
        return file.getFileSystem().supportedFileAttributeViews().contains("posix");
    }

    private static FileAttribute<?>[] none() {
        return new FileAttribute<?>[0];
    }
}
