package dev.come.vocabulary;

import dev.come.checkpoint.CheckpointException;
import dev.come.checkpoint.Limits;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A vocabulary of SentencePiece (https://github.com/google/sentencepiece). A text is one long row of characters, blanks
 * included, and is cut into pieces either by joining neighbours (BPE) or so that the sum of scores is highest
 * (Unigram).
 *
 * @param file what messages call it
 * @param pieces a piece's place is its id
 * @param unknown the id of the piece that stands for what no piece covers
 * @param charactersMap which characters are replaced first, if any are
 * @param removesExtraBlanks whether blanks at either end of a text are dropped and others never stand side by side
 */
public record SentencePieces(Path file, Algorithm algorithm, List<Piece> pieces, int unknown,
        Optional<CharacterMap> charactersMap,
        boolean removesExtraBlanks, Prefix prefix, Preference preference) {

    private static final String BLANK = "\u2581";
    /** In front of names that no text spells: blanks of a text are spelt otherwise. */
    private static final String OUT_OF_REACH = " ";

    /** How pieces are found. */
    public enum Algorithm {
        BPE, UNIGRAM
    }

    /** Which of the neighbours that make a piece are joined first. */
    public enum Preference {
        /** Those whose piece has the highest score: SentencePiece's own way. */
        SCORE,
        /**
         * Those whose piece has the lowest id, as transformers' LlamaTokenizer does since version 5. It is the same as long as
         * scores fall with ids; they do not for the runs of blanks in Llama 2's vocabulary.
         */
        ID
    }

    /** When a blank is put before a text. */
    public enum Prefix {
        NEVER,
        /** Before every text, and after every special token that is spelt out in it: SentencePiece's own way. */
        ALWAYS,
        /** Before a text that does not begin with one, as transformers' LlamaTokenizer does. */
        FIRST
    }

    /**
     * Copies the pieces.
     *
     * @throws CheckpointException if one that is put together from others is too long: every way to do so is tried, which takes the
     *         square of its length
     */
    public SentencePieces {
        pieces = List.copyOf(pieces);
        for (Piece piece : pieces) {
            if (piece.kind() == Piece.Kind.NORMAL && piece.text().length() > Limits.PIECE_CHARACTERS) {
                throw new CheckpointException(
                        "%s: a piece has %s characters, where %s are possible at most; the file is damaged, fetch it again"
                                .formatted(file, piece.text().length(), Limits.PIECE_CHARACTERS));
            }
        }
    }

    /** The same vocabulary as transformers' LlamaTokenizer reads it; it leaves all blanks of a text as they are. */
    SentencePieces asLlamaTokenizer(boolean blankInFront, Preference first) {
        return new SentencePieces(file, algorithm, pieces, unknown, charactersMap, false,
                blankInFront ? Prefix.FIRST : Prefix.NEVER, first);
    }

    /**
     * The tokens that are recognised where they are spelt out: all that are no ordinary text. What stands between two of them
     * is treated as a text of its own, as in transformers; SentencePiece does so for none of them, which shows where blanks
     * are put in front or removed.
     */
    public List<AddedToken> addedTokens() {
        List<AddedToken> added = new ArrayList<>();
        for (int id = 0; id < pieces.size(); id++) {
            Piece piece = pieces.get(id);
            switch (piece.kind()) {
                case UNKNOWN, CONTROL -> added.add(AddedToken.special(id, piece.text()));
                // A blank is spelt U+2581 only once the text was normalised, and tokens are normalised as texts are: where
                // texts get a blank in front, this would put one before the token.
                case USER_DEFINED -> added.add(new AddedToken(id, piece.text(), false,
                        prefix == Prefix.NEVER && piece.text().contains(BLANK), false, false, false));
                case NORMAL, UNUSED, BYTE -> {
                }
            }
        }
        return added;
    }

    /** Whether a token is text that is never divided. */
    boolean isUserDefined(int id) {
        return id < pieces.size() && pieces.get(id).kind() == Piece.Kind.USER_DEFINED;
    }

    /** How a text is made ready for {@link #tokenizerJson}, if that cannot do so itself. */
    Optional<SentencePieceText> text(SurroundingTokens specials) {
        return charactersMap.map(map -> new SentencePieceText(this, map, specials));
    }

    /**
     * The text of the tokenizer.json that means the same. With a map of characters it takes what {@link #text} gives, where no
     * blank is left; so tokens that are no text are out of its reach, their names begin with one.
     */
    public String tokenizerJson(SurroundingTokens specials) {
        return TokenizerJson.of(charactersMap.isPresent() ? outOfReach(specials) : specials, root -> {
            if (charactersMap.isEmpty()) {
                normalizer(root);
            }
            decoder(root);
            switch (algorithm) {
                case BPE -> bpe(root.putObject("model"));
                case UNIGRAM -> unigram(root.putObject("model"));
            }
        });
    }

    private SurroundingTokens outOfReach(SurroundingTokens specials) {
        return new SurroundingTokens(specials.added().stream().filter(token -> token.id() >= pieces.size())
                .map(token -> AddedToken.special(token.id(), OUT_OF_REACH + token.content())).toList(),
                Optional.empty(), Optional.empty());
    }

    private String name(int id) {
        Piece piece = pieces.get(id);
        return charactersMap.isEmpty() ? piece.text() : switch (piece.kind()) {
            case NORMAL, USER_DEFINED, BYTE -> piece.text();
            case UNKNOWN, CONTROL, UNUSED -> OUT_OF_REACH + piece.text();
        };
    }

    private void normalizer(ObjectNode root) {
        ArrayNode steps = TokenizerJson.steps(root, "normalizer", "normalizers");
        if (removesExtraBlanks) {
            // At the end SentencePiece drops what looks like a blank to it as well.
            TokenizerJson.replaceMatches(steps.addObject(), "\\A +|[ " + BLANK + "]+\\z", "");
            TokenizerJson.replaceMatches(steps.addObject(), " {2,}", " ");
        }
        switch (prefix) {
            case NEVER -> TokenizerJson.replace(steps.addObject(), " ", BLANK);
            case ALWAYS -> {
                steps.addObject().put("type", "Prepend").put("prepend", BLANK);
                TokenizerJson.replace(steps.addObject(), " ", BLANK);
            }
            case FIRST -> root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", BLANK)
                    .put("prepend_scheme", "first").put("split", false);
        }
        if (steps.isEmpty()) {
            root.putNull("normalizer");
        }
    }

    private void decoder(ObjectNode root) {
        ArrayNode steps = TokenizerJson.steps(root, "decoder", "decoders");
        if (charactersMap.isPresent()) {
            TokenizerJson.replace(steps.addObject(), OUT_OF_REACH, "");
        }
        TokenizerJson.replace(steps.addObject(), BLANK, " ");
        steps.addObject().put("type", "ByteFallback");
        steps.addObject().put("type", "Fuse");
        if (prefix != Prefix.NEVER) {
            steps.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
        }
    }

    private void bpe(ObjectNode model) {
        model.put("type", "BPE").putNull("dropout").put("unk_token", name(unknown))
                .putNull("continuing_subword_prefix").putNull("end_of_word_suffix").put("fuse_unk", true)
                .put("byte_fallback", fallsBackToBytes()).put("ignore_merges", false);
        ObjectNode vocabulary = model.putObject("vocab");
        names().forEach(vocabulary::put);
        ArrayNode list = model.putArray("merges");
        merges().forEach(merge -> list.add(merge.left() + " " + merge.right()));
    }

    /** The ids of what the vocabulary holds. */
    private Map<String, Integer> names() {
        Map<String, Integer> names = new LinkedHashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (charactersMap.isPresent() || pieces.get(id).kind() != Piece.Kind.UNUSED) {
                names.putIfAbsent(name(id), id);
            }
        }
        return names;
    }

    /** The vocabulary of the tokenizer.json. */
    Vocabulary vocabulary() {
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            ids.putIfAbsent(pieces.get(id).text(), id);
        }
        return new Vocabulary(ids, algorithm == Algorithm.UNIGRAM ? pieces.size() : names().size());
    }

    private void unigram(ObjectNode model) {
        model.put("type", "Unigram").put("unk_id", unknown);
        ArrayNode vocabulary = model.putArray("vocab");
        for (int id = 0; id < pieces.size(); id++) {
            vocabulary.addArray().add(name(id)).add((double) pieces.get(id).score());
        }
        model.put("byte_fallback", fallsBackToBytes());
    }

    private boolean fallsBackToBytes() {
        return pieces.stream().anyMatch(piece -> piece.kind() == Piece.Kind.BYTE);
    }

    /**
     * The merges that SentencePiece does not write down. It needs none: it tries every pair of neighbours that make a
     * piece, the one with the highest score first. A piece that can come about in several ways gets a merge for each of
     * them.
     */
    private List<Merge> merges() {
        Map<String, Integer> ids = new HashMap<>();
        for (int id = 0; id < pieces.size(); id++) {
            if (pieces.get(id).kind() == Piece.Kind.NORMAL && !pieces.get(id).text().isEmpty()) {
                ids.putIfAbsent(pieces.get(id).text(), id);
            }
        }
        List<Merge> merges = new ArrayList<>();
        ids.forEach((text, id) -> {
            float score = pieces.get(id).score();
            for (int cut = text.offsetByCodePoints(0, 1); cut < text.length(); cut = text.offsetByCodePoints(cut, 1)) {
                Integer left = ids.get(text.substring(0, cut));
                Integer right = ids.get(text.substring(cut));
                if (left != null && right != null) {
                    merges.add(new Merge(score, id, text.substring(0, cut), text.substring(cut)));
                }
            }
        });
        merges.sort(switch (preference) {
            case SCORE -> Merge.BY_SCORE;
            case ID -> Merge.BY_ID;
        });
        return merges;
    }

    /** Two neighbours that make a piece. */
    private record Merge(float score, int id, String left, String right) {
        /** Where one piece comes about in several ways, the order is that of transformers, and so are the ids. */
        private static final Comparator<Merge> BY_ID = Comparator.comparingInt(Merge::id)
                .thenComparingInt(merge -> length(merge.left()));
        private static final Comparator<Merge> BY_SCORE = Comparator.comparingDouble(Merge::score).reversed()
                .thenComparing(Comparator.<Merge>comparingInt(merge -> length(merge.left())).reversed())
                .thenComparing(Comparator.<Merge>comparingInt(merge -> length(merge.right())).reversed())
                .thenComparingInt(Merge::id);

        private static int length(String text) {
            return text.codePointCount(0, text.length());
        }
    }
}
