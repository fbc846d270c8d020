package dev.come.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.calibration.Calibration;
import dev.come.model.Part;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.Scope;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStack;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every measurement that a method asks for, once each not a number. */
class MeasurementTests {
    private static final int LAYERS = 8;
    private static final String NO_LOSS = "no loss";
    /** Which of several values is wrong. */
    private static final int WRONG = 1;

    /** Measures made-up numbers, one of them wrong if a test says so, and remembers what it was asked for. */
    private static final class MadeUp implements Calibration {
        private final TreeSet<String> asked = new TreeSet<>();
        private final String broken;
        private final double wrong;
        private final Random random = new Random(1);

        MadeUp(String broken, double wrong) {
            this.broken = broken;
            this.wrong = wrong;
        }

        private double value(String what, int index) {
            asked.add(what);
            return what.equals(broken) && index == WRONG ? wrong : 0.5 + random.nextDouble();
        }

        private List<Double> values(String what, int count) {
            return IntStream.range(0, count).mapToObj(index -> value(what, index)).toList();
        }

        @Override
        public List<Double> blockInfluence(LayerStack stack) {
            return values("block influence at position 1 of", stack.size());
        }

        @Override
        public List<Double> relativeMagnitude(LayerStack stack) {
            return values("relative magnitude at position 1 of", stack.size());
        }

        @Override
        public List<Double> angularDistance(LayerStack stack, int width, Tokens tokens) {
            return values("angular distance at position 1 of", stack.size() - width + 1);
        }

        @Override
        public Sensitivity sensitivity(LayerStack stack, int position) {
            return new Sensitivity(values("sensitivity of key-value head 1 at position", 2),
                    values("sensitivity of channel 1 at position", 4));
        }

        @Override
        public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
            return merged.sources()
                    .map(_ -> new Sensitivity(values("leverage of key-value head 1 at position", 2),
                            values("leverage of channel 1 at position", 4)))
                    .toList();
        }

        @Override
        public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
            return refitted(stack, position);
        }

        @Override
        public double loss(LayerStack stack) {
            return value("loss of ", WRONG);
        }

        @Override
        public SearchedLosses searchLosses(List<LayerStack> stacks, int exact) {
            List<Double> losses = broken.equals(NO_LOSS)
                    ? Collections.nCopies(stacks.size(), Double.POSITIVE_INFINITY)
                    : values("The loss of [", stacks.size());
            List<Double> bounds = values("lower bound of the loss of [", stacks.size());
            return new SearchedLosses(losses, bounds);
        }

        @Override
        public List<Double> errorsAfterRepair(LayerStack stack, List<Seam> seams) {
            return values("error after a repair at position 1 of", seams.size());
        }

        @Override
        public List<Double> divergences(List<LayerStack> stacks) {
            return values("divergence of [", stacks.size());
        }

        @Override
        public Optional<Refit> refitted(LayerStack stack, int position) {
            Trained trained = new Trained(stack.get(position), Training.REFITTED, position, "0".repeat(64));
            return Optional.of(new Refit(stack.replace(position, 1, trained), value("error before the refit", WRONG),
                    value("error after the refit", WRONG),
                    Map.of(Part.DOWN, value("penalty of the refit of DOWN", WRONG))));
        }

        @Override
        public LayerStack settled(LayerStack stack) {
            return stack;
        }

        private List<Salience> saliences(String what, LayerStack stack) {
            return IntStream.range(0, stack.size())
                    .mapToObj(position -> new Salience(Map.of(Part.DOWN, new double[]{1, value(what, position)})))
                    .toList();
        }

        @Override
        public List<Salience> magnitudes(LayerStack stack) {
            return saliences("magnitude of DOWN at position 1", stack);
        }

        @Override
        public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
            return saliences("product of weight and gradient of DOWN at position 1", stack);
        }

        @Override
        public List<double[][]> pooledStates(LayerStack stack) {
            return IntStream.range(0, stack.size()).mapToObj(position -> IntStream.range(0, 60)
                    .mapToObj(sequence -> new double[]{random.nextDouble(),
                        value("pooled state of sequence 1 at position", sequence)})
                    .toArray(double[][]::new)).toList();
        }

        @Override
        public double similarity(LayerStack stack, LayerStack reference) {
            return value("similarity of [", WRONG);
        }

        @Override
        public void focus(LayerStack stack) {
            // Nothing is remembered.
        }
    }

    static List<PruningMethod> methods() {
        return List.of(new Sleb(Sleb.Options.DEFAULTS), new ShortGpt(ShortGpt.Options.DEFAULTS),
                new ShortGpt(new ShortGpt.Options(true, Compat.NONE)),
                new ShortGpt(new ShortGpt.Options(false, ShortGpt.LayerScore.RM, Compat.NONE)),
                new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.SLEB, 2, false, 1, 0, Compat.NONE)),
                new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, MergeNorms.FOLD,
                        ChannelScore.LEVERAGE, Compensate.SEQUENCE, Compat.NONE)),
                new ConcatMergeP(ConcatMergeP.Options.DEFAULTS), new ComeAuto(ComeAuto.Options.DEFAULTS),
                new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 4, 8, 2)),
                new SeamAuto(SeamAuto.Options.DEFAULTS),
                new Magnitude(Magnitude.Options.DEFAULTS), new Taylor(Taylor.Options.DEFAULTS),
                new Mka(new Mka.Options(8, Scope.MATRICES)),
                new Laco(new Laco.Options(Laco.Variant.RDSC, 2, 1, 1, Laco.Options.LAST, 0.4, 0.05), true));
    }

    private static void run(PruningMethod method, Calibration calibration) {
        Pruning.run(method, LayerStack.dense(LAYERS), LAYERS - 2, calibration, _ -> {
        });
    }

    @ParameterizedTest
    @MethodSource("methods")
    void whatIsNoNumberNeverMakesAChoice(PruningMethod method) {
        MadeUp sound = new MadeUp("", 0);
        assertThatCode(() -> run(method, sound)).doesNotThrowAnyException();
        assertThat(sound.asked).isNotEmpty();
        for (String measurement : sound.asked) {
            for (double wrong : new double[]{Double.NaN, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY}) {
                if (wrong == Double.POSITIVE_INFINITY && measurement.startsWith("The loss of")) {
                    continue; // of a stack that is not among the best
                }
                assertThatThrownBy(() -> run(method, new MadeUp(measurement, wrong)))
                        .as(method.name() + ", " + measurement + " " + wrong).isInstanceOf(FailedException.class)
                        .hasMessageContaining(measurement).hasMessageContaining(" is " + wrong);
            }
        }
    }

    static Stream<PruningMethod> methodsThatLookForLosses() {
        return methods().stream().filter(method -> {
            MadeUp sound = new MadeUp("", 0);
            run(method, sound);
            return sound.asked.contains("The loss of [");
        });
    }

    /** At least the best two are measured to the end, so fewer numbers than that are a failure. */
    @ParameterizedTest
    @MethodSource("methodsThatLookForLosses")
    void aSearchThatFindsNoLossIsAFailure(PruningMethod method) {
        assertThatThrownBy(() -> run(method, new MadeUp(NO_LOSS, 0))).isInstanceOf(FailedException.class)
                .hasMessageContaining("only 0 are numbers");
    }
}
