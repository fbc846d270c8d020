package dev.come.hub;

import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.InputFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * Looks whether a file of the cache was cut short, as a full disk or a copy that was broken off leave it. It asks nobody and
 * takes a moment, so what it says is a suspicion only: it makes the hub be asked for the size.
 */
final class Wholeness {
    /** Files up to this size are read to the end: tokenizers and configurations. */
    private static final long HASHED_BYTES = 64 << 20;
    private static final byte[] PARQUET = "PAR1".getBytes(StandardCharsets.US_ASCII);

    private Wholeness() {
    }

    /** Whether nothing speaks against a file. */
    static boolean isLikely(Path file) {
        try {
            String name = file.getFileName().toString();
            if (name.endsWith(".safetensors")) {
                return CheckpointHeaders.isWhole(file);
            }
            long size = Files.size(file);
            if (name.endsWith(".parquet")) {
                return endsIn(PARQUET, file, size);
            }
            return size > HASHED_BYTES || !Files.isSymbolicLink(file) || matchesItsName(file, size);
        } catch (IOException _) {
            return false;
        }
    }

    private static boolean endsIn(byte[] ending, Path file, long size) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(ending.length);
        try (FileChannel channel = InputFile.channel(file)) {
            channel.read(bytes, Math.max(0, size - ending.length));
        }
        return Arrays.equals(bytes.array(), ending);
    }

    /** A blob is called what the hub calls its content. */
    private static boolean matchesItsName(Path link, long size) throws IOException {
        Optional<BlobHash> hash = BlobHash.of(Files.readSymbolicLink(link).getFileName().toString(), size);
        if (hash.isEmpty()) {
            return true;
        }
        hash.get().update(ByteBuffer.wrap(Files.readAllBytes(link)));
        return hash.get().matches();
    }
}
