package dev.come.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.yaml.YAMLMapper;

class ResultsCardTests {
    private static final Map<String, String> DATASETS = Map.of("piqa", "baber/piqa", "wiki2", "Salesforce/wikitext",
            "mmlu", "cais/mmlu");
    private static final String CARD = """
            ---
            # mine
            license: mit   # free
            tags: [pruned,  come]
            ---

            # My model

            Text of mine.
            """;

    @TempDir
    private Path folder;
    private Path file;

    @BeforeEach
    void writeCard() throws IOException {
        file = Files.writeString(folder.resolve("README.md"), CARD);
    }

    private static String results(String accuracy) {
        return """
                {"format": "come-eval", "settings": {"tool": "CoMe", "harness_version": "0.4.13", "limit": 200},
                 "model": {"name": "small", "dtype": "float32",
                  "tasks": {"piqa": {"split": "validation", "shots": 1, "documents": 200, "acc": %s, "acc_stderr": 0.03125},
                            "mine": {"split": "test", "shots": 0, "acc": 0.25},
                            "mmlu_anatomy": {"split": "test", "shots": 0, "group": "mmlu", "acc": 0.125}},
                  "groups": {"mmlu": {"split": "test", "shots": 0, "acc": 0.5}},
                  "perplexities": [{"metric": "wiki2 (test) perplexity per token, first 8 windows", "value": 22.5},
                                   {"metric": "/home/me/a.txt (all) perplexity per token, windows", "value": 9}]},
                 "baseline": {"name": "dense", "tasks": {"piqa": {"acc": 0.875}}, "groups": {}, "perplexities":
                  [{"metric": "wiki2 (test) perplexity per token, first 8 windows", "value": 20}]}}"""
                .formatted(accuracy);
    }

    private String write(String accuracy) throws IOException {
        ResultsCard.of(file).write(results(accuracy), DATASETS);
        return Files.readString(file);
    }

    /** The format is that of huggingface_hub's eval_results_to_model_index. */
    @Test
    void theHubAndPeopleReadTheSameNumbers() throws IOException {
        String card = write("0.75");
        String yaml = card.substring(4, card.indexOf("---\n", 4));
        assertThat(new YAMLMapper().readTree(yaml).path("model-index")).isEqualTo(new JsonMapper().readTree(
                """
                        [{"name": "small", "results": [
                         {"task": {"type": "text-generation", "name": "Text Generation"},
                          "dataset": {"name": "piqa", "type": "baber/piqa", "split": "validation", "args": {"num_fewshot": 1, "limit": 200}},
                          "metrics": [{"type": "acc", "value": 0.75, "name": "acc"}]},
                         {"task": {"type": "text-generation", "name": "Text Generation"},
                          "dataset": {"name": "mmlu", "type": "cais/mmlu", "split": "test", "args": {"num_fewshot": 0, "limit": 200}},
                          "metrics": [{"type": "acc", "value": 0.5, "name": "acc"}]},
                         {"task": {"type": "text-generation", "name": "Text Generation"},
                          "dataset": {"name": "wiki2", "type": "Salesforce/wikitext", "split": "test"},
                          "metrics": [{"type": "perplexity", "value": 22.5, "name": "perplexity per token, first 8 windows"}]}]}]"""));
        assertThat(card).endsWith(
                """
                        ## Results

                        Measured by CoMe, computed in float32; tasks as lm-evaluation-harness 0.4.13 has them, of each the first 200 documents.

                        | | this model | dense |
                        | --- | ---: | ---: |
                        | piqa, acc, 1-shot | 0.7500 ± 0.0313 | 0.8750 |
                        | mine, acc | 0.2500 |  |
                        | mmlu, acc | 0.5000 |  |
                        | wiki2 (test) perplexity per token, first 8 windows | 22.5000 | 20.0000 |
                        | a.txt (all) perplexity per token, windows | 9.0000 |  |
                        <!-- come eval: end -->
                        """);
    }

    @Test
    void aSecondTimeReplacesTheFirstAndNothingElse() throws IOException {
        String first = write("0.75");
        assertThat(first).startsWith(CARD.substring(0, CARD.indexOf("---\n\n")))
                .contains(CARD.substring(CARD.indexOf("---\n\n")));
        assertThat(write("0.75")).isEqualTo(first);
        assertThat(write("0.5")).isEqualTo(first.replace("0.7500", "0.5000").replace("0.75", "0.5"));
        Files.writeString(file, first.replace("Text of mine.", "Other text.") + "\nMore.\n");
        assertThat(write("0.5"))
                .isEqualTo(
                        first.replace("0.7500", "0.5000").replace("0.75", "0.5").replace("Text of mine.", "Other text.")
                                + "\nMore.\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "# No front matter", "---\n---\n", "---\na: 1\n---\n"})
    void otherCardsAreTakenToo(String card) throws IOException {
        Files.writeString(file, card);
        String after = write("0.75");
        assertThat(after).startsWith("---\n").contains("model-index:", "| piqa, acc");
        assertThat(write("0.75")).isEqualTo(after);
    }

    @Test
    void lineEndsOfWindowsStay() throws IOException {
        Files.writeString(file, CARD.replace("\n", "\r\n"));
        assertThat(write("0.75").replace("\r\n", "")).doesNotContain("\n").contains("license: mit   # free");
    }

    @ParameterizedTest
    @ValueSource(strings = {"---\nmodel-index: []\n---\n", "---\na: [\n---\n", "---\n- a\n---\n", "---\na: 1\n",
        "---\n{a: 1}\n---\n", "<!-- come eval: results -->\n", "---\n# come eval: end\n---\n", "a\r\nb\n",
        "\uFEFF# Hi"})
    void aCardThatCannotBeChangedSafelyIsRefusedBeforeTheWorkOrStays(String card) throws IOException {
        Files.writeString(file, card);
        assertThatThrownBy(() -> write("0.75")).isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith("--card: " + file);
        assertThat(file).hasContent(card);
    }

    @Test
    void whatIsNoTextIsRefused() throws IOException {
        Files.write(file, "Gr\u00fc\u00dfe".getBytes(StandardCharsets.ISO_8859_1));
        assertThatThrownBy(() -> ResultsCard.of(file))
                .hasMessage("--card: " + file + " is no text in UTF-8; mend that");
        Files.delete(file);
        assertThatThrownBy(() -> ResultsCard.of(file)).hasMessageStartingWith("--card: there is no file " + file);
        Files.createSymbolicLink(file, Files.writeString(folder.resolve("other"), CARD));
        assertThatThrownBy(() -> ResultsCard.of(file)).hasMessageStartingWith("--card: there is no file " + file);
    }
}
