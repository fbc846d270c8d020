package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class DistillCommandTests {
    @TempDir
    private Path folder;

    private Trial trial;

    @BeforeEach
    void prune() throws IOException {
        trial = new Trial(folder);
        Files.writeString(trial.text, Trial.text(60));
        assertThat(Trial.run(trial.prune("--quiet")).exitCode()).isZero();
    }

    private List<String> distill(String target, String... more) {
        List<String> arguments = new ArrayList<>(List.of("distill", "--model-name", folder.resolve("out").toString(),
                "--teacher", trial.model.toString(), "--save-path", folder.resolve(target).toString(),
                "--calibration-dataset", trial.text.toString(), "--seqlen", "32", "--tokens", "1280",
                "--validation-tokens", "128", "--batch-tokens", "128", "--eval-every", "4", "--lr", "3e-3",
                "--model-lr",
                "3e-3", "--threads", "2"));
        arguments.addAll(List.of(more));
        return arguments;
    }

    @Test
    void tellsWhatTrainingGaveAndWhereTheModelIs() {
        Outcome outcome = Trial
                .run(distill("healed", "--quiet", "--ppl-data", trial.text.toString(), "--ppl-windows", "4"));
        assertThat(outcome.err()).isEmpty();
        assertThat(outcome.exitCode()).isZero();
        assertThat(outcome.out()).contains("validation loss", "whole model", "healed", "perplexity per token",
                "healed/come.json");
        // What is measured on single layers and on the whole model stands in two tables, each with its meaning.
        List<String> lines = outcome.out().lines().toList();
        assertThat(lines.getFirst()).startsWith("each layer by itself").contains("loss", "MSE");
        assertThat(outcome.out()).contains("Loss: validation loss (mse). MSE and 1 - cosine: of its output",
                "Loss: validation loss (KL of next tokens). MSE and 1 - cosine: of the last states");
        int model = IntStream.range(0, lines.size()).filter(i -> lines.get(i).startsWith("whole model")).findFirst()
                .orElseThrow();
        assertThat(lines.get(model - 2)).isEmpty();
        JsonNode first = new JsonMapper().readTree(folder.resolve("healed/come.json"))
                .at("/distillation/model/points/0");
        assertThat(lines.get(model)).contains(String.format(Locale.ROOT, "%.4g", first.get("mse").asDouble()),
                String.format(Locale.ROOT, "%.4g", first.get("validation_loss").asDouble()));
    }

    @Test
    void tellsBothPartsOfTheLossWhereThereAreTwo() {
        Outcome outcome = Trial.run(distill("healed", "--hidden-weight", "0.5"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err())
                .containsPattern("model: .*, of it KL [0-9.e-]+, hidden term [0-9.e-]+ before its weight");
        assertThat(outcome.out()).containsPattern("whole model: KL [0-9.e-]+, after [0-9.e-]+; hidden term");
        assertThat(folder.resolve("healed/come.json")).content().contains("\"hidden_weight\"", "\"hidden_term\"");
    }

    @Test
    void theTextIsLearnedFromBesideTheTeacher() {
        Outcome outcome = Trial.run(distill("healed", "--ce-weight", "0.5", "--train", "last:2"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.err()).containsPattern("model: .*, of it KL [0-9.e-]+, cross-entropy [0-9.e-]+ before its");
        assertThat(outcome.out()).contains("validation loss (KL and cross-entropy)")
                .containsPattern("whole model: KL [0-9.e-]+, after [0-9.e-]+; cross-entropy before its weight");
        JsonNode record = new JsonMapper().readTree(folder.resolve("healed/come.json")).path("distillation");
        assertThat(record.at("/options/trained").asString()).isEqualTo("last:2");
        JsonNode point = record.at("/model/points/0");
        assertThat(point.path("validation_loss").asDouble()).isCloseTo(
                point.path("next_token_kl").asDouble() + 0.5 * point.path("cross_entropy").asDouble(), within(1e-9));
        assertThat(point.has("hidden_term")).isFalse();
    }

    @Test
    void tellsOnTheWayHowFarTrainingHasCome() {
        Outcome outcome = Trial.run(distill("healed", "--model-tokens", "5"));
        assertThat(outcome.err()).containsPattern("layer \\[[0-9, \\[\\]]+: \\d+ of 11 steps, loss [0-9.]+, validation")
                .containsPattern("tokens/s, \\d+ s left").contains("model: 1 of 1 steps");
    }

    @ParameterizedTest
    @CsvSource({"kl, 1.0E-4", "mse, 0.001", "cosine, 0.001"})
    void everyObjectiveHasARateOfItsOwn(String objective, String rate) {
        List<String> arguments = distill("healed", "--objective", objective, "--model-tokens", "5");
        int given = arguments.indexOf("--lr");
        arguments.subList(given, given + 2).clear();
        Outcome outcome = Trial.run(arguments);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(folder.resolve("healed/come.json")).content().containsPattern(
                "\"schedule\" : \\{[^}]*\"peak\" : " + rate.replace(".", "\\.") + "[^0-9]");
    }

    /** In processes of its own each layer comes out as in this one. */
    @Test
    void processesGiveTheSameBytes() {
        assertThat(Trial.run(distill("one", "--quiet")).exitCode()).isZero();
        SortedMap<String, String> expected = Trial.hashes(folder.resolve("one"));
        Outcome outcome = Trial.run(distill("other", "--mode", "mp", "--workers", "2"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(Trial.hashes(folder.resolve("other"))).isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --level half                       | 2 | --level: there is no half; choose from: layer, model, both
            --objective l1                     | 2 | choose from: kl, mse, cosine
            --schedule linear                  | 2 | choose from: cosine, constant
            --train lora                       | 2 | choose from: merged, cut, all, norms, last:N
            --mode dp                          | 2 | choose from: sp, mp
            --workers 2                        | 2 | --workers is for --mode mp
            --mode mp --workers 0              | 2 | --workers is 0, but must be at least 1
            --tokens 0                         | 2 | --tokens is 0, but must be more than 0
            --temperature -1                   | 2 | --temperature is -1, but must be more than 0
            --lr 0                             | 2 | learning rate is 0.0
            --warmup 1                         | 2 | --warmup is 1.0
            --clip -1                          | 2 | --clip is -1, but must be 0 or more
            --eval-every -1                    | 2 | --eval-every is -1, but must be 0 or more
            --hidden-weight -1                 | 2 | --hidden-weight is -1, but must be 0 or more
            --hidden-weight NaN                | 2 | --hidden-weight is NaN, but must be 0 or more
            --level layer --hidden-weight 1    | 2 | --hidden-weight is for --level model or both; leave it out
            --level layer --hidden-weight 0    | 2 | --hidden-weight does nothing at --level layer; leave it out
            --ce-weight -1                     | 2 | --ce-weight is -1, but must be 0 or more
            --ce-weight 1 --temperature 2      | 2 | does not go with --temperature 2; leave one out
            --level layer --ce-weight 1        | 2 | --ce-weight is for --level model or both; leave it out
            --train last:0                     | 2 | --train last:0 trains no layer
            --train last:4                     | 2 | more layers than the pruned model has, which are 3
            --seed -4                          | 2 | --seed is -4, but must be 0 or more
            --level layer --train all          | 2 | --train does nothing at --level layer; leave it out
            --level layer --temperature 2      | 2 | --temperature does nothing at --level layer with --objective mse
            --level model --objective kl       | 2 | --objective does nothing at --level model
            --seam middle                      | 2 | --seam: there is no middle; choose from: auto, before, after, both
            --seam after                       | 2 | no layer of this model was removed; leave it out
            --inputs mine                      | 2 | choose from: teacher, own
            --layer-scope most                 | 2 | choose from: cut, all
            --layer-scope all                  | 2 | --layer-scope all adds no layer
            --inputs own --mode mp             | 2 | --inputs own shows each layer what those below it have learned
            --level model --seam after         | 2 | --seam does nothing at --level model
            --level model --inputs own         | 2 | --inputs does nothing at --level model
            --level model --layer-scope all    | 2 | --layer-scope does nothing at --level model
            --level model --mode mp            | 2 | --mode does nothing at --level model
            --validation-tokens 1000000        | 3 | lower --validation-tokens or --seqlen
            --calibration-dataset nowhere.txt  | 3 | nowhere.txt
            """)
    void whatIsWrongIsRefusedInOneSentence(String options, int exitCode, String message) {
        List<String> arguments = distill("healed", options.split(" ", -1));
        if (options.startsWith("--validation-tokens")) {
            int first = arguments.indexOf("--validation-tokens");
            arguments.subList(first, first + 2).clear();
        }
        if (options.startsWith("--level")) {
            // These belong to both levels only.
            arguments.subList(arguments.indexOf("--lr"), arguments.indexOf("--lr") + 4).clear();
        }
        Outcome outcome = Trial.run(arguments);
        assertThat(outcome.err()).contains(message);
        assertThat(outcome.exitCode()).isEqualTo(exitCode);
        assertThat(folder.resolve("healed")).doesNotExist();
        assertThat(folder.resolve(".healed.come-distill")).doesNotExist();
    }
}
