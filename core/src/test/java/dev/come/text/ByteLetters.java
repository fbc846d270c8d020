package dev.come.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** GPT-2's spelling of bytes: printable ones are themselves, the others follow from U+0100 on. */
public final class ByteLetters {
    private ByteLetters() {
    }

    /** The letter of a byte. */
    public static String letter(int value) {
        int others = 0;
        for (int i = 0; i < value; i++) {
            others += printable(i) ? 0 : 1;
        }
        return Character.toString(printable(value) ? value : 256 + others);
    }

    /** The letters of the bytes of a word. */
    public static List<String> of(String word) {
        List<String> letters = new ArrayList<>();
        for (byte value : word.getBytes(StandardCharsets.UTF_8)) {
            letters.add(letter(value & 0xff));
        }
        return letters;
    }

    /** Bytes, spelt. */
    public static String spell(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (byte value : bytes) {
            text.append(letter(value & 0xff));
        }
        return text.toString();
    }

    /** What is left of a token's letters when all neighbours are joined that make a token of a rank below the given one. */
    public static List<String> parts(String token, Map<String, Integer> ranks, int below) {
        List<String> parts = new ArrayList<>(token.chars().mapToObj(Character::toString).toList());
        while (true) {
            int best = -1;
            int lowest = below;
            for (int i = 0; i + 1 < parts.size(); i++) {
                int rank = ranks.getOrDefault(parts.get(i) + parts.get(i + 1), Integer.MAX_VALUE);
                if (rank < lowest) {
                    lowest = rank;
                    best = i;
                }
            }
            if (best < 0) {
                return parts;
            }
            parts.set(best, parts.get(best) + parts.remove(best + 1));
        }
    }

    private static boolean printable(int value) {
        return (value > 32 && value < 127) || (value > 160 && value != 173);
    }
}
