package dev.come.heal;

import static dev.come.heal.HealingTests.drawn;
import static dev.come.heal.HealingTests.heldOut;
import static dev.come.heal.HealingTests.loss;
import static dev.come.heal.HealingTests.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.UsageException;
import dev.come.WideModels;
import dev.come.calibration.Calibration.Refit;
import dev.come.calibration.LocalCalibration;
import dev.come.calibration.Reading;
import dev.come.calibration.RefittedLayers;
import dev.come.calibration.SideBySide;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.heal.Healing.Targets;
import dev.come.model.Families;
import dev.come.model.LayerWeights;
import dev.come.model.Part;
import dev.come.model.UsualNames;
import dev.come.prune.Barriers;
import dev.come.prune.ComeAuto;
import dev.come.prune.Pruning;
import dev.come.prune.PruningStep;
import dev.come.stack.LayerNode;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerNode.Training;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.StackWriter;
import dev.come.stack.TrainedLayers;
import dev.come.text.HeldOut;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Edits that are followed by a refit, on golden models, against plain runs of every candidate by itself. */
class RefitsTests {
    static final List<String> MODELS = Golden.MODELS;

    private static final int REFITS = 3;

    @TempDir
    private Path folder;
    private int folders;

    /** A calibration that refits, and what belongs to it. */
    private static final class Run implements AutoCloseable {
        private final TrainedLayers trained;
        private final LayerStore store;
        private final LocalCalibration calibration;

        Run(LayerStore dense, Sequences tokens, int threads, long memory, Path folder) {
            this(dense, tokens, threads, memory, folder, Targets.DOWN_AND_OUTPUT);
        }

        Run(LayerStore dense, Sequences tokens, int threads, long memory, Path folder, Targets targets) {
            trained = new TrainedLayers(folder);
            store = dense.with(trained);
            calibration = LocalCalibration.refitting(store,
                    RefittedLayers.of(new Refits(store, trained, targets), tokens), TestDevice.float32(threads),
                    Reading.DEFINITION, memory, folder, Progress.NONE);
        }

        @Override
        public void close() {
            calibration.close();
            trained.close();
        }
    }

    private Path fresh() {
        try {
            return Files.createDirectory(folder.resolve("run" + folders++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Run run(LayerStore store, Sequences tokens) {
        return new Run(store, tokens, 2, Long.MAX_VALUE, fresh());
    }

    private static ComeAuto comeAuto(int refit) {
        return new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 2, 3, refit));
    }

    private static List<PruningStep> steps(Run run, int refit, int target) {
        List<PruningStep> steps = new ArrayList<>();
        Pruning.run(comeAuto(refit), LayerStack.dense(run.store.config().layers()), target, run.calibration,
                steps::addAll);
        return steps;
    }

    private static List<Double> scores(PruningStep step, String name) {
        return Objects.requireNonNull(step.scores().get(name));
    }

    /** A layer that was fitted in a plain run of both models from their first layers on. */
    private record Plain(LayerStack stack, double loss) {}

    private Optional<Plain> refitted(LayerStore store, LayerStack stack, int position, Sequences tokens) {
        HeldOut forLosses = HeldOut.of(tokens);
        HeldOut forPenalties = HeldOut.of(forLosses.fitted());
        try (SideBySide side = new SideBySide(store, forPenalties.fitted(), forPenalties.heldOut(),
                TestDevice.float32(1), Long.MAX_VALUE, folder);
                var _ = new PointerScope()) {
            for (int before = 0; before < position; before++) {
                side.runDense(before + 1); // only to have states to compare with
                LayerNode node = stack.get(before);
                side.moveOn(side.run(node, store.materialise(node), Optional.empty()));
            }
            side.runDense(position + 1 < stack.size()
                    ? stack.get(position + 1).originals().min().orElseThrow()
                    : store.config().layers());
            LayerNode node = stack.get(position);
            LayerFit fit = LayerFit.of(node, store.materialise(node), Targets.DOWN_AND_OUTPUT, side, 0,
                    _ -> {
                    });
            if (!fit.isTaken()) {
                return Optional.empty();
            }
            try (TrainedLayers trained = new TrainedLayers(fresh())) {
                LayerStack refitted = stack.replace(position, 1,
                        trained.add(store.config(), node, Training.REFITTED, position, fit.weights()));
                return Optional.of(new Plain(refitted, loss(store.with(trained), refitted, heldOut(tokens))));
            }
        }
    }

    /** The candidates of a step, by what its record tells of them. */
    private static List<LayerStack> candidates(LayerStack before, PruningStep step, LocalCalibration calibration) {
        List<LayerStack> candidates = new ArrayList<>();
        for (int i = 0; i < scores(step, "candidate_position").size(); i++) {
            int position = (int) (double) scores(step, "candidate_position").get(i);
            double share = scores(step, "candidate_ratio").get(i);
            candidates.add(Double.isFinite(share)
                    ? before.replace(position, 2, merged(before, position, share, calibration))
                    : before.without(position, 1));
        }
        return candidates;
    }

    private static LayerNode merged(LayerStack stack, int position, double share, LocalCalibration calibration) {
        List<Share> shares = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            var sensitivity = calibration.sensitivity(stack, position + i);
            shares.add(new Share(stack.get(position + i), i == 0 ? share : 1 - share,
                    kept(sensitivity.keyValueHeads(), share, i), kept(sensitivity.channels(), share, i)));
        }
        return new Concatenated(shares, QueryHeads.GROUPED, MergeNorms.FOLD);
    }

    private static List<Integer> kept(List<Double> scores, double share, int layer) {
        int smaller = share < 1 - share ? 0 : 1;
        int few = (int) Math.floor(scores.size() * Math.min(share, 1 - share));
        int count = layer == smaller ? few : scores.size() - few;
        return IntStream.range(0, scores.size()).boxed().sorted(Comparator.comparing(scores::get))
                .skip(scores.size() - count).sorted().toList();
    }

    /** Candidate by candidate, each made into weights, fitted, and measured without a trace, a search, or known states. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void theStepsAreThoseThatAPlainSearchTakes(String golden) {
        with(Golden.model(golden), dense -> {
            Sequences tokens = drawn(dense);
            try (Run run = run(dense, tokens)) {
                LayerStack stack = LayerStack.dense(dense.config().layers());
                for (PruningStep step : steps(run, REFITS, stack.size() - 2)) {
                    run.calibration.focus(stack);
                    List<LayerStack> candidates = candidates(stack, step, run.calibration);
                    List<Double> losses = candidates.stream()
                            .map(candidate -> loss(run.store, candidate, heldOut(tokens))).toList();
                    List<Integer> tried = IntStream.range(0, losses.size()).boxed()
                            .sorted(Comparator.comparing(losses::get)).limit(REFITS).toList();
                    double least = losses.get(tried.getFirst());
                    LayerStack best = candidates.get(tried.getFirst());
                    for (int i = 0; i < losses.size(); i++) {
                        double recorded = scores(step, "candidate_refit_loss").get(i);
                        if (!tried.contains(i)) {
                            assertThat(recorded).isInfinite();
                            continue;
                        }
                        assertThat(scores(step, "candidate_loss").get(i)).isCloseTo(losses.get(i), within(1e-9));
                        LayerStack candidate = candidates.get(i);
                        boolean removal = Double.isInfinite(scores(step, "candidate_ratio").get(i));
                        int position = (int) (double) scores(step, "candidate_position").get(i);
                        Optional<Plain> plain = refitted(run.store, candidate, removal ? position - 1 : position,
                                tokens);
                        assertThat(Double.isFinite(recorded)).isEqualTo(plain.isPresent());
                        if (plain.isPresent()) {
                            assertThat(recorded).isCloseTo(plain.get().loss, within(1e-9));
                            if (plain.get().loss < least) {
                                least = plain.get().loss;
                                best = plain.get().stack;
                            }
                        }
                    }
                    assertSame(step.stack(), best);
                    assertThat(loss(run.store, step.stack(), heldOut(tokens))).isCloseTo(least, within(1e-9))
                            .isLessThanOrEqualTo(Collections.min(losses) + 1e-9);
                    stack = step.stack();
                }
            }
        });
    }

    /** The same layers with the same weights; which position trained ones have is told apart by none. */
    private static void assertSame(LayerStack found, LayerStack expected) {
        assertThat(found.tree()).isEqualTo(expected.tree());
        for (int i = 0; i < found.size(); i++) {
            if (found.get(i) instanceof Trained one && expected.get(i) instanceof Trained other) {
                assertThat(one.sha256()).isEqualTo(other.sha256());
            } else if (expected.get(i).trained().findAny().isEmpty()) {
                assertThat(found.get(i)).isEqualTo(expected.get(i));
            }
        }
    }

    /** Otherwise the tests above would compare steps without refits. */
    @Test
    void someLayersAreRefittedAndSomeOfTheseGoIntoLaterEdits() {
        with(Golden.model("llama-gqa"), dense -> {
            try (Run run = run(dense, drawn(dense)); Run other = run(dense, drawn(dense))) {
                List<PruningStep> steps = steps(run, REFITS, 2);
                assertThat(steps).anyMatch(step -> step.stack().nodes().stream().anyMatch(Trained.class::isInstance));
                assertThat(steps.getLast().stack().nodes()).anyMatch(
                        node -> node instanceof Trained last && last.start().trained().findAny().isPresent());
                double without = loss(dense, steps(other, 0, 2).getLast().stack(), heldOut(drawn(dense)));
                assertThat(loss(run.store, steps.getLast().stack(), heldOut(drawn(dense)))).isLessThan(without);
            }
        });
    }

    /** Layer 3 is removed, and layer 2 makes up for it. */
    private static Refit refit(Run run) {
        return run.calibration.refitted(LayerStack.dense(run.store.config().layers()).without(3, 1), 2).orElseThrow();
    }

    /** The layer before the gap can become the one that was removed, and nothing is lost then. */
    @Test
    void onALinearToyARefitMakesUpForTheWholeLayer() {
        with(HealingTests.linearToy(folder.resolve("toy")), dense -> {
            Sequences tokens = drawn(dense, 25, 32);
            try (Run run = new Run(dense, tokens, 2, Long.MAX_VALUE, fresh(), Targets.DOWN)) {
                LayerStack stack = LayerStack.dense(4).without(2, 1);
                Refit refit = run.calibration.refitted(stack, 1).orElseThrow();
                assertThat(refit.errorBefore()).isGreaterThan(1e-2);
                assertThat(refit.errorAfter()).isLessThan(1e-6);
                double lost = run.calibration.loss(stack) - run.calibration.loss(LayerStack.dense(4));
                assertThat(lost).isGreaterThan(0.01);
                assertThat(run.calibration.loss(refit.stack()) - run.calibration.loss(LayerStack.dense(4)))
                        .isCloseTo(0, within(lost / 100));
            }
        });
    }

    private static Sequences changed(Sequences tokens, int which) {
        return Sequences.of(IntStream.range(0, tokens.count()).mapToObj(i -> {
            int[] sequence = tokens.sequence(i).clone();
            if (i % 5 == which) {
                for (int j = 0; j < sequence.length; j++) {
                    sequence[j] = (sequence[j] + 17) % 64;
                }
            }
            return sequence;
        }).toList());
    }

    @Test
    void tokensThatAreHeldOutForLossesChangeNoWeight() {
        with(Golden.model("llama-gqa"), dense -> {
            Sequences tokens = drawn(dense);
            try (Run run = run(dense, tokens);
                    Run other = run(dense, changed(tokens, 1));
                    Run third = run(dense, changed(tokens, 2))) {
                assertThat(refit(other)).isEqualTo(refit(run)); // the recipe holds the checksum of the weights
                LayerStack stack = LayerStack.dense(6);
                assertThat(other.calibration.loss(stack)).isNotEqualTo(run.calibration.loss(stack));
                assertThat(run.calibration.loss(stack)).isCloseTo(loss(dense, stack, heldOut(tokens)), within(1e-9));
                assertThat(refit(third).stack()).isNotEqualTo(refit(run).stack());
                assertThat(third.calibration.loss(stack)).isEqualTo(run.calibration.loss(stack));
            }
        });
    }

    @Test
    void aRefitBringsTheLayerNearerAndChangesOnlyTheProjectionsToTheResidualStream() {
        with(Golden.model("llama-bias"), dense -> {
            try (Run run = run(dense, drawn(dense)); var _ = new PointerScope()) {
                Refit refit = refit(run);
                assertThat(refit.errorAfter()).isLessThan(refit.errorBefore());
                assertThat(refit.lambdas()).isNotEmpty();
                LayerWeights was = dense.materialise(new LayerNode.Original(2));
                LayerWeights is = run.store.materialise(refit.stack().get(2));
                assertThat(was.asMap().keySet().stream().filter(part -> !is.get(part).equal(was.get(part))))
                        .isNotEmpty().isSubsetOf(Part.OUTPUT, Part.OUTPUT_BIAS, Part.DOWN, Part.DOWN_BIAS);
            }
        });
    }

    @Test
    void threadsAndMemoryChangeNothing() {
        with(Golden.model("llama-gqa"), dense -> {
            Sequences tokens = drawn(dense);
            try (Run one = new Run(dense, tokens, 1, Long.MAX_VALUE, fresh());
                    Run other = new Run(dense, tokens, 2, 4096, fresh())) {
                assertThat(steps(other, REFITS, 2)).isEqualTo(steps(one, REFITS, 2));
            }
        });
    }

    /** As a resumed run does it: the steps so far from a plan, everything else anew. */
    @Test
    void aRunGoesOnFromTheFilesOfItsSteps() {
        with(Golden.model("llama-gqa"), dense -> {
            Sequences tokens = drawn(dense);
            Path of = fresh();
            List<PruningStep> whole;
            try (Run run = new Run(dense, tokens, 2, Long.MAX_VALUE, of)) {
                whole = steps(run, REFITS, 2);
            }
            for (int taken = 1; taken < whole.size(); taken++) {
                try (Run again = new Run(dense, tokens, 2, Long.MAX_VALUE, of)) {
                    List<PruningStep> rest = new ArrayList<>();
                    Pruning.run(comeAuto(REFITS), whole.get(taken - 1).stack(), 2, again.calibration, rest::addAll);
                    assertThat(rest).isEqualTo(whole.subList(taken, whole.size()));
                }
            }
        });
    }

    /** Trained layers that have moved, or that others were made from, as after edits below them. */
    @Test
    void aSettledStackHasItsWeightsUnderItsOwnPositions() {
        with(Golden.model("llama-gqa"), dense -> {
            try (Run run = run(dense, drawn(dense)); var _ = new PointerScope()) {
                LayerStack first = refit(run).stack();
                assertThat(run.calibration.settled(first)).isEqualTo(first);
                LayerStack moved = first.without(0, 1);
                LayerStack settled = run.calibration.settled(moved);
                Trained node = (Trained) settled.get(1);
                assertThat(node.position()).isEqualTo(1);
                assertThat(node.sha256()).isEqualTo(((Trained) moved.get(1)).sha256());
                assertThat(node.start()).isEqualTo(new LayerNode.Original(2));
                assertSameWeights(run.store.materialise(node), run.store.materialise(moved.get(1)));
                assertThat(settled.replace(1, 1, moved.get(1))).isEqualTo(moved);

                LayerNode sum = new LayerNode.WeightedSum(List.of(new LayerNode.Term(settled.get(0), 0.5),
                        new LayerNode.Term(settled.get(1), 0.5)), LayerNode.Scope.ALL);
                LayerStack merged = settled.replace(0, 2, sum);
                Trained made = (Trained) run.calibration.settled(merged).get(0);
                assertThat(made.start()).isEqualTo(sum);
                assertThat(made.tree()).isEqualTo("[1, 2]");
                assertSameWeights(run.store.materialise(made), run.store.materialise(sum));
            }
        });
    }

    private static void assertSameWeights(LayerWeights found, LayerWeights expected) {
        for (Map.Entry<Part, Tensor> part : expected.asMap().entrySet()) {
            assertThat(found.get(part.getKey()).equal(part.getValue())).as("%s", part.getKey()).isTrue();
        }
    }

    @Test
    void onlyTheWeightsOfWhatWasDecidedStay() {
        with(Golden.model("llama-gqa"), dense -> {
            Path of = fresh();
            SortedMap<String, LayerNode> decided = new TreeMap<>();
            try (Run run = new Run(dense, drawn(dense), 2, Long.MAX_VALUE, of)) {
                steps(run, REFITS, 2).forEach(step -> step.stack().nodes().stream().flatMap(LayerNode::trained)
                        .forEach(node -> decided.put("layer-" + node.position() + "-" + node.sha256()
                                + ".safetensors", node)));
            }
            try (Stream<Path> left = Files.list(of)) {
                assertThat(left.map(file -> file.getFileName().toString()))
                        .containsExactlyInAnyOrderElementsOf(decided.keySet());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
    }

    static Stream<String> families() {
        return Families.ALL.stream().map(family -> family.checkedBy().getFirst());
    }

    @ParameterizedTest
    @MethodSource("families")
    void everyFamilysResultIsSavedAsItWasMeasured(String name) {
        Path model = Golden.familyModel(name);
        with(model, dense -> {
            Sequences tokens = drawn(dense, 8, 16);
            Path saved = folder.resolve("saved");
            try (Run run = run(dense, tokens)) {
                List<PruningStep> steps = steps(run, 2, dense.config().layers() - 2);
                assertThat(steps).allMatch(step -> scores(step, "candidate_refit_loss").stream()
                        .noneMatch(loss -> loss.isNaN()));
                LayerStack stack = steps.getLast().stack();
                new StackWriter(run.store, stack).write(config -> new CheckpointWriter(saved, config));
                // What the plan names is in the folder of the model alone.
                try (Checkpoint reopened = UsualNames.open(saved);
                        TrainedLayers alone = new TrainedLayers(saved);
                        var _ = new PointerScope()) {
                    float[][] logits = WideModels.logits(reopened, LayerStack.dense(stack.size()),
                            tokens.slice(0, 1));
                    for (float[] row : logits) {
                        assertThat(row).doesNotContain(Float.NaN);
                    }
                    stack.nodes().forEach(node -> assertSameWeights(dense.with(alone).materialise(node),
                            run.store.materialise(node)));
                    for (int i = 0; i < stack.size(); i++) {
                        assertSameWeights(LayerWeights.of(reopened, dense.config(), i),
                                run.store.materialise(stack.get(i)));
                    }
                }
            }
        });
    }

    @Test
    void tooFewSequencesAreRefused() {
        Sequences two = Sequences.of(List.of(new int[]{1, 2, 3}, new int[]{4, 5, 6}));
        assertThatThrownBy(() -> Refits.requireEnough(two)).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("--refit", "only 2 sequences", "at least 3", "--nsamples");
        Refits.requireEnough(Sequences.of(List.of(new int[]{1}, new int[]{2}, new int[]{3})));
    }
}
