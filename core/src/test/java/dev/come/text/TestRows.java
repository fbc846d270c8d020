package dev.come.text;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Small rows as lists of texts. */
final class TestRows implements RowSink {
    private final IntPredicate wanted;
    private final List<String> texts = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private int row;

    private TestRows(IntPredicate wanted) {
        this.wanted = wanted;
    }

    /** The rows that a sender sends and that are wanted. */
    static List<String> of(Consumer<RowSink> sender, IntPredicate wanted) {
        TestRows rows = new TestRows(wanted);
        sender.accept(rows);
        return rows.texts;
    }

    /** All rows of a file. */
    static List<String> of(RowFile file) {
        return of(file::read, row -> true);
    }

    /** All rows of a corpus. */
    static List<String> of(Corpus corpus) {
        return of(corpus, IntStream.range(0, corpus.rowCount()).toArray());
    }

    /** Some rows of a corpus. */
    static List<String> of(Corpus corpus, int... numbers) {
        try (TextSpool spool = new TextSpool()) {
            return of(corpus.rows(numbers, spool)::send, row -> true);
        }
    }

    /** The rows of a text, which is handed over in pieces of the given length. */
    static List<String> of(TextRows kind, String text, int pieceLength) {
        return of(sink -> {
            RowSplitter splitter = RowSplitter.of(kind, Path.of("a.txt"), sink);
            for (int from = 0; from < text.length(); from += pieceLength) {
                splitter.text(text.toCharArray(), from, Math.min(text.length(), from + pieceLength));
            }
            splitter.finish();
        }, row -> true);
    }

    @Override
    public boolean begin() {
        text.setLength(0);
        return wanted.test(row++);
    }

    @Override
    public void text(char[] characters, int from, int length) {
        text.append(characters, from, length);
    }

    @Override
    public void end() {
        texts.add(text.toString());
    }
}
