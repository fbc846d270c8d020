package dev.come.vocabulary;

import dev.come.vocabulary.SentencePieces.Prefix;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What SentencePiece does to a text before it looks for pieces, for a vocabulary with a map of characters. The step that
 * tokenizer.json has for such a map divides a text into what a reader sees as one character first, which changes ids: a CR LF
 * becomes two blanks, and combining marks stay or go. So the text is made ready here, and the tokenizers library is given
 * nothing but what pieces are to be found in.
 *
 * <p>Tokens that are no text, such as the end of a text, are found as everywhere else where they are spelt out, and what is
 * between them is a text of its own. A token that is text belongs to the text around it, and is never divided.
 */
public final class SentencePieceText {
    private static final char SPELT_BLANK = '\u2581';
    private static final byte[] BLANK = String.valueOf(SPELT_BLANK).getBytes(StandardCharsets.UTF_8);

    /** Within the names of tokens that stand for bytes, which would be found in a text as well if it were not divided there. */
    private static final Pattern BYTE_NAME = Pattern.compile("(?<=<)(?=0x[0-9A-F]{2}>)");

    private final CharacterMap map;
    private final boolean removesExtraBlanks;
    private final Prefix prefix;
    private final SurroundingTokens tokens;
    private final AddedTokenSearch special;
    private final AddedTokenSearch undivided;

    /**
     * @param pieces what texts are cut into
     * @param tokens those that are recognised, and what is put around a text
     */
    SentencePieceText(SentencePieces pieces, CharacterMap map, SurroundingTokens tokens) {
        this.map = map;
        this.removesExtraBlanks = pieces.removesExtraBlanks();
        this.prefix = pieces.prefix();
        this.tokens = tokens;
        Map<Boolean, List<AddedToken>> byText = tokens.added().stream()
                .collect(Collectors.partitioningBy(token -> pieces.isUserDefined(token.id())));
        this.special = new AddedTokenSearch(byText.getOrDefault(false, List.of()));
        this.undivided = new AddedTokenSearch(byText.getOrDefault(true, List.of()));
    }

    /** The tokens that are recognised where they are spelt out. */
    public List<AddedToken> added() {
        return tokens.added();
    }

    /** The id of what is put in front of a text. */
    public OptionalInt inFront() {
        return tokens.inFront().stream().mapToInt(AddedToken::id).findFirst();
    }

    /** The id of what is put behind a text. */
    public OptionalInt behind() {
        return tokens.behind().stream().mapToInt(AddedToken::id).findFirst();
    }

    /** Whether no rule of the map sees more than one side of a place before a blank, or after a line feed. */
    public boolean dividesAtBlanks() {
        return map.allReplace(source -> IntStream.range(0, source.length).allMatch(
                i -> (source[i] != ' ' || i == 0) && (source[i] != '\n' || i == source.length - 1)));
    }

    /**
     * Makes a text ready.
     *
     * @param pieces is given what pieces are to be found in
     * @param token is given the ids of tokens
     */
    public void read(String text, Consumer<String> pieces, IntConsumer token) {
        special.split(text,
                (between, place) -> undivided.split(normalised(between, place == 0),
                        (part, _) -> BYTE_NAME.splitAsStream(part).forEach(pieces), added -> token.accept(added.id())),
                added -> token.accept(added.id()));
    }

    /** A text as pieces spell it. */
    private String normalised(String text, boolean first) {
        Normalised out = new Normalised(text.length());
        undivided.split(text, (between, _) -> {
            byte[] bytes = CharacterMap.utf8(between);
            for (int at = 0; at < bytes.length;) {
                at = map.replace(bytes, at, out);
            }
        }, added -> out.add(added.content().getBytes(StandardCharsets.UTF_8)));
        return out.text(first);
    }

    /** Writes blanks as pieces spell them, and leaves out those that are too many. */
    private final class Normalised implements CharacterMap.Output {
        private final ByteArrayOutputStream bytes;
        private boolean afterBlank = removesExtraBlanks;

        Normalised(int size) {
            bytes = new ByteArrayOutputStream(size + BLANK.length);
            if (prefix == Prefix.ALWAYS) {
                bytes.writeBytes(BLANK);
            }
        }

        void add(byte[] more) {
            add(more, 0, more.length);
        }

        @Override
        public void add(byte[] more, int from, int to) {
            int start = from;
            while (afterBlank && start < to && more[start] == ' ') {
                start++;
            }
            for (int i = start; i < to; i++) {
                if (more[i] == ' ') {
                    bytes.writeBytes(BLANK);
                } else {
                    bytes.write(more[i]);
                }
            }
            if (start < to) {
                afterBlank = removesExtraBlanks && more[to - 1] == ' ';
            }
        }

        String text(boolean first) {
            String text = bytes.toString(StandardCharsets.UTF_8);
            int end = text.length();
            while (removesExtraBlanks && end > 0 && text.charAt(end - 1) == SPELT_BLANK) {
                end--; // one that the text itself spells so goes too
            }
            boolean gets = prefix == Prefix.FIRST && first && end > 0 && text.charAt(0) != SPELT_BLANK;
            return (gets ? String.valueOf(SPELT_BLANK) : "") + text.substring(0, end);
        }
    }
}
