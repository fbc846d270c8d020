package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Standard output for programs: one JSON document and nothing else. */
class JsonOptionTests {
    private static final JsonMapper STRICT = JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();

    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
    }

    private static JsonNode json(String... arguments) {
        return json(List.of(arguments));
    }

    private static JsonNode json(List<String> arguments) {
        List<String> all = new ArrayList<>(arguments);
        all.add("--json");
        Outcome outcome = Trial.run(all);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).startsWith("{").endsWith("}\n");
        return STRICT.readTree(outcome.out());
    }

    private String in(String name) {
        return folder.resolve(name).toString();
    }

    @Test
    void whatBecameOfAModelIsToldByEveryCommandThatMakesOne() {
        JsonNode pruned = json(trial.prune("--ppl-data", trial.text.toString()));
        assertThat(pruned.path("format").asString()).isEqualTo("come-result");
        JsonNode model = pruned.path("models").path(0);
        assertThat(model.path("folder").asString()).isEqualTo(in("out"));
        assertThat(model.path("method").asString()).isEqualTo("concat_merge");
        assertThat(model.path("layers").asInt()).isEqualTo(3);
        assertThat(model.path("dense_parameters").asInt()).isEqualTo(61_344);
        assertThat(model.path("parameters").asInt()).isEqualTo(32_736);
        assertThat(model.path("measured").valueStream().map(one -> one.path("stage").asString())).containsExactly(
                "dense", "pruned");
        assertThat(pruned.path("run").path("seconds").asDouble()).isPositive();

        JsonNode applied = json("apply", "--plan", in("out/come.json"), "--model", trial.model.toString(),
                "--save-path", in("again"));
        assertThat(applied.path("models").path(0).path("tree")).isEqualTo(model.path("tree"));

        json("prune", "--method", "manual", "--layers", "1,4", "--model", trial.model.toString(), "--save-path",
                in("by-hand"));
        JsonNode healed = json("heal", "--model", in("by-hand"), "--teacher", trial.model.toString(),
                "--calibration-dataset", trial.text.toString(), "--nsamples", "12", "--seqlen", "32", "--save-path",
                in("healed"), "--heal-scope", "all");
        assertThat(healed.path("models").path(0).path("layers").asInt()).isEqualTo(4);

        JsonNode distilled = json("distill", "--model", in("out"), "--teacher", trial.model.toString(),
                "--calibration-dataset", trial.text.toString(), "--seqlen", "32", "--level", "layer", "--tokens", "320",
                "--validation-tokens", "64", "--batch-tokens", "64", "--save-path", in("distilled"), "--threads", "1");
        assertThat(distilled.path("models").path(0).path("folder").asString()).isEqualTo(in("distilled"));
    }

    @Test
    void severalMethodsAreComparedInIt() {
        JsonNode both = json("prune", "--method", "reverse,magnitude", "--model", trial.model.toString(),
                "--target-layers", "5", "--save-path", in("both"));
        assertThat(both.path("models").valueStream().map(one -> one.path("method").asString()))
                .containsExactly("reverse", "magnitude");
        assertThat(both.path("comparison").path("methods").size()).isEqualTo(2);
    }

    @Test
    void whatWouldBeDoneIsToldToo() {
        JsonNode estimates = json(trial.prune("--dry-run"));
        assertThat(estimates.path("format").asString()).isEqualTo("come-estimate");
        assertThat(estimates.path("estimates").path(0).path("target_layers").asInt()).isEqualTo(3);
        assertThat(folder.resolve("out")).doesNotExist();
    }

    @Test
    void measurementsAreTold() {
        assertThat(json("eval", "--model", trial.model.toString(), "--ppl-data", trial.text.toString(), "--seqlen",
                "32").path("model").path("perplexities").size()).isOne();
        JsonNode latency = json("latency", "--model", trial.model.toString(), "--prompt", "8", "--iterations", "1");
        assertThat(latency.path("models").path(0).path("prompt_seconds").size()).isOne();
        assertThat(latency.has("machine")).isTrue();
        assertThat(json("inspect", trial.model.toString()).path("format").asString()).isEqualTo("come-inspect");
        JsonNode text = json("generate", "--model", trial.model.toString(), "--prompt", "w5 w6", "--max-new-tokens",
                "3");
        assertThat(text.path("prompt").asString()).isEqualTo("w5 w6");
        assertThat(text.path("text").asString()).isNotEmpty();
    }

    @Test
    void whatFailsPrintsNothingThere() {
        Outcome outcome = Trial.run(List.of("inspect", in("missing"), "--json"));
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.out()).isEmpty();
    }
}
