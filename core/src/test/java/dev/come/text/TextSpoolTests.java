package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TextSpoolTests {
    @Test
    void textsComeBackInAnyOrderFromMemoryAndFromTheFile() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        List<String> texts = new ArrayList<>();
        try (TextSpool spool = new TextSpool(1)) { // of five or so MiB
            for (int i = 0; i < 12; i++) {
                int length = i % 4 == 3 ? 0 : random.nextInt(500_000);
                String text = random.ints(length, 'a', 'z' + 1).collect(StringBuilder::new,
                        StringBuilder::appendCodePoint, StringBuilder::append).append("\ud83d\ude00").toString();
                texts.add(text);
                spool.begin();
                for (int from = 0; from < text.length(); from += 70_000) {
                    char[] piece = text.substring(from, Math.min(text.length(), from + 70_000)).toCharArray();
                    spool.append(piece, 0, piece.length);
                }
            }
            for (int i = 0; i < 40; i++) {
                int index = random.nextInt(texts.size());
                assertThat(TestRows.of(sink -> spool.send(index, sink), row -> true)).as("seed %d", seed)
                        .isEqualTo(List.of(texts.get(index)));
            }
        }
    }
}
