package dev.come.hub;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Compares content with the name that the hub gives it. Large files (git LFS) are named by their SHA-256, small ones by
 * the hash of a git blob, the SHA-1 of {@code "blob SIZE\0"} and the content.
 */
final class BlobHash {
    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
    private static final Pattern GIT = Pattern.compile("[0-9a-f]{40}");

    private final MessageDigest digest;
    private final String expected;
    private final String prefix;

    private BlobHash(String algorithm, String expected, String prefix) {
        try {
            this.digest = MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm, e);
        }
        this.expected = expected;
        this.prefix = prefix;
        restart();
    }

    /** What to compare with; absent where the name is no hash, as some mirrors have it. */
    static Optional<BlobHash> of(String etag, long size) {
        if (SHA256.matcher(etag).matches()) {
            return Optional.of(new BlobHash("SHA-256", etag, ""));
        }
        return GIT.matcher(etag).matches()
                ? Optional.of(new BlobHash("SHA-1", etag, "blob " + size + "\0"))
                : Optional.empty();
    }

    /** What takes the SHA-256 of a large file. */
    static BlobHash ofLarge() {
        return new BlobHash("SHA-256", "", "");
    }

    void restart() {
        digest.reset();
        digest.update(prefix.getBytes(StandardCharsets.US_ASCII));
    }

    void update(ByteBuffer content) {
        digest.update(content);
    }

    /** Whether the content seen has the promised hash. */
    boolean matches() {
        return value().equals(expected);
    }

    /** The hash of the content seen, in hexadecimal digits. */
    String value() {
        return HexFormat.of().formatHex(digest.digest());
    }

    /** The name of the sum, for messages. */
    String algorithm() {
        return digest.getAlgorithm();
    }
}
