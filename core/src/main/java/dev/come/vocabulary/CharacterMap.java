package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.function.Predicate;

/**
 * Which characters SentencePiece replaces before it looks for pieces, in its own compiled form ({@code
 * precompiled_charsmap}): the size of a trie in bytes, the trie, and what rules write, each text with a zero byte at its
 * end. The trie is a double array of 32-bit units (https://github.com/s-yata/darts-clone). All numbers are little-endian.
 *
 * <p>At each place of a text the longest rule counts, byte by byte. Where none begins, the character stays.
 */
public final class CharacterMap {
    private static final int BLOCK = 256;
    /** Bytes that a rule replaces at most; those of SentencePiece itself have up to 12. */
    private static final int LONGEST = 1024;
    /** Beginnings of rules; the maps of SentencePiece have about 263,000. */
    private static final int MOST = 1 << 21;

    private final int[] units;
    private final byte[] texts;

    private CharacterMap(int[] units, byte[] texts) {
        this.units = units;
        this.texts = texts;
    }

    /**
     * Reads a map, and checks that no text can lead out of it.
     *
     * @param file what messages call it
     * @throws CheckpointException when it is damaged
     */
    static CharacterMap read(Path file, ByteBuffer bytes) {
        ByteBuffer map = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
        long size = map.remaining() < Integer.BYTES ? -1 : Integer.toUnsignedLong(map.getInt());
        if (size < BLOCK * Integer.BYTES || size % Integer.BYTES != 0 || size > map.remaining()) {
            throw damaged(file, "its trie has no sound size");
        }
        int[] units = new int[(int) size / Integer.BYTES];
        map.asIntBuffer().get(units);
        map.position(map.position() + (int) size);
        byte[] texts = new byte[map.remaining()];
        map.get(texts);
        if (texts.length == 0 || texts[texts.length - 1] != 0 || !isUtf8(texts)) {
            throw damaged(file, "what its rules write is no text");
        }
        CharacterMap read = new CharacterMap(units, texts);
        if (!read.isSound()) {
            throw damaged(file, "its trie leads out of itself");
        }
        return read;
    }

    private static CheckpointException damaged(Path file, String problem) {
        return new CheckpointException(
                "%s: the map of characters (precompiled_charsmap) is damaged: %s; fetch the file again"
                        .formatted(file, problem));
    }

    private static boolean isUtf8(byte[] text) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(text));
            return true;
        } catch (CharacterCodingException _) {
            return false;
        }
    }

    /** Whether every way through the trie stays in it, ends, and gives whole characters. */
    private boolean isSound() {
        return isSound(0, 0, new BitSet());
    }

    private boolean isSound(int node, int depth, BitSet known) {
        int base = node ^ offset(units[node]);
        if (depth > LONGEST || (base | BLOCK - 1) >= units.length || (hasLeaf(units[node]) && !isText(units[base]))) {
            return false;
        }
        known.set(node); // ends of rules that are equal are stored once
        for (int value = 1; value < BLOCK; value++) {
            int next = base ^ value;
            if (label(units[next]) == value && !known.get(next) && !isSound(next, depth + 1, known)) {
                return false;
            }
        }
        return true;
    }

    private boolean isText(int leaf) {
        int at = leaf & Integer.MAX_VALUE;
        return at < texts.length && (texts[at] & 0xc0) != 0x80;
    }

    /** Whether what every rule replaces, in UTF-8, is as it should be. A map with too many rules has some that are not. */
    boolean allReplace(Predicate<byte[]> fits) {
        return allReplace(0, new byte[0], new int[1], fits);
    }

    private boolean allReplace(int node, byte[] source, int[] count, Predicate<byte[]> fits) {
        int base = node ^ offset(units[node]);
        if (count[0]++ > MOST || source.length > LONGEST || (hasLeaf(units[node]) && !fits.test(source))) {
            return false;
        }
        for (int value = 1; value < BLOCK; value++) {
            if (label(units[base ^ value]) == value) {
                byte[] longer = Arrays.copyOf(source, source.length + 1);
                longer[source.length] = (byte) value;
                if (!allReplace(base ^ value, longer, count, fits)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static boolean hasLeaf(int unit) {
        return (unit >>> 8 & 1) == 1;
    }

    /** A leaf has none: its uppermost bit is set. */
    private static int label(int unit) {
        return unit & (Integer.MIN_VALUE | 0xff);
    }

    private static int offset(int unit) {
        return unit >>> 10 << ((unit & 1 << 9) >>> 6);
    }

    private int end(int text) {
        int end = text;
        while (texts[end] != 0) {
            end++;
        }
        return end;
    }

    /** Takes a part of some bytes. */
    interface Output {
        void add(byte[] bytes, int from, int to);
    }

    /**
     * Replaces what stands at a place of a text.
     *
     * @param text in UTF-8
     * @param out is given what it is replaced by
     * @return the next place
     */
    int replace(byte[] text, int at, Output out) {
        int next = at;
        int leaf = 0;
        int node = offset(units[0]);
        for (int i = at; i < text.length && text[i] != 0; i++) {
            node ^= text[i] & 0xff;
            int unit = units[node];
            if (label(unit) != (text[i] & 0xff)) {
                break;
            }
            node ^= offset(unit);
            if (hasLeaf(unit)) {
                next = i + 1;
                leaf = units[node];
            }
        }
        if (next > at) {
            int from = leaf & Integer.MAX_VALUE;
            out.add(texts, from, end(from));
            return next;
        }
        int end = at + length(text[at]);
        out.add(text, at, end);
        return end;
    }

    /** Bytes of the character that begins with this one. */
    private static int length(byte first) {
        return switch ((first & 0xff) >>> 4) {
            case 0xf -> 4;
            case 0xe -> 3;
            case 0xc, 0xd -> 2;
            default -> 1;
        };
    }

    /** A text in UTF-8; half a character, which Java's texts may have, becomes U+FFFD. */
    static byte[] utf8(String characters) {
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().onMalformedInput(CodingErrorAction.REPLACE)
                    .replaceWith("\ufffd".getBytes(StandardCharsets.UTF_8)).encode(CharBuffer.wrap(characters));
            byte[] text = new byte[bytes.remaining()];
            bytes.get(text);
            return text;
        } catch (CharacterCodingException e) {
            throw new IllegalStateException("nothing else is malformed", e);
        }
    }
}
