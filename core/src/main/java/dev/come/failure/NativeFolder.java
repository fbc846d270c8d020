package dev.come.failure;

import dev.come.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The folders that libraries are unpacked to when they are first used, for what is said when one cannot be loaded. */
public enum NativeFolder {
    /** The tensor engine; javacpp says where. */
    ENGINE("the tensor engine", "org.bytedeco", 450_000_000) {
        @Override
        Path folder() {
            return Path.of(System.getProperty("org.bytedeco.javacpp.cachedir",
                    Path.of(System.getProperty("user.home"), ".javacpp", "cache").toString()));
        }

        @Override
        String elsewhere() {
            return "COME_JAVA_OPTS=-Dorg.bytedeco.javacpp.cachedir=FOLDER";
        }
    },
    /** The library that reads tables. */
    TABLES("the library that reads tables", "org.duckdb", 65_000_000) {
        @Override
        Path folder() {
            return Path.of(System.getProperty("java.io.tmpdir"));
        }

        @Override
        String elsewhere() {
            return "COME_JAVA_OPTS=-Djava.io.tmpdir=FOLDER";
        }
    },
    /** The tokenizers. */
    TOKENIZERS("the tokenizers library", "ai.djl", 15_000_000) {
        @Override
        Path folder() {
            return Path.of(Objects.requireNonNullElseGet(System.getenv("DJL_CACHE_DIR"),
                    () -> Path.of(System.getProperty("user.home"), ".djl.ai").toString()));
        }

        @Override
        String elsewhere() {
            return "DJL_CACHE_DIR=FOLDER";
        }
    };

    private static final int CAUSES = 20;
    /** As the system says it of libraries that come with CUDA and not with the engine. */
    private static final Pattern CUDA = Pattern.compile("lib(?:cu|nv|nccl)\\w*\\.so");

    private final String library;
    private final String code;
    private final long bytes;

    /**
     * A folder.
     *
     * @param code how the names of the classes begin that unpack there
     * @param bytes what is unpacked, about
     */
    NativeFolder(String library, String code, long bytes) {
        this.library = library;
        this.code = code;
        this.bytes = bytes;
    }

    abstract Path folder();

    /** How another folder is named. */
    abstract String elsewhere();

    /**
     * What will happen on first use, as a sentence; nothing if an earlier run did it.
     *
     * @param jar the file name of the jar that the library comes in, after which its part of the folder is named
     */
    public Optional<String> firstUse(String jar) {
        Path folder = folder().toAbsolutePath();
        return Files.exists(folder.resolve(jar))
                ? Optional.empty()
                : Optional.of("Unpacking " + library + ", about " + ByteSize.format(bytes) + ", into " + folder
                        + "; this happens once.");
    }

    /** The folder that something was to be unpacked to, if what was thrown came of that and the folder is to blame. */
    public static Optional<String> blamed(Throwable thrown) {
        return Stream.of(values()).filter(one -> one.isOf(thrown)).map(NativeFolder::trouble)
                .flatMap(Optional::stream).findFirst();
    }

    private boolean isOf(Throwable thrown) {
        List<Throwable> causes = Stream.iterate(thrown, Objects::nonNull, Throwable::getCause).limit(CAUSES).toList();
        return causes.stream().anyMatch(this::isFromHere)
                && causes.stream().anyMatch(cause -> cause instanceof LinkageError || cause instanceof IOException)
                && causes.stream().noneMatch(cause -> CUDA.matcher(String.valueOf(cause.getMessage())).find());
    }

    private boolean isFromHere(Throwable cause) {
        return String.valueOf(cause.getMessage()).contains(code)
                || Stream.of(cause.getStackTrace()).anyMatch(frame -> frame.getClassName().startsWith(code));
    }

    /** What is wrong with the folder, as a sentence without its end; nothing if there is room in it. */
    public Optional<String> trouble() {
        Path folder = folder().toAbsolutePath();
        String what = library + " cannot be loaded: it is unpacked to " + folder + ", ";
        String advice = "; make room there, or name another folder with " + elsewhere();
        try {
            FreeSpace space = FreeSpace.of(folder);
            if (!space.writable()) {
                return Optional.of(what + "which may not be written to" + advice);
            }
            return space.bytes() >= bytes
                    ? Optional.empty()
                    : Optional.of(what + "where " + ByteSize.format(space.bytes()) + " are free and about "
                            + ByteSize.format(bytes) + " are needed" + advice);
        } catch (IOException e) {
            return Optional.of(what + "which cannot be looked at (" + e.getMessage() + ")" + advice);
        }
    }
}
