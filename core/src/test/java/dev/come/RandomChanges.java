package dev.come;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Reads sound content with random changes, as damage and odd tools make them, for some seconds. {@code benchmarks/fuzz} does so
 * for longer.
 */
public final class RandomChanges {
    /** What JSON is made of, and values at the edge of what is possible. */
    public static final List<String> JSON = List.of("{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "\\ud800",
            "null",
            "true", "0", "-1", "1.5", "NaN", "1e99999", "2147483648", "9223372036854775807", "99999999999999999999",
            "\"\"", "\" \"", "{}", "[]", "[[", "{\"\":", "\u00e9", "\ud83d\ude00", " ", "\n");
    /** How long, in seconds: a normal build has little time. */
    private static final Duration TIME = Duration.ofSeconds(Integer.getInteger("come.fuzz.seconds", 3));

    /** How long one content may take, in processor time: what takes longer is taken for a hang. */
    private static final Duration LONGEST = Duration.ofSeconds(20);

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final int BEGINNING = 2000;

    private final Random random;
    private final List<String> pieces;

    private RandomChanges(Random random, List<String> pieces) {
        this.random = random;
        this.pieces = pieces;
    }

    /**
     * Lets a reader read, and prints the seed and how often it did.
     *
     * @param sound content that the reader takes
     * @param pieces what is put in besides; bytes at random if there are none
     * @param reader returns whether it took the content; what it throws ends the test
     */
    public static void read(String test, List<byte[]> sound, List<String> pieces, Predicate<byte[]> reader) {
        read(test, sound, reader,
                random -> new RandomChanges(random, pieces).some(sound.get(random.nextInt(sound.size()))));
    }

    /** The same for JSON: every second content is JSON after the change too, with other values, keys and elements. */
    public static void readJson(String test, List<byte[]> sound, List<String> pieces, Predicate<byte[]> reader) {
        JsonChanges json = new JsonChanges(sound);
        read(test, sound, reader, random -> random.nextBoolean()
                ? json.next(random)
                : new RandomChanges(random, pieces).some(sound.get(random.nextInt(sound.size()))));
    }

    private static void read(String test, List<byte[]> sound, Predicate<byte[]> reader,
            Function<Random, byte[]> changed) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        assertThat(sound).allMatch(reader);
        long taken = 0;
        long all = 0;
        byte[] content = new byte[0];
        try {
            for (long end = System.nanoTime() + TIME.toNanos(); System.nanoTime() < end; all++) {
                content = changed.apply(random);
                long before = THREADS.getCurrentThreadCpuTime();
                taken += reader.test(content) ? 1 : 0;
                assertThat(Duration.ofNanos(THREADS.getCurrentThreadCpuTime() - before)).isLessThan(LONGEST);
            }
        } catch (RuntimeException | Error e) {
            throw new AssertionError("with seed " + seed + ", after " + all + " others: "
                    + new String(content, StandardCharsets.ISO_8859_1).replaceAll("[^ -~]", "?") + " (in Base64: "
                    + Base64.getEncoder().encodeToString(content) + ")", e);
        }
        System.out.println(test + ": seed " + seed + ", " + taken + " of " + all + " taken");
        assertThat(taken).as("changes are small enough").isPositive();
    }

    private byte[] some(byte[] sound) {
        byte[] changed = sound;
        for (int change = 0; change <= random.nextInt(4); change++) {
            changed = changed(changed);
        }
        return changed;
    }

    private byte[] changed(byte[] bytes) {
        // What a file says of itself stands at its beginning, so every second change goes there.
        int at = random.nextInt((random.nextBoolean() ? bytes.length : Math.min(bytes.length, BEGINNING)) + 1);
        int end = Math.min(bytes.length, at + random.nextInt(1 + (random.nextInt(4) == 0 ? bytes.length : 8)));
        return switch (random.nextInt(6)) {
            case 0 -> Arrays.copyOf(bytes, at);
            case 1 -> replaced(bytes, at, end, new byte[0]);
            case 2 -> replaced(bytes, at, Math.min(bytes.length, at + 1), new byte[]{(byte) random.nextInt()});
            case 3 -> replaced(bytes, at, at, Arrays.copyOfRange(bytes, at, end)); // twice the same
            default -> replaced(bytes, at, random.nextBoolean() ? at : end, piece());
        };
    }

    private byte[] piece() {
        if (!pieces.isEmpty()) {
            return pieces.get(random.nextInt(pieces.size())).getBytes(StandardCharsets.UTF_8);
        }
        byte[] piece = new byte[random.nextInt(9)];
        random.nextBytes(piece);
        return piece;
    }

    private static byte[] replaced(byte[] bytes, int from, int to, byte[] piece) {
        ByteArrayOutputStream result = new ByteArrayOutputStream();
        result.write(bytes, 0, from);
        result.writeBytes(piece);
        result.write(bytes, to, bytes.length - to);
        return result.toByteArray();
    }
}
