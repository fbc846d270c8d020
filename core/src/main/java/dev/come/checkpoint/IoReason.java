package dev.come.checkpoint;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Objects;

/** Says in plain words why the operating system refused something. */
public final class IoReason {
    private IoReason() {
    }

    /** For example {@code "permission denied"}; without the path, which the message around it names. */
    public static String of(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException _ -> "no such file";
            case NotDirectoryException _ -> "not a folder";
            case EOFException end when end.getMessage() == null -> "it ends too early";
            case FileSystemException f when f.getReason() != null -> f.getReason();
            default -> Objects.requireNonNullElse(e.getMessage(), e.getClass().getSimpleName());
        };
    }
}
