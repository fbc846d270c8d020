package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.UsageException;
import dev.come.calibration.Calibration;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.model.Part;
import dev.come.prune.PruningStep.Action;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStack;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;

/** On golden models against every candidate by itself, and on losses that are made up. */
class ComeAutoTests {
    static final List<String> MODELS = Golden.MODELS;

    private static final int GRANULARITY = 3;
    private static final int ALL = 0;

    @TempDir
    private Path folder;

    private static ComeAuto comeAuto(int firstBarrier, int lastBarrier, int shortlist) {
        return comeAuto(firstBarrier, lastBarrier, shortlist, 0);
    }

    private static ComeAuto comeAuto(int firstBarrier, int lastBarrier, int shortlist, int refit) {
        return new ComeAuto(
                new ComeAuto.Options(new Barriers(firstBarrier, lastBarrier), GRANULARITY, shortlist, refit));
    }

    private static PruningStep step(PruningMethod method, LayerStack stack, Calibration calibration) {
        return method.next(stack, 1, calibration).getFirst();
    }

    private static List<PruningStep> steps(PruningMethod method, LayerStack dense, int target,
            Calibration calibration) {
        List<PruningStep> steps = new ArrayList<>();
        Pruning.run(method, dense, target, calibration, steps::addAll);
        return steps;
    }

    /** The ratios, heads and channels of every candidate are found here once more, the plain way. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void theLeastLossOfAllCandidatesIsTaken(String model) {
        try (GoldenRun golden = new GoldenRun(model, folder);
                LocalCalibration searching = golden.calibration(Reading.DEFINITION);
                LocalCalibration plain = golden.calibration(Reading.DEFINITION)) {
            LayerStack stack = golden.dense();
            for (int round = 0; round < 2; round++) { // the second one on what the first one left
                searching.focus(stack);
                PruningStep step = step(comeAuto(1, 1, ALL), stack, searching);
                List<LayerStack> candidates = candidates(stack, plain);
                List<Double> losses = new ArrayList<>();
                for (LayerStack candidate : candidates) {
                    losses.add(plain.loss(candidate));
                }
                assertThat(step.stack()).isEqualTo(candidates.get(losses.indexOf(Collections.min(losses))));
                List<Double> searched = scores(step, "candidate_loss");
                List<Double> atLeast = scores(step, "candidate_loss_at_least");
                assertThat(searched).hasSameSizeAs(losses).contains(Collections.min(losses));
                for (int i = 0; i < losses.size(); i++) {
                    assertThat(searched.get(i)).isIn(losses.get(i), Double.POSITIVE_INFINITY);
                    assertThat(atLeast.get(i)).isLessThanOrEqualTo(losses.get(i));
                }
                stack = step.stack();
            }
        }
    }

    private static List<LayerStack> candidates(LayerStack stack, Calibration calibration) {
        List<LayerStack> candidates = new ArrayList<>();
        for (int position = 1; position < stack.size() - 1; position++) {
            candidates.add(stack.without(position, 1));
        }
        List<Double> influence = calibration.blockInfluence(stack);
        for (int position = 0; position + 1 < stack.size(); position++) {
            double first = influence.get(position);
            TreeSet<Double> shares = new TreeSet<>(List.of(0.0, 1.0 / 3, 2.0 / 3, 1.0));
            shares.add(MergeRatio.of(List.of(first, influence.get(position + 1)), 1, 0).getFirst());
            for (double share : shares) {
                candidates.add(stack.replace(position, 2, merged(stack, position, share, calibration)));
            }
        }
        return candidates;
    }

    private static LayerNode merged(LayerStack stack, int position, double share, Calibration calibration) {
        List<Double> ratio = List.of(share, 1 - share);
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Calibration.Sensitivity sensitivity = calibration.sensitivity(stack, position + i);
            shares.add(new Share(stack.get(position + i), ratio.get(i), kept(sensitivity.keyValueHeads(), ratio, i),
                    kept(sensitivity.channels(), ratio, i)));
        }
        return new Concatenated(shares, QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    /** The layer with the smaller share keeps its part rounded down, the other one the rest. */
    private static List<Integer> kept(List<Double> scores, List<Double> ratio, int layer) {
        int smaller = ratio.get(0) < ratio.get(1) ? 0 : 1;
        int few = (int) Math.floor(scores.size() * ratio.get(smaller));
        int count = layer == smaller ? few : scores.size() - few;
        List<Integer> order = new ArrayList<>(IntStream.range(0, scores.size()).boxed().toList());
        order.sort(Comparator.comparing(scores::get));
        return order.subList(scores.size() - count, scores.size()).stream().sorted().toList();
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theFirstStepLeavesNoGreaterLossThanTheMethodsThatItJoins(String model) {
        try (GoldenRun golden = new GoldenRun(model, folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            LayerStack dense = golden.dense();
            PruningMethod pairs = new ConcatMergeP(
                    new ConcatMergeP.Options(SkipMethod.BI, 2, false, GRANULARITY, MergeNorms.FOLD, ChannelScore.L1,
                            Compensate.NONE, Compat.NONE));
            double ofPairs = calibration.loss(step(pairs, dense, calibration).stack());
            double ofRemovals = calibration.loss(step(new Sleb(Sleb.Options.DEFAULTS), dense, calibration).stack());
            double exhaustive = calibration.loss(step(comeAuto(1, 1, ALL), dense, calibration).stack());
            assertThat(exhaustive).isLessThanOrEqualTo(Math.min(ofPairs, ofRemovals));
            double shortlisted = calibration.loss(step(comeAuto(1, 1, 1), dense, calibration).stack());
            assertThat(shortlisted).isLessThanOrEqualTo(ofPairs).isGreaterThanOrEqualTo(exhaustive);
        }
    }

    @Test
    void aShortlistThatHoldsAllIsAsNone() {
        try (GoldenRun golden = new GoldenRun("llama-gqa", folder);
                LocalCalibration calibration = golden.calibration(Reading.DEFINITION)) {
            List<PruningStep> exhaustive = steps(comeAuto(1, 1, ALL), golden.dense(), 2, calibration);
            assertThat(exhaustive).hasSize(golden.dense().size() - 2);
            assertThat(steps(comeAuto(1, 1, 5), golden.dense(), 2, calibration)).isEqualTo(exhaustive);
        }
    }

    /** What is asked for is made up: six layers with two key-value heads and four channels. */
    private static final class MadeUp implements Calibration {
        private final List<Double> influence;
        private final List<Double> distances;
        private final ToDoubleFunction<LayerStack> loss;
        private final List<LayerStack> settled = new ArrayList<>();

        MadeUp(List<Double> influence, List<Double> distances, ToDoubleFunction<LayerStack> loss) {
            this.influence = influence;
            this.distances = distances;
            this.loss = loss;
        }

        MadeUp(ToDoubleFunction<LayerStack> loss) {
            this(List.of(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), List.of(0.2, 0.2, 0.2, 0.2, 0.2), loss);
        }

        @Override
        public List<Double> blockInfluence(LayerStack stack) {
            return influence.subList(0, stack.size());
        }

        @Override
        public List<Double> relativeMagnitude(LayerStack stack) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
            assertThat(width).isEqualTo(2);
            assertThat(tokens).isEqualTo(Tokens.ALL);
            return distances.subList(0, stack.size() - 1);
        }

        @Override
        public Sensitivity sensitivity(LayerStack stack, int position) {
            return new Sensitivity(List.of(1.0, 2.0), List.of(1.0, 2.0, 3.0, 4.0));
        }

        @Override
        public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
            throw new UnsupportedOperationException();
        }

        @Override
        public double loss(LayerStack stack) {
            return loss.applyAsDouble(stack);
        }

        @Override
        public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
            List<Double> losses = stacks.stream().map(this::loss).toList();
            return new SearchedLosses(losses, losses);
        }

        @Override
        public Optional<Refit> refitted(LayerStack stack, int position) {
            if (stack.get(position).equals(new Original(4))) {
                return Optional.empty();
            }
            return Optional.of(new Refit(stack.replace(position, 1,
                    new Trained(stack.get(position), Training.REFITTED, position, "0".repeat(64))), 0.5, 0.25,
                    Map.of(Part.DOWN, 0.1)));
        }

        @Override
        public LayerStack settled(LayerStack stack) {
            settled.add(stack);
            return stack;
        }

        @Override
        public List<Salience> magnitudes(LayerStack stack) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
            throw new UnsupportedOperationException();
        }

        @Override
        public List<double[][]> pooledStates(LayerStack stack) {
            throw new UnsupportedOperationException();
        }

        @Override
        public double similarity(LayerStack stack, LayerStack reference) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void focus(LayerStack stack) {
            // Nothing is remembered.
        }
    }

    private static boolean isMerged(LayerStack stack) {
        return stack.nodes().stream().anyMatch(node -> node instanceof Concatenated);
    }

    /** What is lost with each layer, squared, so that no step is like the one before. */
    private static double lossOfRemovals(LayerStack stack) {
        double sum = 0;
        for (int layer = 0; layer < 6; layer++) {
            LayerNode original = new Original(layer);
            boolean left = stack.nodes().stream().anyMatch(
                    node -> node.equals(original) || (node instanceof Trained it && it.start().equals(original)));
            sum += left ? 0 : 1 + (layer * 4 + 2) % 7;
        }
        return sum * sum;
    }

    @Test
    void whereMergesAreWorseLayersGoAsInSleb() {
        Calibration calibration = new MadeUp(stack -> lossOfRemovals(stack) + (isMerged(stack) ? 1000 : 0));
        LayerStack dense = LayerStack.dense(6);
        List<PruningStep> guided = steps(comeAuto(1, 1, ALL), dense, 2, calibration);
        assertThat(guided).extracting(PruningStep::stack)
                .isEqualTo(
                        steps(new Sleb(Sleb.Options.DEFAULTS), dense, 2, calibration).stream().map(PruningStep::stack)
                                .toList());
        assertThat(guided).allMatch(step -> step.action() == Action.REMOVE && step.ratio().isEmpty());
        assertThat(guided.getLast().stack().tree()).as("1 + (4 l + 2) mod 7 is 7, 4, 1, 5 for the layers 1 to 4")
                .isEqualTo("[0, 5]");
        assertThat(guided).extracting(PruningStep::position).containsExactly(3, 2, 2, 1);
    }

    @Test
    void whereMergesAreBetterTheRatioWithTheLeastLossIsTaken() {
        Calibration calibration = new MadeUp(stack -> {
            if (stack.get(2) instanceof Concatenated merged) {
                return Math.abs(merged.shares().getFirst().ratio() - 0.7);
            }
            return 1;
        });
        PruningStep step = step(comeAuto(1, 1, ALL), LayerStack.dense(6), calibration);
        assertThat(step.action()).isEqualTo(Action.MERGE);
        assertThat(step.stack().tree()).isEqualTo("[0, 1, [2, 3], 4, 5]");
        assertThat(step.ratio()).containsExactly(2.0 / 3, 1 - 2.0 / 3);
        Concatenated merged = (Concatenated) step.stack().get(2);
        assertThat(merged.shares()).extracting(Share::channels).as("floor(4 / 3) of the smaller share")
                .containsExactly(List.of(1, 2, 3), List.of(3));
        assertThat(merged.shares()).extracting(Share::keyValueHeads).as("unmixed: floor(2 / 3) is none")
                .containsExactly(List.of(0, 1), List.of());
    }

    @Test
    void ofEqualLossesTheFirstCandidateIsTaken() {
        Calibration calibration = new MadeUp(_ -> 1);
        PruningStep removal = step(comeAuto(2, 1, ALL), LayerStack.dense(6), calibration);
        assertThat(removal.stack().tree()).isEqualTo("[0, 1, 3, 4, 5]");
        PruningStep merge = step(comeAuto(4, 2, ALL), LayerStack.dense(6), calibration);
        assertThat(merge.stack().tree()).isEqualTo("[[0, 1], 2, 3, 4, 5]");
        assertThat(merge.ratio()).containsExactly(0.0, 1.0);
    }

    @Test
    void everyCandidateIsRecordedRemovalsFirst() {
        Calibration calibration = new MadeUp(List.of(0.1, 0.3, 0.1), List.of(0.2, 0.2), stack -> stack.size());
        PruningStep step = step(comeAuto(0, 1, ALL), LayerStack.dense(3), calibration);
        assertThat(scores(step, "block_influence")).containsExactly(0.1, 0.3, 0.1);
        assertThat(scores(step, "angular_distance")).containsExactly(0.2, 0.2);
        assertThat(scores(step, "candidate_layers")).containsExactly(1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0,
                2.0, 2.0);
        assertThat(scores(step, "candidate_position")).containsExactly(0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0,
                1.0, 1.0, 1.0);
        double none = Double.POSITIVE_INFINITY;
        assertThat(scores(step, "candidate_ratio")).usingElementComparator(
                (one, other) -> one.equals(other) || Math.abs(one - other) < 1e-12 ? 0 : Double.compare(one, other))
                .containsExactly(none, none, 0.0, 0.25, 1.0 / 3, 2.0 / 3, 1.0, 0.0, 1.0 / 3, 2.0 / 3, 0.75, 1.0);
        assertThat(scores(step, "candidate_loss")).hasSize(12).containsOnly(2.0);
        assertThat(scores(step, "candidate_loss_at_least")).hasSize(12).containsOnly(2.0);
    }

    private static List<Double> scores(PruningStep step, String name) {
        return step.scores().getOrDefault(name, List.of());
    }

    @Test
    void theShortlistHoldsTheLeastScoresTheLowerPositionOnTies() {
        Calibration calibration = new MadeUp(List.of(0.0, 0.4, 0.2, 0.2, 0.2, 0.0), List.of(0.5, 0.3, 0.4, 0.3, 0.3),
                stack -> stack.size());
        PruningStep step = step(comeAuto(1, 1, 2), LayerStack.dense(6), calibration);
        List<Double> positions = scores(step, "candidate_position");
        assertThat(positions.subList(0, 2)).as("the layers at the ends are behind the barriers")
                .containsExactly(2.0, 3.0);
        assertThat(positions.subList(2, positions.size())).containsOnly(1.0, 3.0).isSorted();
    }

    @Test
    void aPairThatChangesNothingHasTheOtherRatiosOnly() {
        Calibration calibration = new MadeUp(List.of(0.0, 0.0), List.of(0.0), stack -> isMerged(stack) ? 0 : 1);
        PruningStep step = step(comeAuto(0, 0, ALL), LayerStack.dense(2), calibration);
        assertThat(scores(step, "candidate_ratio").subList(2, 6)).containsExactly(0.0, 1.0 / 3, 2.0 / 3, 1.0);
        assertThat(scores(step, "candidate_loss")).hasSize(6);
    }

    /** Without layer 3 least is lost, and the layer before it makes up for that, and for more. */
    @Test
    void theLeastLossAfterARefitIsTakenToo() {
        MadeUp calibration = new MadeUp(stack -> {
            double loss = lossOfRemovals(stack) + (isMerged(stack) ? 1000 : 0);
            return stack.nodes().stream().anyMatch(node -> node instanceof Trained) ? loss - 20 : loss;
        });
        LayerStack dense = LayerStack.dense(6);
        assertThat(step(comeAuto(1, 1, ALL), dense, calibration).stack().tree()).isEqualTo("[0, 1, 2, 4, 5]");
        assertThat(calibration.settled).isEmpty();

        PruningStep step = step(comeAuto(1, 1, ALL, 1), dense, calibration);
        assertThat(step.stack().tree()).isEqualTo("[0, 1, 2, 4, 5]");
        assertThat(step.stack().get(2)).isInstanceOf(Trained.class);
        assertThat(calibration.settled).containsExactly(step.stack());
        assertThat(step.describe(dense)).isEqualTo("removed 3, refitted 2");
        assertThat(scores(step, "candidate_loss").subList(0, 4)).as("1 + (4 l + 2) mod 7, squared")
                .containsExactly(49.0, 16.0, 1.0, 25.0);
        double none = Double.POSITIVE_INFINITY;
        assertThat(scores(step, "candidate_refit_loss").subList(0, 4)).containsExactly(none, none, -19.0, none);
        assertThat(scores(step, "candidate_refit_error_before").subList(0, 4)).containsExactly(none, none, 0.5, none);
        assertThat(scores(step, "candidate_refit_error_after").subList(0, 4)).containsExactly(none, none, 0.25, none);
        assertThat(scores(step, "candidate_refit_lambda_down").subList(0, 4)).containsExactly(none, none, 0.1, none);
        assertThat(scores(step, "candidate_refit_lambda_o")).containsOnly(none)
                .hasSameSizeAs(scores(step, "candidate_loss"));
    }

    @Test
    void whereRefitsAreNoBetterTheStepIsTheOneWithoutThem() {
        MadeUp calibration = new MadeUp(stack -> lossOfRemovals(stack) + (isMerged(stack) ? 1000 : 0));
        List<PruningStep> without = steps(comeAuto(1, 1, ALL), LayerStack.dense(6), 2, calibration);
        List<PruningStep> with = steps(comeAuto(1, 1, ALL, 3), LayerStack.dense(6), 2, calibration);
        assertThat(with).extracting(PruningStep::stack)
                .isEqualTo(without.stream().map(PruningStep::stack).toList());
        assertThat(with).extracting(step -> scores(step, "candidate_loss"))
                .isEqualTo(without.stream().map(step -> scores(step, "candidate_loss")).toList());
    }

    /** Layer 4 cannot be refitted, and stands before the gap; the merged layer can. */
    @Test
    void whatCannotBeRefittedIsTriedWithoutARefitOnly() {
        MadeUp calibration = new MadeUp(
                stack -> stack.nodes().contains(new Original(5)) ? 1000 : isMerged(stack) ? 2 : 1);
        PruningStep step = step(comeAuto(5, 0, ALL, 2), LayerStack.dense(6), calibration);
        assertThat(step.stack().tree()).isEqualTo("[0, 1, 2, 3, 4]");
        assertThat(scores(step, "candidate_refit_loss").getFirst()).isInfinite();
        assertThat(scores(step, "candidate_refit_loss")).filteredOn(Double::isFinite).hasSize(1);
    }

    @Test
    void aNegativeNumberOfRefitsIsNamed() {
        assertThatThrownBy(() -> new ComeAuto.Options(Barriers.ONE_EACH, 4, 8, -1)).isInstanceOf(UsageException.class)
                .hasMessage("--refit is -1, but must be at least 1, or 0 to refit nothing");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            -1 | 1  | 4 | 8  | --barriers is -1,1, but neither may be less than 0
            1  | -2 | 4 | 8  | --barriers is 1,-2, but neither may be less than 0
            1  | 1  | 0 | 8  | --granularity is 0, but must be at least 1
            1  | 1  | 4 | -8 | --shortlist is -8, but must be at least 1, or 0 to try every layer and pair
            """)
    void optionsThatMakeNoSenseAreNamed(int first, int last, int granularity, int shortlist, String message) {
        assertThatThrownBy(() -> new ComeAuto.Options(new Barriers(first, last), granularity, shortlist, 0))
                .isInstanceOf(UsageException.class).hasMessage(message);
    }

    /** 4 removals and 5 pairs with 5 ratios each of 6 layers, 3 and 4 of 5; a run is half the stack for each, on average. */
    @Test
    void theCostIsCountedBeforehand() {
        PruningMethod.Cost cost = comeAuto(1, 1, ALL).cost(6, 4);
        assertThat(cost.rounds()).isEqualTo(2);
        assertThat(cost.headRuns()).isEqualTo(29 + 23);
        assertThat(cost.layerRuns()).isEqualTo(6 + 3 + 29 * 3 + 2.5 + 23 * 2.5);
        assertThat(comeAuto(1, 1, 2).cost(6, 4).headRuns()).isEqualTo(2 * 12);
        PruningMethod.Cost refitting = comeAuto(1, 1, 2, 4).cost(6, 4);
        assertThat(refitting.headRuns()).as("on a fifth of the tokens").isCloseTo(2 * (12 + 4) * 0.2, within(1e-9));
        assertThat(refitting.layerRuns()).as("and four refits, of two and a half runs, on the others")
                .isCloseTo(6 + 3 + 16 * 0.2 * 3 + 4 * 0.8 * 2.5 + 2.5 + 16 * 0.2 * 2.5 + 4 * 0.8 * 2.5, within(1e-9));
        assertThat(comeAuto(9, 9, ALL).cost(6, 5).headRuns()).as("no removal, but pairs").isEqualTo(25);
    }
}
