package dev.come.failure;

import dev.come.ByteSize;
import dev.come.ComeException;
import dev.come.FailedException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Says in one sentence that memory has run out. Neither Java nor the tensor engine tells what was being done then, and which
 * option helps; so whoever reads something large or computes with it does that under a name.
 */
public final class Shortage {
    private static final int CAUSES = 10;
    /** As libtorch says it on a processor, in bytes, and on a device, in larger units. */
    private static final Pattern ENGINE_SIZE = Pattern
            .compile("tried to allocate (?:(\\d+) bytes|([\\d.]+ [KMGT]?i?B(?:ytes)?))", Pattern.CASE_INSENSITIVE);
    private static final Pattern ENGINE = Pattern
            .compile("out of memory|can't allocate memory|cannot allocate memory|bad_alloc|bad allocation",
                    Pattern.CASE_INSENSITIVE);

    private Shortage() {
    }

    /**
     * Does work under a name.
     *
     * @param name what needs the memory and how large it is, at the beginning of a sentence: {@code "Layer 3 on 2048 tokens"}
     * @throws FailedException if memory does not suffice; its cause is what was thrown
     */
    public static <T> T named(Supplier<String> name, Supplier<T> work) {
        try {
            return work.get();
        } catch (RuntimeException | Error e) {
            throw of(name, e).map(failure -> (RuntimeException) failure).orElseGet(() -> Thrown.again(e));
        }
    }

    /** Does work under a name that gives nothing back. */
    public static void named(Supplier<String> name, Runnable work) {
        named(name, () -> {
            work.run();
            return true;
        });
    }

    /** Reads a file. */
    public static <T> T reading(Path file, Supplier<T> work) {
        return named(() -> "Reading " + file + size(file), work);
    }

    private static String size(Path file) {
        try {
            return Files.isRegularFile(file) ? " (" + ByteSize.format(Files.size(file)) + ")" : "";
        } catch (IOException e) {
            return ""; // the sentence does without
        }
    }

    /** The sentence, if something was thrown because memory has run out and nobody has said so yet. */
    public static Optional<FailedException> of(Supplier<String> name, Throwable thrown) {
        if (thrown instanceof ComeException) {
            return Optional.empty();
        }
        return Stream.iterate(thrown, Objects::nonNull, Throwable::getCause).limit(CAUSES)
                .map(Shortage::lacking).flatMap(Optional::stream).findFirst()
                .map(lacking -> new FailedException(name.get() + " " + lacking, thrown));
    }

    /** What is missing and what helps. */
    private static Optional<String> lacking(Throwable thrown) {
        String message = Objects.requireNonNullElse(thrown.getMessage(), "");
        return switch (thrown) {
            case StackOverflowError _ -> Optional
                    .of("needs a larger stack than a thread has; set COME_JAVA_OPTS=-Xss64m to give it more");
            case OutOfMemoryError _ -> Optional.of(ofJava(message));
            default -> ENGINE.matcher(message).find() ? Optional.of(ofEngine(message)) : Optional.empty();
        };
    }

    private static String ofJava(String message) {
        if (message.contains("native thread")) {
            return "needs one more thread than the system allows; give fewer --threads, or raise the limit (ulimit -u)";
        }
        if (message.contains("array size") || message.contains("length exceeds")) {
            return "needs more than the 2 GB that one array of Java holds; give less at once";
        }
        if (message.contains("irect buffer memory")) {
            return "needs more buffers outside of Java's heap than it may have; set COME_JAVA_OPTS="
                    + "-XX:MaxDirectMemorySize=4g to allow them";
        }
        if (message.contains("etaspace") || message.contains("class space")) {
            return "needs more room for Java's classes; leave out -XX:MaxMetaspaceSize in COME_JAVA_OPTS";
        }
        if (message.contains("Cannot allocate") || message.contains("Map failed") || message.contains("Physical")) {
            return ofEngine(message);
        }
        long most = Runtime.getRuntime().maxMemory();
        return "needs more than the " + ByteSize.format(most) + " of Java's heap; set COME_JAVA_OPTS=-Xmx"
                + Math.ceilDiv(2 * most, 1L << 30) + "g to give it more";
    }

    private static String ofEngine(String message) {
        Matcher size = ENGINE_SIZE.matcher(message);
        String wanted = !size.find()
                ? "more memory"
                : size.group(1) != null
                        ? ByteSize.format(Long.parseLong(size.group(1))) + " more memory"
                        : size.group(2) + " more memory";
        boolean device = message.contains("CUDA");
        return "needs " + wanted + (device ? " on the device than is free" : " than the system has")
                + "; give less --memory" + (device
                        ? ", --dtype bfloat16 or --device cpu"
                        : ", fewer --threads or --dtype bfloat16");
    }
}
