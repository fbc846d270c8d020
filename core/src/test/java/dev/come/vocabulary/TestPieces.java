package dev.come.vocabulary;

import java.nio.file.Path;
import java.util.List;

/** Opens what lies in a tokenizer.model to tests elsewhere. */
public final class TestPieces {
    private TestPieces() {
    }

    /** All pieces of a SentencePiece file. */
    public static List<Piece> read(Path file) {
        return SentencePieceFile.read(file).pieces();
    }
}
