package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.SharedData;
import dev.come.UsageException;
import dev.come.model.Positions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sampling by hand: the seed is 10, for which golden/rng.json says that NumPy's permutation of 5 is 3 2 4 1 0. A tokenizer
 * of single words has the id 1 in front of a text, and the id of word wN is N + 2.
 */
class CalibrationSetTests {
    private static final Positions POSITIONS = new Positions(2048, false);

    private static final int SEED = 10;

    @TempDir
    Path data;

    private Tokenizer tokenizer;

    @BeforeEach
    void openTokenizer() throws IOException {
        String[] words = IntStream.range(0, 20).mapToObj(i -> "w" + i).toArray(String[]::new);
        tokenizer = Tokenizer.open(WordTokenizer.write(data, words));
    }

    @AfterEach
    void closeTokenizer() {
        tokenizer.close();
    }

    private void write(String name, String content) throws IOException {
        Path file = data.resolve(name);
        Files.createDirectories(file.resolveSibling(""));
        Files.writeString(file, content);
    }

    private CalibrationSet.Options options(String dataset, int samples, int sequenceLength) {
        return new CalibrationSet.Options(new TextSource(dataset, data, "text"), samples, OptionalInt.empty(), SEED,
                WindowLength.of(sequenceLength));
    }

    private CalibrationSet sample(String dataset, int samples, int sequenceLength) {
        return options(dataset, samples, sequenceLength).take(tokenizer, POSITIONS);
    }

    @Test
    void shuffledRowsAreJoinedEncodedOnceAndCutIntoWindows() throws IOException {
        write("wikitext2/wiki.train.raw", " w0 \n w1 \n w2 w2 \n w3 \n w4 \n");
        CalibrationSet set = sample("wiki2", 3, 2);
        // Rows 3, 2 and 4 give 1 5 4 4 6: two windows, and the last token is dropped.
        assertThat(set.sequences()).isEqualTo(Sequences.of(List.of(new int[]{1, 5}, new int[]{4, 4})));
        // Rows of 5, 8 and 5 characters with their line feeds, and 2 separators of 2.
        assertThat(set.facts()).isEqualTo(new TextFacts("wiki2", "train", List.of("wikitext2/wiki.train.raw"), 5, 3,
                "rows joined by \"\\n\\n\" and cut into windows of 2 tokens", 22, 5, 4, 2, 2, OptionalInt.empty(), true,
                set.sequences().fingerprint(), List.of()));
        assertThat(set.facts().summary())
                .isEqualTo("wiki2 (train): 3 of 5 rows, 22 characters, 5 tokens; rows joined by"
                        + " \"\\n\\n\" and cut into windows of 2 tokens: 2 sequences, 4 tokens");
    }

    @Test
    void fewerRowsThanAskedForAreTakenAndToldOf() throws IOException {
        write("wikitext2/wiki.valid.raw", "w0\nw1\nw2\nw3\nw4\n");
        CalibrationSet set = sample("wiki2", 256, 6);
        assertThat(set.sequences()).isEqualTo(Sequences.of(List.of(new int[]{1, 5, 4, 6, 3, 2})));
        assertThat(set.facts().notes()).containsExactly(
                "The train split of wiki2 is not there: the validation split was taken (wikitext2/wiki.valid.raw).",
                "--nsamples asks for 256 rows, but wiki2 gave only 5.");
    }

    @Test
    void aBudgetTakesWindowsSpreadOverRowsThatHaveMore() throws IOException {
        write("wikitext2/wiki.train.raw", "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w9 w9\n");
        CalibrationSet set = budget(5);
        // 1 2 3 4 5 6 7 8 9 10 11 11 are six windows; five tokens need three.
        assertThat(set.sequences())
                .isEqualTo(Sequences.of(List.of(new int[]{1, 2}, new int[]{5, 6}, new int[]{9, 10})));
        assertThat(set.facts().tokensUsed()).isEqualTo(6);
        assertThat(set.facts().sequences()).isEqualTo(3);
        assertThat(set.facts().fingerprint()).isEqualTo(set.sequences().fingerprint());
        assertThat(budget(100).sequences().tokenCount()).isEqualTo(12);
    }

    /** Twelve tokens, 2 : 1. Of the six windows of one text 0, 1, 3 and 4 are taken, of the three of the other 0 and 1. */
    @Test
    void aMixtureIsSpreadEvenly() throws IOException {
        write("wikitext2/wiki.train.raw", "w0 w1 w2 w3 w4 w5 w6 w7 w8 w9 w9 w9\n");
        write("own.txt", "w1 w1 w1 w1 w1 w1");
        String own = data.resolve("own.txt").toString();
        Mixture mixture = Mixture.of(DataShare.of(List.of("wiki2:2", own + ":1")), new TextSource.Folder(data),
                TextSource.DEFAULT_FIELD, 12, SEED, WindowLength.of(2));
        CalibrationSet set = mixture.take(tokenizer, POSITIONS);
        assertThat(set.sequences()).isEqualTo(Sequences.of(List.of(new int[]{1, 2}, new int[]{1, 3}, new int[]{3, 4},
                new int[]{7, 8}, new int[]{3, 3}, new int[]{9, 10})));
        assertThat(set.facts()).isEqualTo(new TextFacts("wiki2 (8 tokens) + " + own + " (4 tokens)", "train, all",
                List.of("wikitext2/wiki.train.raw", "own.txt"), 2, 2,
                "rows joined by \"\\n\\n\" and cut into windows of 2 tokens", 36 + 17, 13 + 7, 12, 6, 2,
                OptionalInt.empty(), true, set.sequences().fingerprint(), List.of()));
        assertThat(mixture.sampledBy()).hasValue(SEED);
        assertThat(mixture.paths()).contains(data.resolve("own.txt"));
    }

    @Test
    void tokensOrRowsAreAskedForAndNotBoth() {
        assertThatThrownBy(() -> budget(0)).isInstanceOf(UsageException.class)
                .hasMessage("--calibration-tokens must be at least 1, but is 0.");
    }

    private CalibrationSet budget(long tokens) {
        return new CalibrationSet.Budget(new TextSource("wiki2", data, TextSource.DEFAULT_FIELD), tokens, 10,
                WindowLength.of(2)).take(tokenizer, POSITIONS);
    }

    @Test
    void aBudgetOfSequencesThatDifferInLengthIsMet() throws IOException {
        String rows = IntStream.range(0, 9)
                .mapToObj(i -> "{\"instruction\": \"%s\", \"input\": \"\", \"output\": \"w1\"}"
                        .formatted("w0 ".repeat(i)))
                .collect(Collectors.joining("\n"));
        write("alpaca/train.jsonl", rows);
        for (int tokens = 1; tokens <= 54; tokens++) {
            CalibrationSet set = new CalibrationSet.Budget(new TextSource("alpaca", data, TextSource.DEFAULT_FIELD),
                    tokens, 10, WindowLength.of(100)).take(tokenizer, POSITIONS);
            assertThat(set.sequences().tokenCount()).isGreaterThanOrEqualTo(tokens);
            assertThat(set.sequences().tokenCount()).as("one sequence less would do").isLessThan(tokens + 2 * 14);
        }
    }

    @Test
    void theTestSplitIsNeverTaken() throws IOException {
        write("wikitext2/wiki.test.raw", "w0\n");
        assertThatThrownBy(() -> sample("wiki2", 1, 2)).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("The corpus wiki2 is not in ");
    }

    @Test
    void instructionsAreSequencesOfTheirOwnAndNotPadded() throws IOException {
        String rows = IntStream.range(0, 5).mapToObj(
                i -> "{\"instruction\": \"w%s\", \"input\": \"\", \"output\": \"%s\"}".formatted(i, "w9 ".repeat(i)))
                .collect(Collectors.joining("\n"));
        write("alpaca/train.jsonl", rows);
        CalibrationSet set = sample("alpaca", 4, 4);
        assertThat(set.sequences()).isEqualTo(Sequences.of(List.of(new int[]{1, 5, 11, 11}, new int[]{1, 4, 11, 11},
                new int[]{1, 6, 11, 11}, new int[]{1, 3, 11})));
        assertThat(set.facts().tokens()).isEqualTo(5 + 4 + 6 + 3);
        assertThat(set.facts().tokensUsed()).isEqualTo(15);
        assertThat(set.facts().assembly()).isEqualTo("each row a sequence of at most 4 tokens");
    }

    /** Five rows for each of three subjects; a question's word tells subject and row, its choices are unknown words. */
    private void writeQuestions() throws IOException {
        String[] subjects = {"astronomy", "biology", "chemistry"};
        for (int s = 0; s < subjects.length; s++) {
            int first = 5 * s;
            write("mmlu/dev/" + subjects[s] + "_dev.csv",
                    IntStream.range(0, 5).mapToObj(row -> "w" + (first + row) + ",a,b,c,d,0\n")
                            .collect(Collectors.joining("", "question,choice0,choice1,choice2,choice3,answer\n", "")));
        }
    }

    private List<Integer> questions(CalibrationSet set) {
        return IntStream.range(0, set.sequences().count()).map(i -> set.sequences().sequence(i)[1] - 2).boxed()
                .toList();
    }

    @Test
    void questionsAreSpreadOverTheSubjects() throws IOException {
        writeQuestions();
        CalibrationSet set = sample("mmlu", 4, 100);
        // Python: r = random.Random(10); s = ["astronomy", "biology", "chemistry"]; r.shuffle(s); n = [2, 1, 1];
        // r.shuffle(n) gives biology 2, astronomy 1, chemistry 1. Rows 3 and 2 of biology are words 8 and 7, and so on.
        assertThat(questions(set)).containsExactly(8, 7, 3, 13);
        // BOS, the question, four times a letter and a choice, and "Answer:".
        assertThat(set.sequences().length(0)).isEqualTo(11);
        assertThat(set.facts().rowsAvailable()).isEqualTo(15);
        assertThat(set.facts().split()).isEqualTo("validation");
    }

    @Test
    void someSubjectsCanBeTakenAlone() throws IOException {
        writeQuestions();
        CalibrationSet.Options two = new CalibrationSet.Options(new TextSource("mmlu", data, "text"), 4,
                OptionalInt.of(2), SEED, WindowLength.of(3));
        CalibrationSet set = two.take(tokenizer, POSITIONS);
        assertThat(questions(set)).containsExactly(8, 7, 3, 2);
        assertThat(set.facts().sources()).containsExactly("mmlu/dev/biology_dev.csv", "mmlu/dev/astronomy_dev.csv");
        assertThat(set.sequences().length(0)).isEqualTo(3);
        CalibrationSet.Options four = new CalibrationSet.Options(two.source(), 4, OptionalInt.of(4), SEED,
                WindowLength.of(3));
        assertThatThrownBy(() -> four.take(tokenizer, POSITIONS)).isInstanceOf(UsageException.class)
                .hasMessage("--num-tasks is 4, but mmlu has only 3 subjects here: lower it.");
    }

    @Test
    void textShorterThanOneWindowSaysWhatToChange() throws IOException {
        write("wikitext2/wiki.train.raw", "w0\nw1\nw2\nw3\nw4\n");
        assertThatThrownBy(() -> sample("wiki2", 3, 5)).isInstanceOf(InvalidInputException.class)
                .hasMessage("The text of wiki2 (3 of 5 rows) has 4 tokens, but one window needs 5: raise --nsamples or"
                        + " lower --seqlen.");
        assertThatThrownBy(() -> sample("wiki2", 5, 2048)).isInstanceOf(InvalidInputException.class)
                .hasMessage("The text of wiki2 (5 of 5 rows) has 6 tokens, but one window needs 2048: lower --seqlen or"
                        + " give more text.");
    }

    @Test
    void optionsOutOfRangeAreRefusedByName() {
        assertThatThrownBy(() -> options("c4", 0, 2048)).isInstanceOf(UsageException.class)
                .hasMessage("--nsamples must be at least 1, but is 0.");
        assertThatThrownBy(() -> options("c4", 1, -5)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--seqlen is -5, but must be at least 2");
        TextSource c4 = new TextSource("c4", data, "text");
        assertThatThrownBy(() -> new CalibrationSet.Options(c4, 1, OptionalInt.empty(), -1, WindowLength.of(8)))
                .isInstanceOf(UsageException.class)
                .hasMessage("--seed must not be negative to sample rows, but is -1.");
        assertThatThrownBy(() -> new CalibrationSet.Options(c4, 1, OptionalInt.of(50), 0, WindowLength.of(8)))
                .isInstanceOf(UsageException.class)
                .hasMessage("--num-tasks is for the calibration dataset mmlu, not for c4: leave it out.");
    }

    /** Rows, splits and files of the real data; the counts are those of its SOURCES.md. */
    @Test
    void realCorporaAreUnderstoodAsTheyLie() {
        Path real = SharedData.path("data");
        try (Tokenizer smol = Tokenizer.open(SharedData.path("models/smollm2-135m-instruct"))) {
            assertRows(smol, real, "wiki2", "validation", 3760);
            assertRows(smol, real, "c4", "all", 300 + 520 + 118);
            assertRows(smol, real, "pg19", "all", 3);
            assertRows(smol, real, "bookcorpus", "all", 3);
            assertRows(smol, real, "alpaca", "all", 2000 + 500 + 999);
            assertRows(smol, real, "mmlu", "validation", 57 * 5);
        }
    }

    private static void assertRows(Tokenizer tokenizer, Path data, String dataset, String split, int available) {
        CalibrationSet.Options options = new CalibrationSet.Options(new TextSource(dataset, data, "text"), 1,
                OptionalInt.empty(), SEED, WindowLength.of(8));
        TextFacts facts = options.take(tokenizer, POSITIONS).facts();
        assertThat(facts.split()).as(dataset).isEqualTo(split);
        assertThat(facts.rowsAvailable()).as(dataset).isEqualTo(available);
        assertThat(facts.rowsTaken()).as(dataset).isOne();
        assertThat(facts.specialTokenInFront()).isFalse();
    }

    /** Each is one token, BOS, as the tokenizer makes of an empty text. */
    @Test
    void rowsWithoutATokenThatIsScoredAreRefused() throws IOException {
        String empty = "{\"instruction\": \"\", \"input\": \"\", \"output\": \"\"}\n";
        write("alpaca/train.jsonl", empty.repeat(3));
        assertThatThrownBy(() -> sample("alpaca", 3, 8)).isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "None of the 3 rows of alpaca that were taken has two tokens or more, so there is no token that"
                                + " another predicts: give longer text, or raise --nsamples.");
    }
}
