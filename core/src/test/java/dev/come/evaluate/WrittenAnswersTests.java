package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.Document.LastWords;
import dev.come.evaluate.Document.Prompt;
import dev.come.evaluate.TaskDescription.Generated;
import dev.come.generate.StopTexts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is made of a text that a model wrote. Expected values are what the harness' own rules give, worked out by hand. */
class WrittenAnswersTests {
    @TempDir
    private Path folder;

    private static Generated form(String task) {
        return (Generated) TaskCatalog.find(task, Path.of(""), HarnessVersion.V0_4_13).getFirst().form();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = false, value = {
        "So 3*4=12.\\n#### 12|12|12", "It is $1,200.|[invalid]|$1,200.", "She has 7 and -3 left|[invalid]|-3",
        "no number|[invalid]|[invalid]", "#### -4.5 and #### 6|-4.5|6", "####12|[invalid]|12", "... 5|[invalid]|5",
        "7 ...|[invalid]|..."})
    void gsm8kTakesTheNumberBehindTheSignsOrTheLastOne(String text, String strict, String flexible) {
        String written = text.replace("\\n", "\n");
        assertThat(form("gsm8k").answer("strict-match", written)).isEqualTo(strict);
        assertThat(form("gsm8k").answer("flexible-extract", written)).isEqualTo(flexible);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|',
            value = {"The answer is 12. Q|12.", "The answer is 12.|12", "The answer is 1,250 and|1,250",
                "the answer is 3.|[invalid]", "The answer is 5|[invalid]", "The answer is 15|1"})
    void gsm8kCotTakesTheNumberOfTheAnswersSentence(String text, String strict) {
        assertThat(form("gsm8k_cot").answer("strict-match", text)).isEqualTo(strict);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"12|So 12.\\n#### 12|true", "$1,200.|x\\n#### 1200|true", "12.0|#### 12|false",
        "[invalid]|#### 12|false"})
    void gsm8kComparesWithoutSignsOfMoneyAndThousands(String answer, String solution, boolean right) {
        assertThat(form("gsm8k").match().matches(answer, List.of(solution.replace("\\n", "\n")))).isEqualTo(right);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"the Nile|Nile|true", "NILE!|nile|true", "A theory|theory|true",
        "then|n|false", "U.S.|us|true", "Tôkyô|tokyo|false"})
    void nqOpenComparesWithoutArticlesCaseAndPunctuation(String answer, String right, boolean same) {
        assertThat(form("nq_open").match().matches(answer, List.of("other", right))).isEqualTo(same);
    }

    @Test
    void stopTextsCutOneAfterTheOther() {
        StopTexts stops = new StopTexts(List.of("BC", "", "AB"));
        assertThat(stops.isIn("xAB")).isTrue();
        assertThat(stops.isIn("xA")).isFalse();
        assertThat(stops.cut("xABC")).isEqualTo("xA"); // what is cut first is no longer there for the second
        assertThat(stops.cut("xAByBC")).isEqualTo("x");
        assertThat(stops.and("x").cut("xABC")).isEmpty();
    }

    @Test
    void promptsHaveTheExamplesThatATaskUsuallyHas() throws IOException {
        Files.createDirectories(folder.resolve("gsm8k"));
        Files.createDirectories(folder.resolve("gsm8k_cot"));
        Files.writeString(folder.resolve("gsm8k/test.jsonl"), """
                {"question": "How much is 2+2?", "answer": "2+2=4\\n#### 4 "}
                """);
        Files.writeString(folder.resolve("gsm8k_cot/examples.jsonl"), """
                {"question": "One and one?", "target": "1+1=2. The answer is 2."}
                """.repeat(8));
        Prompt prompt = (Prompt) Evaluation.of(options(EvaluationOptions.USUAL, "gsm8k_cot"), Progress.NONE)
                .documents().getFirst();
        assertThat(prompt.text()).isEqualTo("Q: One and one?\nA: 1+1=2. The answer is 2.\n\n".repeat(8)
                + "Q: How much is 2+2?\nA:");
        assertThat(prompt.answers()).containsExactly("4");
        assertThat(((Prompt) Evaluation.of(options(0, "gsm8k_cot"), Progress.NONE).documents().getFirst())
                .text()).isEqualTo("Q: How much is 2+2?\nA:");
    }

    @Test
    void lambadaAsksForTheLastWordWithItsBlank() throws IOException {
        Files.createDirectories(folder.resolve("lambada_openai"));
        Files.writeString(folder.resolve("lambada_openai/test.jsonl"), "{\"text\": \"He  saw the cat\"}\n");
        LastWords words = (LastWords) Evaluation.of(options(1, "lambada_openai"), Progress.NONE).documents()
                .getFirst();
        assertThat(words.context()).isEqualTo("He  saw the  cat\n\nHe  saw the");
        assertThat(words.ending()).isEqualTo(" cat");
    }

    private EvaluationOptions options(int shots, String task) {
        return new EvaluationOptions(List.of(task), shots, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
    }

    @ParameterizedTest
    @ValueSource(strings = {
        "\"generate\": {\"until\": [], \"tokens\": 0}|\"generate.tokens\" is 0, but must be at least 1",
        "\"generate\": {\"until\": [], \"filters\": {\"a\": {\"find\": \"(\"}}}|\"generate.filters.a.find\" is no regular expression",
        "\"generate\": {\"until\": [], \"filters\": {\"a\": \"trim\"}}|a step is \"strip\" or",
        "\"generate\": {\"until\": [], \"filters\": {\"a\": {\"find\": \"x\", \"match\": \"y\"}}}|\"y\", but must be a whole number",
        "\"generate\": {\"until\": [], \"exact_match\": {\"ignore_case\": 1}}|\"ignore_case\" is 1, but must be true or false",
        "\"generate\": {\"until\": [], \"temperature\": 1}|\"generate.temperature\" is not known",
        "\"generate\": {\"until\": \"x\"}|\"until\" is \"x\", but must be a list of texts",
        "\"generate\": {\"until\": []}, \"choices\": \"c\"|\"choices\" does not go with generate",
        "\"ending\": \"{x}\"|\"answers\" does not go with"})
    void aDescriptionThatCannotBeIsRefused(String both) {
        String wrong = both.substring(0, both.indexOf('|'));
        assertThatThrownBy(() -> TaskFile.parse("""
                {"task": "t", "version": "1", "documents": {"split": "test", "files": "t.jsonl"}, "context": "{q}",
                 "answers": "a", %s}""".formatted(wrong), List.of(), HarnessVersion.V0_4_13))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining(both.substring(both.indexOf('|') + 1));
    }

    @Test
    void examplesThatAreNotThereAreNamed() throws IOException {
        Files.createDirectories(folder.resolve("gsm8k"));
        Files.writeString(folder.resolve("gsm8k/test.jsonl"), "{\"question\": \"q\", \"answer\": \"#### 4\"}\n");
        assertThatThrownBy(
                () -> Evaluation.of(options(EvaluationOptions.USUAL, "gsm8k_cot"), Progress.NONE))
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("gsm8k_cot/examples.{table}");
        Files.createDirectories(folder.resolve("gsm8k_cot"));
        Files.writeString(folder.resolve("gsm8k_cot/examples.jsonl"), "{\"question\": \"q\", \"target\": \"t\"}\n");
        assertThatThrownBy(
                () -> Evaluation.of(options(EvaluationOptions.USUAL, "gsm8k_cot"), Progress.NONE))
                .isInstanceOf(UsageException.class).hasMessageContaining("--num-fewshot is 8");
    }
}
