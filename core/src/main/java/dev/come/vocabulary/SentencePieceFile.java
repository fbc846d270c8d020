package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.IoReason;
import dev.come.checkpoint.Limits;
import dev.come.failure.Shortage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * {@code tokenizer.model}: a SentencePiece model as a protocol buffer. Source of the field numbers and defaults:
 * https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto.
 */
final class SentencePieceFile {
    private static final int UNIGRAM = 1;
    private static final int BPE = 2;

    private final Path file;
    private final List<Piece> pieces = new ArrayList<>();
    private long modelType = UNIGRAM;
    private boolean suffixes;
    private boolean addsDummyPrefix = true;
    private boolean removesExtraBlanks = true;
    private boolean escapesBlanks = true;
    private Optional<CharacterMap> charactersMap = Optional.empty();

    private SentencePieceFile(Path file) {
        this.file = file;
    }

    /**
     * Reads a model; a blank is put before a text wherever SentencePiece does so.
     *
     * @throws CheckpointException when the file cannot be read, is broken, or cuts texts in a way that a tokenizer.json cannot
     *         express
     */
    static SentencePieces read(Path file) {
        return Shortage.reading(file, () -> parse(file));
    }

    private static SentencePieces parse(Path file) {
        try {
            SentencePieceFile model = new SentencePieceFile(file);
            model.model(new ProtobufReader(file, ByteBuffer.wrap(Limits.read(file, Limits.VOCABULARY_BYTES))));
            return model.pieces();
        } catch (IOException e) {
            throw new CheckpointException("%s cannot be read (%s); check that it may be read".formatted(file,
                    IoReason.of(e)), e);
        }
    }

    private void model(ProtobufReader message) {
        while (message.next()) {
            switch (message.field()) {
                case 1 -> pieces.add(piece(message.message()));
                case 2 -> trainer(message.message());
                case 3 -> normalizer(message.message());
                default -> message.skip();
            }
        }
    }

    private Piece piece(ProtobufReader message) {
        String text = "";
        float score = 0;
        long kind = 1;
        while (message.next()) {
            switch (message.field()) {
                case 1 -> text = message.string();
                case 2 -> score = message.float32();
                case 3 -> kind = message.integer();
                default -> message.skip();
            }
        }
        int id = pieces.size();
        Limits.check(file, "the number of pieces", id + 1L, Limits.VOCABULARY);
        if (text.isEmpty()) {
            throw message.damaged("piece %s has no text".formatted(id));
        }
        if (Float.isNaN(score)) {
            throw message.damaged("the score of piece %s is not a number".formatted(id));
        }
        long number = kind;
        return new Piece(text, score, Piece.Kind.numbered(number)
                .orElseThrow(() -> message.damaged("piece %s is of the unknown kind %s".formatted(id, number))));
    }

    private void trainer(ProtobufReader message) {
        while (message.next()) {
            switch (message.field()) {
                case 3 -> modelType = message.integer();
                case 24 -> suffixes = message.integer() != 0;
                default -> message.skip();
            }
        }
    }

    private void normalizer(ProtobufReader message) {
        while (message.next()) {
            switch (message.field()) {
                case 2 -> {
                    ByteBuffer map = message.bytes();
                    charactersMap = map.hasRemaining()
                            ? Optional.of(CharacterMap.read(file, map))
                            : Optional.empty();
                }
                case 3 -> addsDummyPrefix = message.integer() != 0;
                case 4 -> removesExtraBlanks = message.integer() != 0;
                case 5 -> escapesBlanks = message.integer() != 0;
                default -> message.skip();
            }
        }
    }

    private SentencePieces pieces() {
        if (pieces.isEmpty()) {
            throw new CheckpointException(file + " has no pieces and so is no SentencePiece model; fetch it again");
        }
        if (suffixes || !escapesBlanks) {
            throw new CheckpointException(
                    ("%s: the model %s, which a tokenizer.json cannot express; save the tokenizer with transformers, which "
                            + "writes tokenizer.json").formatted(file,
                                    suffixes ? "puts blanks behind words" : "does not escape blanks"));
        }
        if (modelType != BPE && modelType != UNIGRAM) {
            throw new CheckpointException(
                    "%s: the model is of kind %s, where 1 (Unigram) or 2 (BPE) is expected; use the tokenizer.json of the model"
                            .formatted(file, modelType));
        }
        List<Integer> unknown = new ArrayList<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == Piece.Kind.UNKNOWN) {
                unknown.add(id);
            }
        }
        if (unknown.size() != 1) {
            throw new CheckpointException("%s has %s pieces for what is unknown, where one is expected; fetch it again"
                    .formatted(file, unknown.size()));
        }
        return new SentencePieces(file,
                modelType == BPE ? SentencePieces.Algorithm.BPE : SentencePieces.Algorithm.UNIGRAM, pieces,
                unknown.getFirst(), charactersMap, removesExtraBlanks,
                addsDummyPrefix ? SentencePieces.Prefix.ALWAYS : SentencePieces.Prefix.NEVER,
                SentencePieces.Preference.SCORE);
    }
}
