package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Term;
import dev.come.stack.LayerNode.WeightedSum;
import dev.come.stack.LayerStack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

class PruningPlanTests {
    @TempDir
    private Path folder;

    /** Five layers: first 1 and 2 are merged, then 0 and that. */
    private static PruningPlan plan() {
        ObjectNode settings = JsonNodeFactory.instance.objectNode();
        settings.put("method", "concat_merge").put("target_layers", 3).put("seed", 10L);
        LayerStack dense = LayerStack.dense(5);
        LayerNode inner = merged(new Original(1), new Original(2), QueryHeads.GROUPED, MergeNorms.MEAN);
        LayerNode outer = merged(new Original(0), inner, QueryHeads.TILED, MergeNorms.FOLD);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(
                Map.of("angular_distance", List.of(0.1, Double.POSITIVE_INFINITY, 1e-17)));
        LayerStack first = dense.replace(1, 2, inner);
        LayerStack second = first.replace(0, 2, outer);
        return new PruningPlan(settings, 5,
                List.of(new PruningStep(first, Action.MERGE, 1, 2, List.of(1.0 / 3, 2.0 / 3), scores),
                        new PruningStep(second, Action.MERGE, 0, 2, List.of(0.25, 0.75), scores)),
                List.of(new Measurement(5, "wiki2 perplexity", 11.25, OptionalDouble.of(0.0625)),
                        new Measurement(3, "wiki2 perplexity", 1e9, OptionalDouble.empty())));
    }

    private static LayerNode merged(LayerNode one, LayerNode other, QueryHeads heads, MergeNorms norms) {
        return new Concatenated(List.of(new Share(one, 1.0 / 3, List.of(0), List.of(0, 2)),
                new Share(other, 2.0 / 3, List.of(1), List.of(1))), heads, norms);
    }

    private PruningPlan read(String json) throws IOException {
        return PruningPlan.read(Files.writeString(folder.resolve("come.json"), json));
    }

    @Test
    void whatIsReadIsWhatWasWritten() throws IOException {
        PruningPlan read = read(plan().toJson());
        assertThat(read.steps()).isEqualTo(plan().steps());
        assertThat(read.evaluations()).isEqualTo(plan().evaluations());
        assertThat(read.differences(plan().settings())).isEmpty();
        assertThat(read.toJson()).isEqualTo(plan().toJson());
        assertThat(read.last().tree()).isEqualTo("[[0, [1, 2]], 3, 4]");
    }

    @Test
    void removalsSumsAndInfinitiesSurviveTheFile() throws IOException {
        LayerStack dense = LayerStack.dense(5);
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(
                Map.of("log", List.of(Double.NEGATIVE_INFINITY, -7e300, Double.POSITIVE_INFINITY, 0.5, 2.0)));
        PruningStep removed = PruningStep.remove(dense, 3, 1, scores);
        LayerStack left = removed.stack();
        PruningStep added = PruningStep.merge(left, 1, 3,
                new WeightedSum(List.of(new Term(left.get(1), -1), new Term(left.get(2), 1), new Term(left.get(3), 1)),
                        Scope.MATRICES),
                List.of(), new LinkedHashMap<>());
        PruningPlan plan = new PruningPlan(JsonNodeFactory.instance.objectNode(), 5, List.of(removed, added),
                List.of());
        PruningPlan read = read(plan.toJson());
        assertThat(read.steps()).isEqualTo(plan.steps());
        assertThat(read.toJson()).isEqualTo(plan.toJson());
        assertThat(read.last().tree()).isEqualTo("[0, [1, 2, 4]]");
        assertThat(removed.describe(dense)).isEqualTo("removed 3");
        assertThat(added.describe(left)).isEqualTo("merged [1, 2, 4]");
        assertThatThrownBy(() -> read(plan.toJson().replace("-1.0", "\"much\"")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("\"nodes.m1.terms[0].factor\" is \"much\", expected a finite number");
        assertThatThrownBy(() -> read(plan.toJson().replace("\"matrices\"", "\"some\"")))
                .hasMessageContaining("scope\" is \"some\", expected one of all, matrices");
    }

    @Test
    void aPlanThatDoesNotSayWhatBecomesOfNormsMeansTheirMean() throws IOException {
        assertThat(plan().toJson()).contains("\"merge_norms\" : \"fold\"").doesNotContain("\"mean\"");
        PruningPlan older = read(plan().toJson().replaceAll("\\s*\"merge_norms\" : \"fold\",", ""));
        assertThat(older.last().get(0)).isEqualTo(merged(new Original(0),
                merged(new Original(1), new Original(2), QueryHeads.GROUPED, MergeNorms.MEAN), QueryHeads.TILED,
                MergeNorms.MEAN));
    }

    @Test
    void aRecipeStandsInTheFileOnce() {
        assertThat(plan().toJson().split("\"shares\"", -1)).hasSize(1 + 2);
    }

    @Test
    void anEarlierStageForgetsWhatCameLater() {
        PruningPlan earlier = plan().until(4);
        assertThat(earlier.last().tree()).isEqualTo("[0, [1, 2], 3, 4]");
        assertThat(earlier.settings().path("target_layers").asInt()).isEqualTo(4);
        assertThat(earlier.evaluations()).extracting(Measurement::layers).containsExactly(5);
        assertThat(earlier.isStageOf(plan())).isTrue();
        assertThat(plan().isStageOf(earlier)).isFalse();
    }

    @Test
    void differentSettingsAreToldByTheirNames() {
        ObjectNode other = plan().settings().deepCopy();
        other.put("seed", 11).putObject("options").put("psu", 2);
        assertThat(plan().differences(other)).containsExactly("seed: 10 / 11", "options:  / {\"psu\":2}");
    }

    /** What is replaced, by what, and what the message says of it. */
    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0',
            textBlock = """
                    come-plan | come-plan-9 | "come-plan-9", expected "come-plan"
                    "format" : "come-plan" | "format" : 7 | its "format" is 7
                    "format_version" : 2 | "format_version" : 3 | its "format_version" is 3, expected at most 2
                    "format_version" : 2 | "format_version" : "new" | its "format_version" is "new"
                    "layers" : 5 | "layers" : "five" | "five"
                    "layers" : 5 | "layers" : 3 | layer 3 of a model with 3 layers
                    "layers" : 5 | "layers" : 50 | step 1 makes 4 layers of 50
                    0, "m1", 3, 4 | 0, "m1", 3, 5 | layer 5 of a model with 5 layers
                    0, "m1", 3, 4 | 0, "m1", 3, -1 | layer -1
                    0, "m1", 3, 4 | 0, "m7", 3, 4 | node "m7", which is not in its table
                    0, "m1", 3, 4 | 0, {}, 3, 4 | names node {}
                    0, "m1", 3, 4 | 0, 1, 2, 3, 4 | step 1 makes 5 layers of 5
                    0, "m1", 3, 4 |  | a stack has no layers
                    "position" : 1 | "position" : 4 | from position 4
                    "position" : 1 | "position" : -1 | from position -1
                    "count" : 2 | "count" : "two" | "two"
                    "action" : "merge" | "action" : "split" | a step has the action "split"
                    "action" : "merge" | "action" : "remove" | step 1 makes 4 layers of 5 by removing 2
                    "kind" : "concatenated" | "kind" : "unheard-of" | of the kind "unheard-of"
                    "query_heads" : "tiled" | "query_heads" : "striped" | query_heads" is "striped"
                    "merge_norms" : "fold" | "merge_norms" : "some" | merge_norms" is "some", expected one of mean, fold
                    "source" : 1 | "source" : "m1" | node "m1", which is not in its table or only further down
                    "source" : 1 | "source" : "m2" | node "m2", which is not in its table or only further down
                    "source" : 1 | "source" : 2 | "m1" is not made of two or more layers in their order
                    "source" : 1 | "source" : 5 | layer 5 of a model with 5 layers
                    "source" : 1 | "origin" : 1 | "nodes.m1.shares[0].source" is missing
                    "channels" : [ 0, 2 ] | "channels" : [ 0, "x" ] | "x"
                    "shares" | "parts" | "m1" is not made of two or more layers
                    "layers" : 5 | "layers" : 5.0 | "layers" is 5.0, expected a whole number from 1 to 4096
                    "layers" : 5 | "layers" : 5, "layers" : 5 | Duplicate
                    "layers" : 5 | "layer" : 5 | "layers" is missing
                    "layers" : 5 | "layers" : 5, "more" : 1 | "more" is no field
                    "layers" : 4, | "layers" : 3, | "steps[0].layers" is 3, expected 4
                    "layers" : 4, |  | "steps[0].layers" is missing
                    "tree" : "[0, [1, 2], 3, 4]" | "tree" : "[0, [1, 2], 4, 3]" | expected "[0, [1, 2], 3, 4]"
                    0, "m1", 3, 4 | 0, "m1", 4, 3 | the layers of the stack [0, [1, 2], 4, 3] are not in their order
                    0, "m1", 3, 4 | 0, "m1", 3, 3 | the layers of the stack [0, [1, 2], 3, 3] are not in their order
                    0, "m1", 3, 4 | 0, 1, 2, 3 | step 1 is said to lead to [0, 1, 2, 3], but leads to [0, [1, 2], 3, 4]
                    0, "m1", 3, 4 | 0, "m1", null, 4 | names node null
                    "position" : 1 | "position" : 0 | step 1 is said to lead to [0, [1, 2], 3, 4], but leads to [[0, 1], 2, 3, 4]
                    "position" : 1 | "position" : 1e10 | "steps[0].position" is
                    "position" : 1 | "position" : 99999999999999999999999 | "steps[0].position" is 99999999999999999999999
                    "position" : 1 | "position" : true | "steps[0].position" is true
                    [ 0.25, 0.75 ] | [ 0.25, 0.5 ] | "steps[1].ratio" is [0.25,0.5], expected a share for each of 2 layers, which sum to 1
                    [ 0.25, 0.75 ] | [ 1.0 ] | "steps[1].ratio" is [1.0], expected a share for each
                    [ 0.25, 0.75 ] | [ -0.25, 1.25 ] | "steps[1].ratio[0]" is -0.25, expected a number from
                    [ 0.25, 0.75 ] | [ null, 0.75 ] | "steps[1].ratio[0]" is null
                    "ratio" : [ | "share" : [ | "steps[0].ratio" is missing
                    "ratio" : 0.3333333333333333 | "ratio" : -0.3333333333333333 | "nodes.m1.shares[0].ratio" is -0.3333333333333333
                    "ratio" : 0.3333333333333333 | "ratio" : 0.5 | "nodes.m1.shares" is
                    "ratio" : 0.3333333333333333 | "part" : 0.3333333333333333 | "nodes.m1.shares[0].ratio" is missing
                    "channels" : [ 0, 2 ] | "channels" : [ null, 2 ] | "nodes.m1.shares[0].channels[0]" is null
                    "channels" : [ 0, 2 ] | "channels" : [ 2, 0 ] | ascending order
                    "channels" : [ 0, 2 ] | "channels" : [ 2, 2 ] | ascending order
                    "channels" : [ 0, 2 ] | "channels" : [ 0, 2.5 ] | "nodes.m1.shares[0].channels[1]" is 2.5
                    "channels" : [ 0, 2 ] | "channels" : 2 | expected a list
                    "key_value_heads" : [ 0 ] | "key_value_heads" : [ 1, 0 ] | ascending order
                    0.1, null | 0.1, "much" | "steps[0].scores.angular_distance[1]" is "much"
                    0.1, null | 0.1, {} | "steps[0].scores.angular_distance[1]" is {}
                    0.1, null | 0.1, 1e999 | "steps[0].scores.angular_distance[1]" is
                    "value" : 11.25 | "value" : null | "evaluations[0].value" is null
                    "metric" : "wiki2 perplexity" | "metric" : 2 | "evaluations[0].metric" is 2
                    "value" : 11.25 | "value" : 1e999 | "evaluations[0].value" is
                    "method" : "concat_merge" | "method" : 3 | "method" is 3
                    "target_layers" : 3 | "target_layers" : 6 | "target_layers" is 6, expected a whole number from 1 to 5
                    """)
    void aDamagedPlanIsOneClearMessage(String text, String damage, String message) {
        String damaged = plan().toJson().replaceFirst(java.util.regex.Pattern.quote(text),
                Matcher.quoteReplacement(damage == null ? "" : damage));
        assertThat(damaged).isNotEqualTo(plan().toJson());
        assertThatThrownBy(() -> read(damaged)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(folder.resolve("come.json").toString()).hasMessageContaining(message)
                .hasMessageNotContaining("\n");
    }

    @Test
    void whatFollowsAfterThePlanIsRefused() {
        assertThatThrownBy(() -> read(plan().toJson() + "{}")).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("come.json is not a plan").hasMessageNotContaining("\n");
    }

    /** A file could hold it only as an escape, and no text that is written from it. */
    @Test
    void halfACharacterIsRefused() {
        String damaged = plan().toJson().replaceFirst("\\{", "{\"a\": [{\"b\": \"cu\\\\ud800t\"}],");
        assertThatThrownBy(() -> read(damaged)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("come.json: 'cu")
                .hasMessageEndingWith(" holds half a character; correct the file");
    }

    @Test
    void anEvaluationIsOfAStackOfTheHistory() {
        PruningPlan plan = plan()
                .withEvaluations(List.of(new Measurement(2, "wiki2 perplexity", 1, OptionalDouble.empty())));
        assertThatThrownBy(() -> read(plan.toJson())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining(
                        "\"evaluations[0].layers\" is 2, expected a number of layers that the history has:"
                                + " [3, 4, 5]");
    }

    @Test
    void aTruncatedPlanIsOneClearMessageWhereverItEnds() {
        String whole = plan().toJson();
        long seed = System.nanoTime();
        System.out.println("PruningPlanTests: ends drawn with seed " + seed);
        new Random(seed).ints(50, 0, whole.length() - 2).forEach(
                end -> assertThatThrownBy(() -> read(whole.substring(0, end))).as("end " + end + ", seed " + seed)
                        .isInstanceOf(InvalidInputException.class).hasMessageContaining("come.json")
                        .hasMessageNotContaining("\n"));
    }

    @Test
    void aPlanThatIsNotThereIsNamed() {
        Path file = folder.resolve("none.json");
        assertThatThrownBy(() -> PruningPlan.read(file)).isInstanceOf(InvalidInputException.class)
                .hasMessage(file + " cannot be read (no such file); give the come.json of a pruned model");
    }

    @Test
    void aPlanThatCannotBeWrittenIsNamed() {
        Path file = folder.resolve("no such folder/come.json");
        assertThatThrownBy(() -> plan().write(file)).isInstanceOf(FailedException.class)
                .hasMessageContaining(file + " cannot be written (no such file)");
    }

    private static PruningPlan scored(double score) {
        SequencedMap<String, List<Double>> scores = new LinkedHashMap<>(Map.of("log_magnitude", List.of(1.0, score)));
        return new PruningPlan(JsonNodeFactory.instance.objectNode(), 5,
                List.of(PruningStep.remove(LayerStack.dense(5), 3, 1, scores)), List.of());
    }

    @Test
    void aNumberThatIsNoneIsNeverWrittenAsAnother() throws IOException {
        assertThatThrownBy(scored(Double.NaN)::toJson).isInstanceOf(FailedException.class)
                .hasMessageContaining("the score log_magnitude of the step to 4 layers, because it is NaN");
        for (double score : new double[]{Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, 0.25}) {
            assertThat(read(scored(score).toJson()).steps()).isEqualTo(scored(score).steps());
        }
        for (double value : new double[]{Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY}) {
            PruningPlan plan = plan()
                    .withEvaluations(List.of(new Measurement(5, "wiki2 perplexity", value, OptionalDouble.empty())));
            assertThatThrownBy(plan::toJson).isInstanceOf(FailedException.class)
                    .hasMessageContaining("wiki2 perplexity of 5 layers, because it is " + value);
            assertThatThrownBy(() -> PruningStep.merge(LayerStack.dense(5), 1, 2, new Original(1),
                    List.of(0.5, value), new LinkedHashMap<>())).isInstanceOf(FailedException.class)
                    .hasMessageContaining(
                            "The 2 layers from position 1 on would be merged by the shares [0.5, " + value);
        }
    }
}
