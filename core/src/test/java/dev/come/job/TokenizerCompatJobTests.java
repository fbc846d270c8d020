package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.heal.Healing;
import dev.come.prune.PruningPlan;
import dev.come.vocabulary.TokenizerCompat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A tokenizer that transformers 5 builds anew: its file takes each digit as a token, and the class that tokenizer_config.json
 * names joins them, so that w12 is 0 11 12 by the file and 0 24 there.
 */
class TokenizerCompatJobTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void writeTokenizer() throws IOException {
        run = new Run("llama-gqa", folder);
        String letters = IntStream.range(0, 10).mapToObj(digit -> "\"%s\": %s".formatted(digit, 10 + digit))
                .collect(Collectors.joining(", "));
        String json = """
                {"version": "1.0", "truncation": null, "padding": null, "added_tokens": [
                  {"id": 9, "content": "<|endoftext|>", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true}],
                 "normalizer": null, "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                  {"type": "Digits", "individual_digits": true},
                  {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}]},
                 "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": true,
                  "trim_offsets": true, "use_regex": true},
                 "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": {"w": 0, "\u0120": 1, "\u010a": 2, "<|endoftext|>": 9, %s, "12": 24}, "merges": ["1 2"]}}
                """.formatted(letters);
        Files.writeString(run.model.resolve("tokenizer.json"), json);
        Files.writeString(run.model.resolve("tokenizer_config.json"), "{\"tokenizer_class\": \"GPT2Tokenizer\"}");
    }

    private JsonNode pruned(String name, TokenizerCompat tokenizers) {
        run.tokenizers = tokenizers;
        run.to(name);
        return PruningPlan.read(run.target(name + "/come.json")).settings();
    }

    @Test
    void whatIsReadByTheIdsOfTransformersIsRecorded() {
        JsonNode file = pruned("file", TokenizerCompat.FILE);
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        JsonNode other = pruned("other", TokenizerCompat.TRANSFORMERS5);
        assertThat(file.has("tokenizer_compat")).isFalse();
        assertThat(other.path("tokenizer_compat").asString()).isEqualTo("transformers5");
        assertThat(other.path("healing").path("tokenizer_compat").asString()).isEqualTo("transformers5");
        assertThat(other.path("calibration").path("tokens").asInt())
                .isLessThan(file.path("calibration").path("tokens").asInt());
        assertThat(other.path("calibration").path("fingerprint"))
                .isNotEqualTo(file.path("calibration").path("fingerprint"));
    }

    @Test
    void evaluationSaysWhoseIdsTextsBecame() {
        EvaluationOptions none = new EvaluationOptions(List.of(), 0, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        run.perplexity = true;
        EvalJob.Request request = new EvalJob.Request(run.model, Optional.empty(), none, run.perplexity(),
                Optional.empty(),
                false);
        EvaluationReport file = EvalJob.run(request, run.choice(), Progress.NONE);
        EvaluationReport other = EvalJob.run(request, run.choice().reading(TokenizerCompat.TRANSFORMERS5),
                Progress.NONE);
        assertThat(file.toJson()).doesNotContain("tokenizer_compat");
        assertThat(other.toJson()).contains("\"tokenizer_compat\" : \"transformers5\"");
        assertThat(other.model().perplexities().getFirst().value())
                .isNotEqualTo(file.model().perplexities().getFirst().value());
    }

    @Test
    void anInspectionTellsTheDifferenceByAnExample() throws IOException {
        Inspection inspection = Inspection.of(run.model);
        assertThat(inspection.remarks()).anySatisfy(remark -> assertThat(remark).contains(
                "'In 1234 we' is 1 11 12 13 14 1 0 by the file and 1 24 13 14 1 0 there"));
        String json = InspectionJson.text(inspection);
        new JsonRules(InspectionJson.class).check(json);
        assertThat(JsonMapper.shared().readTree(json).path("tokenizer").path("difference").toString()).isEqualTo(
                "{\"text\":\"In 1234 we\",\"file\":[1,11,12,13,14,1,0],\"transformers5\":[1,24,13,14,1,0]}");
    }

    @Test
    void aClassThatIsNotKnownIsToldByInspectionAndRefusedOtherwise() throws IOException {
        Files.writeString(run.model.resolve("tokenizer_config.json"), "{\"tokenizer_class\": \"T5Tokenizer\"}");
        assertThat(Inspection.of(run.model).problems()).isEmpty();
        assertThat(Inspection.of(run.model).remarks()).anySatisfy(remark -> assertThat(remark)
                .contains("transformers 5 makes the class T5Tokenizer of this tokenizer"));
        assertThatThrownBy(() -> pruned("other", TokenizerCompat.TRANSFORMERS5))
                .hasMessageContaining("T5Tokenizer").hasMessageContaining("leave out --tokenizer-compat transformers5");
        assertThat(run.target("other")).doesNotExist();
    }

    @Test
    void releasesOfTheHarnessChooseWhatTheyWouldUse() {
        assertThat(HarnessVersion.V0_4_13.tokenizers()).isEqualTo(TokenizerCompat.TRANSFORMERS5);
        assertThat(HarnessVersion.V0_4_9_1.tokenizers()).isEqualTo(TokenizerCompat.FILE);
        assertThatThrownBy(() -> TokenizerCompat.of("transformers4")).isInstanceOf(UsageException.class)
                .hasMessage("--tokenizer-compat is \"transformers4\", but the choices are file, transformers5");
    }
}
