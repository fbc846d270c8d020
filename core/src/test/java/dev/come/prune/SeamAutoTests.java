package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.NothingToDoException;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.model.Part;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerPattern;
import dev.come.stack.LayerStack;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The choices of seam_auto where all that it asks for is made up: six layers with two key-value heads and four channels. */
class SeamAutoTests {
    private final List<Integer> refitted = new ArrayList<>();
    private final List<LayerStack> judged = new ArrayList<>();

    /** A calibration that knows predictions, repairs and divergences, and nothing else. */
    private Calibration madeUp(ToDoubleFunction<Calibration.Seam> predicted, ToDoubleFunction<LayerStack> divergence) {
        return (Calibration) Proxy.newProxyInstance(Calibration.class.getClassLoader(),
                new Class<?>[]{Calibration.class},
                (_, method, arguments) -> switch (method.getName()) {
                    case "pattern" -> LayerPattern.ANY;
                    case "sensitivity" -> new Calibration.Sensitivity(List.of(1.0, 2.0), List.of(1.0, 2.0, 3.0, 4.0));
                    case "errorsAfterRepair" -> ((List<?>) arguments[1]).stream()
                            .map(seam -> predicted.applyAsDouble((Calibration.Seam) seam)).toList();
                    case "refitted" -> refit((LayerStack) arguments[0], (int) arguments[1]);
                    case "divergences" -> ((List<?>) arguments[0]).stream().map(stack -> {
                        judged.add((LayerStack) stack);
                        return divergence.applyAsDouble((LayerStack) stack);
                    }).toList();
                    case "settled" -> arguments[0];
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private Optional<Calibration.Refit> refit(LayerStack stack, int position) {
        refitted.add(position);
        LayerNode trained = new Trained(stack.get(position), Training.REFITTED, position, "0".repeat(64));
        return Optional
                .of(new Calibration.Refit(stack.replace(position, 1, trained), 0.5, 0.25, Map.of(Part.DOWN, 0.1)));
    }

    private static SeamAuto method(int granularity, int repair) {
        return new SeamAuto(new SeamAuto.Options(Barriers.ONE_EACH, granularity, MergeNorms.FOLD, repair));
    }

    private PruningStep step(SeamAuto method, Calibration calibration) {
        return method.next(LayerStack.dense(6), 5, calibration).getFirst();
    }

    private static boolean has(LayerStack stack, int original) {
        return stack.nodes().stream().flatMapToInt(LayerNode::originals).anyMatch(one -> one == original);
    }

    @Test
    void ofTheCandidatesWithTheLeastPredictedErrorTheNearestIsTaken() {
        // Removals of 1, 2, 3, 4 are predicted to leave 0.4, 0.3, 0.2, 0.1; without 3 the model is nearest, without 1 nearer still.
        PruningStep step = step(method(1, 2), madeUp(seam -> 0.4 - 0.1 * seam.position(),
                stack -> has(stack, 1) ? has(stack, 3) ? 3 : 2 : 1));
        assertThat(step.action()).isEqualTo(Action.REMOVE);
        assertThat(step.position()).isEqualTo(3);
        assertThat(refitted).containsExactly(3, 2);
        assertThat(step.stack().get(2)).isInstanceOf(Trained.class);
        assertThat(step.scores().get("candidate_divergence")).containsExactly(Double.POSITIVE_INFINITY,
                Double.POSITIVE_INFINITY, 2.0, 3.0);
        assertThat(step.scores().get("candidate_predicted_error")).hasSize(4);
    }

    @Test
    void ofAPairOnlyTheBestRatioIsRepaired() {
        // The ratios 1/4, 1/2 and 3/4 of every pair leave less than every removal; of each the last is best.
        PruningStep step = step(method(4, 5), madeUp(
                seam -> seam.merged().map(merged -> 0.01 - 0.001 * merged.shares().getFirst().ratio()).orElse(1.0),
                stack -> stack.size() - stack.nodes().stream().filter(node -> node.originals().count() == 2)
                        .mapToInt(node -> node.originals().min().orElseThrow()).sum()));
        assertThat(refitted).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
        assertThat(step.action()).isEqualTo(Action.MERGE);
        assertThat(step.ratio()).containsExactly(0.75, 0.25);
        assertThat(step.position()).isEqualTo(4);
        Trained trained = (Trained) step.stack().get(4);
        assertThat(((Concatenated) trained.start()).mergeNorms()).isEqualTo(MergeNorms.FOLD);
    }

    @Test
    void fewerRepairsAskForFewerDivergences() {
        step(method(1, 1), madeUp(Calibration.Seam::position, _ -> 1));
        assertThat(judged).hasSize(1);
        assertThat(refitted).containsExactly(0);
    }

    @Test
    void firstOnesWinTies() {
        assertThat(step(method(1, 4), madeUp(_ -> 1, _ -> 1)).position()).isEqualTo(1);
    }

    @Test
    void layersBehindBarriersStay() {
        SeamAuto method = new SeamAuto(new SeamAuto.Options(new Barriers(2, 3), 1, MergeNorms.FOLD, 4));
        assertThat(step(method, madeUp(_ -> 1, _ -> 1)).position()).isEqualTo(2);
        assertThat(judged).hasSize(1);
        SeamAuto none = new SeamAuto(new SeamAuto.Options(new Barriers(3, 3), 1, MergeNorms.FOLD, 4));
        assertThatThrownBy(() -> step(none, madeUp(_ -> 1, _ -> 1))).isInstanceOf(NothingToDoException.class)
                .hasMessageContaining("--barriers");
    }

    @Test
    void theFirstLayerHasNoneBeforeItToRepair() {
        SeamAuto method = new SeamAuto(new SeamAuto.Options(new Barriers(0, 0), 1, MergeNorms.FOLD, 9));
        step(method, madeUp(_ -> 1, _ -> 1));
        assertThat(judged).hasSize(5).allMatch(stack -> has(stack, 0));
        assertThat(IntStream.range(1, 6)).allMatch(layer -> judged.stream().anyMatch(stack -> !has(stack, layer)));
        assertThat(Objects.requireNonNull(judged.getFirst().get(1))).isEqualTo(new Original(2));
    }

    @Test
    void atLeastOneIsRepaired() {
        assertThatThrownBy(() -> new SeamAuto.Options(Barriers.ONE_EACH, 4, MergeNorms.FOLD, 0))
                .isInstanceOf(UsageException.class).hasMessageContaining("--repair is 0");
    }
}
