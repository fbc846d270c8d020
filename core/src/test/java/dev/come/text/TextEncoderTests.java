package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Texts that are encoded in pieces, against the same texts encoded at once. */
class TextEncoderTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
    private static final String[] PARTS = {" ", " ", " ", " the", " word", "Word", "it's", "DON'T", " I'll", "\n", "\n",
        "\n\n", "\r\n", "\t", "  ", "   \n ", "7", "12345", " 3.14", ".", ". ", "...", "!?", "(", "\")", "na\u00efve",
        "stra\u00dfe ", "e\u0301", " \u0441\u043b\u043e\u0432\u043e", "\u6f22\u5b57", "\u3002", "\u3002\n", "\ua66e",
        "\u2d63 ",
        "\ud55c\uae00 ", "\ud83d\ude00", "\u00a0", "\u2581", "<s>", "</s>", "<|endoftext|>", "<|im_start|>",
        "http://a.b ",
        "camelCase", "x_1 = y;", "return", " the word", "x\nthe", "<mask>", "\n    return", "a b c d"};

    @TempDir
    private Path folder;

    private static String text(Random random) {
        StringBuilder text = new StringBuilder();
        int length = random.nextInt(1500);
        while (text.length() < length) {
            text.append(PARTS[random.nextInt(PARTS.length)]);
        }
        return text.toString();
    }

    private static TokenIds encoded(Tokenizer tokenizer, boolean specialTokens, int piece, String text) {
        TokenIds ids = new TokenIds("text", Long.MAX_VALUE, false, "");
        TextEncoder encoder = new TextEncoder(tokenizer, specialTokens, ids, piece, 1 << 20);
        for (int from = 0; from < text.length(); from += 100) {
            encoder.append(text.substring(from, Math.min(text.length(), from + 100)));
        }
        encoder.finish();
        assertThat(encoder.characters()).isEqualTo(text.codePointCount(0, text.length()));
        return ids;
    }

    private static void assertSameIds(Tokenizer tokenizer, int trials) {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int trial = 0; trial < trials; trial++) {
            String text = text(random);
            boolean specialTokens = random.nextBoolean();
            assertThat(encoded(tokenizer, specialTokens, 1 + random.nextInt(100), text).allIds())
                    .as("seed %d: %s", seed, text)
                    .isEqualTo(tokenizer.encodeAtOnce(text, specialTokens));
        }
    }

    private static void assertCut(Tokenizer tokenizer, boolean atBlanks, boolean atLineFeeds) {
        char[] text = "one two.\nthree".toCharArray();
        assertThat(tokenizer.cuts().last(text, 0, 8) == 3).as("cuts at blanks").isEqualTo(atBlanks);
        assertThat(tokenizer.cuts().last(text, 4, text.length) == 9).as("cuts at line feeds").isEqualTo(atLineFeeds);
    }

    static Stream<String> expressions() {
        return Stream.of("gpt-2", "smollm", "llama-bpe", "qwen2", "tekken", "default");
    }

    /** A vocabulary of bytes with the pre-tokenizers of several families. */
    @ParameterizedTest
    @MethodSource("expressions")
    void idsOfByteLevelTokenizersAreThoseOfTheWhole(String preTokenizer) throws IOException {
        try (Tokenizer tokenizer = Tokenizer.of(folder, ByteLevelFixture.json(folder, preTokenizer))) {
            assertCut(tokenizer, true, true);
            assertSameIds(tokenizer, 100);
        }
    }

    /** Sums of scores of the kind Unigram round as what is before them, so such a text is not cut. */
    @ParameterizedTest
    @CsvSource({"bpe, true", "bpe-trimmed, true", "bpe-no-prefix, true", "unigram, false", "unigram-unknown, false"})
    void idsOfSentencePieceModelsAreThoseOfTheWhole(String model, boolean cut) throws IOException {
        Files.copy(FIXTURES.resolve("sentencepiece/" + model + ".model"), folder.resolve("tokenizer.model"));
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertCut(tokenizer, cut, cut);
            assertSameIds(tokenizer, 100);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"words", "stories260K"})
    void idsOfOtherTokenizersAreThoseOfTheWhole(String fixture) {
        try (Tokenizer tokenizer = Tokenizer.open(FIXTURES.resolve(fixture))) {
            assertCut(tokenizer, true, true);
            assertSameIds(tokenizer, 100);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"models/smollm2-135m-instruct", "data/tokenizers/mistral-7b-v0.1"})
    void idsOfRealTokenizersAreThoseOfTheWhole(String model) {
        try (Tokenizer tokenizer = Tokenizer.open(SharedData.path(model))) {
            assertCut(tokenizer, true, true);
            assertSameIds(tokenizer, 300);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama2/tokenizer.model", "gpt2/vocab.json", "opt/vocab.json"})
    void idsOfRealOlderTokenizersAreThoseOfTheWhole(String vocabulary) throws IOException {
        Path file = SharedData.path("data/tokenizers/" + vocabulary);
        Files.copy(file, folder.resolve(file.getFileName().toString()));
        if (file.endsWith("vocab.json")) {
            Files.copy(file.resolveSibling("merges.txt"), folder.resolve("merges.txt"));
        }
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertCut(tokenizer, true, true);
            assertSameIds(tokenizer, 300);
        }
    }

    /** The schemes by which Metaspace puts a blank in front of a text, with and without division into words. */
    @ParameterizedTest
    @CsvSource({"always, true", "always, false", "first, true", "first, false", "never, true", "never, false"})
    void idsWithMetaspaceAreThoseOfTheWhole(String scheme, boolean split) throws IOException {
        ObjectNode root = (ObjectNode) JsonMapper.shared()
                .readTree(SharedData.path("data/tokenizers/mistral-7b-v0.1/tokenizer.json"));
        root.putNull("normalizer");
        root.putObject("pre_tokenizer").put("type", "Metaspace").put("replacement", "\u2581")
                .put("prepend_scheme", scheme).put("split", split);
        try (Tokenizer tokenizer = Tokenizer.of(folder, root.toString())) {
            assertThat(tokenizer.cuts().last("one two".toCharArray(), 0, 7)).isEqualTo(3);
            assertSameIds(tokenizer, 100);
        }
    }

    @Test
    void aTokenizerWithTokensOfSeveralWordsIsNotCut() throws IOException {
        ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(ByteLevelFixture.json(folder, "gpt-2"));
        ((ObjectNode) root.path("model").path("vocab")).put("of\u0120the", 100_000);
        try (Tokenizer tokenizer = Tokenizer.of(folder, root.toString())) {
            assertCut(tokenizer, false, true);
        }
        root.putObject("pre_tokenizer").put("type", "Split").put("behavior", "Isolated").put("invert", false)
                .putObject("pattern").put("Regex", "(?m).{1,100}");
        try (Tokenizer tokenizer = Tokenizer.of(folder, root.toString())) {
            assertCut(tokenizer, false, false);
            assertSameIds(tokenizer, 20);
            TextEncoder encoder = new TextEncoder(tokenizer, true, new TokenIds("text", Long.MAX_VALUE, false, ""), 100,
                    1000);
            assertThatThrownBy(() -> encoder.append("two words. ".repeat(200)))
                    .isInstanceOf(InvalidInputException.class)
                    .hasMessageMatching(
                            "A text has 1\\d\\d\\d characters in one place that this tokenizer does not let be"
                                    + " encoded in pieces: divide it by line ends between letters, or give less of it.");
        }
    }

    /** Added tokens that hold blanks, or that take those beside them, as those of masks do. */
    @ParameterizedTest
    @CsvSource({"'   ', false, false, true, true", "'the word', false, false, false, true",
        "return, false, true, false, true",
        "return, true, false, true, false", "'x\nthe', false, false, true, false", "<mask>, true, true, true, true"})
    void idsWithAddedTokensAreThoseOfTheWhole(String content, boolean takesBefore, boolean takesAfter, boolean atBlanks,
            boolean atLineFeeds) throws IOException {
        ObjectNode root = (ObjectNode) JsonMapper.shared().readTree(ByteLevelFixture.json(folder, "gpt-2"));
        root.putArray("added_tokens").addObject().put("id", 100_000).put("content", content)
                .put("single_word", false).put("lstrip", takesBefore).put("rstrip", takesAfter).put("normalized", false)
                .put("special", false);
        try (Tokenizer tokenizer = Tokenizer.of(folder, root.toString())) {
            assertCut(tokenizer, atBlanks, atLineFeeds);
            assertSameIds(tokenizer, 100);
        }
    }

    @Test
    void aTextOfSeveralPiecesIsEncodedInPieces() throws IOException {
        try (Tokenizer tokenizer = Tokenizer.open(WordTokenizer.write(folder, "red", "green"))) {
            assertThat(encoded(tokenizer, true, 16, "red green ".repeat(50)).allIds()).hasSize(101)
                    .startsWith(1, 2, 3, 2)
                    .doesNotContain(0);
            TokenIds beginning = new TokenIds("text", 10, false, "");
            TextEncoder encoder = new TextEncoder(tokenizer, true, beginning, 40, 100);
            encoder.append("red green ".repeat(1000));
            encoder.finish();
            assertThat(beginning.allIds()).containsExactly(1, 2, 3, 2, 3, 2, 3, 2, 3, 2);
            assertThat(encoder.characters()).as("what is not needed is not encoded").isLessThan(200);
        }
    }

    @Test
    void moreTokensThanMemoryHasRoomForAreRefused() {
        TokenIds ids = new TokenIds("long.txt", Long.MAX_VALUE, false, "measure on less", 10);
        ids.add(new int[10]);
        assertThatThrownBy(() -> ids.add(new int[1])).isInstanceOf(InvalidInputException.class)
                .hasMessageMatching(
                        "The text of long.txt has more than 10 tokens, which is what Java's memory \\([\\d,]+ MB\\)"
                                + " has room for: measure on less, or give it more with COME_JAVA_OPTS=-Xmx8g\\.");
    }

    @Test
    void longPromptsAreEncodedInPiecesToo() {
        try (Tokenizer tokenizer = Tokenizer.open(FIXTURES.resolve("stories260K"))) {
            String text = "Once upon a time there was a little girl. ".repeat(10_000);
            assertThat(text.length()).isGreaterThan(TextEncoder.PIECE);
            assertThat(tokenizer.encode(text)).isEqualTo(tokenizer.encodeAtOnce(text, true));
        }
    }
}
