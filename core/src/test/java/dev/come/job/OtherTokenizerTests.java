package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.distill.Level;
import dev.come.distill.TrainingSettings;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.HarnessVersion;
import dev.come.generate.Sampling;
import dev.come.heal.Healing;
import dev.come.prune.Reverse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A tokenizer one of whose tokens has no embedding in the model, which has 128. */
class OtherTokenizerTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void pruneWithTheRightTokenizer() throws IOException {
        run = new Run("llama-gqa", folder);
        run.job("pruned", Progress.NONE, List.of(new Reverse(Reverse.Options.DEFAULTS))).run();
        Path tokenizer = run.model.resolve("tokenizer.json");
        Files.writeString(tokenizer, Files.readString(tokenizer).replaceFirst("\"w127\": *127", "\"w127\": 5000"));
        assertThat(Files.readString(tokenizer)).contains("5000");
    }

    private void generate(String prompt) {
        GenerateJob.run(run.model, prompt, new Sampling(2, 0, 0, 1, 0), run.choice(), _ -> {
        });
    }

    private void eval() {
        EvaluationOptions none = new EvaluationOptions(List.of(), 0, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        run.perplexity = true;
        EvalJob.run(new EvalJob.Request(run.model, Optional.empty(), none, run.perplexity(), Optional.empty(), false),
                run.choice(), Progress.NONE);
    }

    private void heal() {
        new HealJob(new HealJob.Options(run.target("pruned"), run.model, Healing.Options.DEFAULTS, run.calibration(),
                run.perplexity(), run.choice(), run.saving("healed"), run.resumption), Progress.NONE).run();
    }

    private void distill() {
        TrainingSettings training = new TrainingSettings();
        training.level = Level.LAYER;
        training.tokens = 320;
        training.evaluateEvery = 1;
        new DistillJob(
                new DistillJob.Options(run.target("pruned"), run.model, List.of(new DistillJob.Text(run.source(), 1)),
                        run.windows,
                        training.options(), 0, run.perplexity(), run.choice(), run.saving("distilled"), run.resumption),
                Progress.NONE)
                .run();
    }

    @Test
    void everyJobThatSeesItSaysTheSame() {
        Map<String, Runnable> jobs = Map.of("generate", () -> generate("w3 w127"), "eval", this::eval, "prune",
                () -> run.to("again"), "heal", this::heal, "distill", this::distill);
        jobs.forEach((name, job) -> assertThatThrownBy(job::run).as(name).isInstanceOf(InvalidInputException.class)
                .hasMessage(run.model.resolve("tokenizer.json") + " gives the token id 5000, but the model's vocab_size"
                        + " is 128: the tokenizer belongs to another model."));
    }

    /** Many models have added tokens without an embedding. */
    @Test
    void aTokenThatNoTextGivesHarmsNothing() {
        generate("w3 w4");
    }
}
