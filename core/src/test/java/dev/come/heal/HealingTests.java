package dev.come.heal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointWriter;
import dev.come.checkpoint.TensorSpec;
import dev.come.heal.Healing.Options;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.model.CausalLanguageModel;
import dev.come.model.KeyValueCache;
import dev.come.model.LayerWeights;
import dev.come.model.ModelConfig;
import dev.come.model.Part;
import dev.come.model.Tensors;
import dev.come.model.UsualNames;
import dev.come.prune.PruningStep;
import dev.come.run.StackLosses;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerNode.Original;
import dev.come.stack.LayerNode.QueryHeads;
import dev.come.stack.LayerNode.Share;
import dev.come.stack.LayerNode.Trained;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class HealingTests {
    static final List<String> MODELS = Golden.MODELS;

    private static final TinyLlama TINY = new TinyLlama(4, 64, 16, 24, 2, 2, 4, false);

    @TempDir
    private Path folder;
    private int runs;

    /** A model that is open, for the length of a test. */
    static void with(Path model, Consumer<LayerStore> test) {
        try (Checkpoint checkpoint = UsualNames.open(model)) {
            test.accept(new LayerStore(checkpoint, ModelConfig.of(checkpoint)));
        }
    }

    /**
     * Text that the dense model draws itself, which it therefore expects more than a pruned model does. The models are
     * random, so on any other text a better layer would not have to mean a lower loss.
     */
    static Sequences drawn(LayerStore store, int count, int length) {
        Random random = new Random(3);
        List<int[]> drawn = new ArrayList<>();
        try (CausalLanguageModel model = new CausalLanguageModel(store.checkpoint(), store.config(),
                TestDevice.float32(1))) {
            for (int i = 0; i < count; i++) {
                int[] sequence = new int[length];
                sequence[0] = random.nextInt(store.config().vocabularySize());
                try (KeyValueCache cache = model.cache(length)) {
                    for (int position = 1; position < length; position++) {
                        sequence[position] = draw(model.nextTokenLogits(new int[]{sequence[position - 1]}, cache),
                                random);
                    }
                }
                drawn.add(sequence);
            }
        }
        return Sequences.of(drawn);
    }

    /** A token by the squares of the probabilities. */
    private static int draw(float[] logits, Random random) {
        double[] weights = new double[logits.length];
        double largest = IntStream.range(0, logits.length).mapToDouble(i -> logits[i]).max().orElseThrow();
        Arrays.setAll(weights, i -> Math.exp(2 * (logits[i] - largest)));
        double left = random.nextDouble() * Arrays.stream(weights).sum();
        int token = 0;
        while (token < weights.length - 1 && left >= weights[token]) {
            left -= weights[token++];
        }
        return token;
    }

    static Sequences drawn(LayerStore store) {
        return drawn(store, 20, 24);
    }

    private Path fresh() {
        try {
            return Files.createDirectory(folder.resolve("run" + runs++));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Optional<PruningStep> heal(LayerStore store, LayerStack stack, Sequences tokens, Options options,
            Path target) {
        return new Healing(store, TestDevice.float32(2), options, Long.MAX_VALUE, target, Progress.NONE).heal(stack,
                tokens);
    }

    /** Each piece of work with what it was said to come to, and the most and the last that it came to. */
    private static final class Counting implements Progress {
        private final List<Count> counts = new ArrayList<>();

        private static final class Count implements Task {
            private final String what;
            private final long total;
            private long most;
            private long done;
            private boolean back;

            Count(String what, long total) {
                this.what = what;
                this.total = total;
            }

            @Override
            public synchronized void advance(long steps) {
                done += steps;
                most = Math.max(most, done);
                back |= steps < 0;
            }
        }

        @Override
        public Task begin(String what, long total, String unit) {
            counts.add(new Count(what, total));
            return counts.getLast();
        }

        @Override
        public void note(String line) {
        }
    }

    private static final List<Options> ALL = Stream.concat(
            Arrays.stream(Targets.values()).map(targets -> new Options(Scope.ALL, targets)),
            Stream.of(new Options(Scope.ALL, Targets.DOWN, Weights.NORM, 1, Seam.PAIR))).toList();

    /** With few tokens some fits are not taken and some are not found, so that layers are run once more or once less. */
    @Test
    void progressEndsAtItsTotalAndNeverGoesBeyond() {
        Counting progress = new Counting();
        List<Double> lambdas = new ArrayList<>();
        for (int seed = 0; seed < 8; seed++) {
            Random random = new Random(seed);
            with(TINY.write(folder.resolve("model" + seed), random), store -> {
                for (Options options : ALL) {
                    new Healing(store, TestDevice.float32(2), options, Long.MAX_VALUE, fresh(), progress).heal(
                            LayerStack.dense(4).without(1, 1), drawn(store, 3, 10))
                            .ifPresent(step -> lambdas.addAll(
                                    Objects.requireNonNull(step.scores().get("lambda_down")).subList(0, 3)));
                }
            });
        }
        for (Counting.Count count : progress.counts) {
            assertThat(count.most).as(count.what).isEqualTo(count.total);
            assertThat(count.done).as(count.what).isEqualTo(count.total);
        }
        assertThat(progress.counts).anyMatch(count -> count.back);
        assertThat(lambdas).contains(Double.POSITIVE_INFINITY).anyMatch(Double::isFinite);
    }

    static double loss(LayerStore store, LayerStack stack, Sequences tokens) {
        try (StackLosses losses = new StackLosses(store, List.of(stack), tokens, TestDevice.float32(1),
                Long.MAX_VALUE)) {
            return Arrays.stream(losses.measure(_ -> {
            }).getFirst()).average().orElseThrow();
        }
    }

    /** Every fifth, from the second on. */
    static Sequences heldOut(Sequences tokens) {
        return Sequences.of(IntStream.range(0, tokens.count()).filter(i -> i % 5 == 1)
                .mapToObj(tokens::sequence).toList());
    }

    private static List<Double> finite(PruningStep step, String score) {
        return Objects.requireNonNull(step.scores().get(score)).stream().filter(Double::isFinite).toList();
    }

    private static LayerStack concatenated(ModelConfig config) {
        int heads = config.keyValueHeads();
        int channels = config.intermediateSize();
        List<Integer> fewHeads = IntStream.range(0, (heads + 1) / 2).boxed().toList();
        List<Integer> otherHeads = IntStream.range((heads + 1) / 2, heads).boxed().toList();
        List<Integer> fewChannels = IntStream.range(0, channels / 2).boxed().toList();
        List<Integer> otherChannels = IntStream.range(channels / 2, channels).boxed().toList();
        return LayerStack.dense(config.layers()).replace(2, 2, new Concatenated(
                List.of(new Share(new Original(2), 0.5, fewHeads, fewChannels),
                        new Share(new Original(3), 0.5, otherHeads, otherChannels)),
                QueryHeads.GROUPED));
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void everyModelComesNearerToTheDenseOne(String golden) {
        with(Golden.model(golden), store -> {
            Sequences tokens = drawn(store);
            for (LayerStack stack : List.of(LayerStack.dense(store.config().layers()).without(2, 2),
                    concatenated(store.config()))) {
                Path target = fresh();
                Optional<PruningStep> healed = heal(store, stack, tokens, Options.DEFAULTS, target);
                if (healed.isEmpty() && golden.equals("opt-350m-like")) {
                    continue; // it norms after the projections, so that states are not linear in them
                }
                PruningStep step = healed.orElseThrow();
                List<Double> before = finite(step, "held_out_error_before");
                List<Double> after = finite(step, "held_out_error_after");
                assertThat(before).isNotEmpty().hasSameSizeAs(after);
                for (int i = 0; i < before.size(); i++) {
                    assertThat(after.get(i)).isLessThanOrEqualTo(before.get(i));
                }
                assertThat(after.getFirst()).isLessThan(before.getFirst());
                try (TrainedLayers trained = new TrainedLayers(target)) {
                    double loss = loss(store.with(trained), step.stack(), heldOut(tokens));
                    List<Double> losses = Objects.requireNonNull(step.scores().get("held_out_loss_dense_before_after"));
                    LayerStack dense = LayerStack.dense(store.config().layers());
                    assertThat(losses.get(0)).isCloseTo(loss(store, dense, heldOut(tokens)), within(1e-9));
                    assertThat(losses.get(1)).isCloseTo(loss(store, stack, heldOut(tokens)), within(1e-9));
                    assertThat(losses.get(2)).isCloseTo(loss, within(1e-9));
                    assertThat(loss).isFinite().isLessThan(loss(store, stack, heldOut(tokens)));
                }
            }
        });
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void aModelThatWasNotPrunedStaysAsItIs(String golden) {
        with(Golden.model(golden), store -> {
            Path target = fresh();
            assertThat(heal(store, LayerStack.dense(store.config().layers()), drawn(store), Options.DEFAULTS,
                    target)).isEmpty();
            assertThat(target).isEmptyDirectory();
        });
    }

    @Test
    void layersBeforeTheFirstEditStay() {
        with(Golden.model("llama-gqa"), store -> {
            LayerStack stack = LayerStack.dense(store.config().layers()).without(3, 1);
            PruningStep step = heal(store, stack, drawn(store), Options.DEFAULTS, fresh()).orElseThrow();
            assertThat(step.stack().window(0, 2)).isEqualTo(stack.window(0, 2));
            assertThat(step.stack().get(2)).isInstanceOf(Trained.class);
            assertThat(step.stack().get(2).originals()).containsExactly(2);
        });
    }

    @Test
    void theScopeCutLeavesLayersAloneThatAreNotNextToAnEdit() {
        with(Golden.model("llama-gqa"), store -> {
            LayerStack stack = LayerStack.dense(store.config().layers()).without(1, 1);
            PruningStep step = heal(store, stack, drawn(store), new Options(Scope.CUT, Targets.DOWN), fresh())
                    .orElseThrow();
            List<Double> before = Objects.requireNonNull(step.scores().get("held_out_error_before"));
            assertThat(IntStream.range(0, stack.size()).filter(i -> Double.isFinite(before.get(i))))
                    .containsExactly(0, 1);
            assertThat(step.stack().window(2, 3)).isEqualTo(stack.window(2, 3));
        });
    }

    @Test
    void onlyTheTargetsChange() {
        with(Golden.model("llama-bias"), store -> {
            LayerStack stack = LayerStack.dense(store.config().layers()).without(2, 1);
            for (Targets targets : Targets.values()) {
                Path target = fresh();
                PruningStep step = heal(store, stack, drawn(store), new Options(Scope.ALL, targets), target)
                        .orElseThrow();
                List<Part> allowed = targets == Targets.DOWN
                        ? List.of(Part.DOWN, Part.DOWN_BIAS)
                        : List.of(Part.OUTPUT, Part.OUTPUT_BIAS, Part.DOWN, Part.DOWN_BIAS);
                try (TrainedLayers trained = new TrainedLayers(target); var _ = new PointerScope()) {
                    LayerWeights before = store.materialise(stack.get(1));
                    LayerWeights after = store.with(trained).materialise(step.stack().get(1));
                    List<Part> changed = before.asMap().keySet().stream()
                            .filter(part -> !after.get(part).equal(before.get(part))).toList();
                    assertThat(changed).isNotEmpty().isSubsetOf(allowed).contains(Part.DOWN, Part.DOWN_BIAS);
                    double penalty = Objects.requireNonNull(step.scores().get("lambda_o")).get(1);
                    assertThat(Double.isFinite(penalty)).isEqualTo(changed.contains(Part.OUTPUT));
                }
            }
        });
    }

    /**
     * A toy that is linear in what is refitted: attention gives nothing, layer 1 neither, and layer 2 has the same inputs
     * and the same channels as layer 1. Without layer 2, the down projection of layer 1 must become that of layer 2.
     */
    static Path linearToy(Path target) {
        Random random = new Random(5);
        Map<String, float[]> tensors = new HashMap<>();
        Function<TensorSpec, float[]> weights = spec -> {
            String name = spec.name().replace("layers.2.mlp.gate", "layers.1.mlp.gate")
                    .replace("layers.2.mlp.up", "layers.1.mlp.up")
                    .replace("layers.2.post", "layers.1.post");
            float[] values = new float[TinyLlama.elements(spec)];
            boolean nothing = name.contains("o_proj") || name.equals("model.layers.1.mlp.down_proj.weight");
            return nothing ? values : tensors.computeIfAbsent(name, _ -> {
                for (int i = 0; i < values.length; i++) {
                    values[i] = (float) random.nextGaussian() / 2;
                }
                return values;
            });
        };
        return TINY.write(target, weights);
    }

    @Test
    void onALinearToyTheRefitIsExact() {
        with(linearToy(folder.resolve("toy")), store -> {
            LayerStack stack = LayerStack.dense(4).without(2, 1);
            Path target = fresh();
            PruningStep step = heal(store, stack, drawn(store, 20, 32), new Options(Scope.CUT, Targets.DOWN), target)
                    .orElseThrow();
            assertThat(Objects.requireNonNull(step.scores().get("held_out_error_before")).get(1)).isGreaterThan(1e-2);
            assertThat(Objects.requireNonNull(step.scores().get("held_out_error_after")).get(1)).isLessThan(1e-6);
            try (TrainedLayers trained = new TrainedLayers(target); var _ = new PointerScope()) {
                double[] found = Tensors.doubles(store.with(trained).materialise(step.stack().get(1)).get(Part.DOWN));
                double[] truth = Tensors.doubles(store.materialise(new Original(2)).get(Part.DOWN));
                for (int i = 0; i < truth.length; i++) {
                    assertThat(found[i]).isCloseTo(truth[i], within(2e-2));
                }
            }
        });
    }

    /** 24 channels, and 20 tokens to fit: what is found must still not harm text that was not seen. */
    @Test
    void fewerTokensThanChannelsDoNoHarm() {
        for (int seed = 0; seed < 5; seed++) {
            Random random = new Random(seed);
            with(TINY.write(folder.resolve("model" + seed), random), store -> {
                Sequences tokens = drawn(store, 3, 10);
                LayerStack stack = LayerStack.dense(4).without(1, 1);
                Path target = fresh();
                Optional<PruningStep> step = heal(store, stack, tokens, Options.DEFAULTS, target);
                step.ifPresent(healed -> {
                    try (TrainedLayers trained = new TrainedLayers(target)) {
                        assertThat(loss(store.with(trained), healed.stack(), heldOut(tokens)))
                                .isLessThan(loss(store, stack, heldOut(tokens)));
                    }
                });
            });
        }
    }

    @Test
    void threadsAndMemoryChangeNoWeight() {
        with(Golden.model("llama-gqa"), store -> {
            Sequences tokens = drawn(store);
            LayerStack stack = LayerStack.dense(store.config().layers()).without(2, 1);
            PruningStep one = new Healing(store, TestDevice.float32(1), Options.DEFAULTS, Long.MAX_VALUE, fresh(),
                    Progress.NONE).heal(stack, tokens).orElseThrow();
            PruningStep other = new Healing(store, TestDevice.float32(3), Options.DEFAULTS, 0, fresh(), Progress.NONE)
                    .heal(stack, tokens).orElseThrow();
            assertThat(other).isEqualTo(one); // the recipes hold the checksums of the weights
        });
    }

    @Test
    void healingAgainGoesOnFromTheHealedLayers() {
        with(Golden.model("llama-gqa"), store -> {
            Sequences tokens = drawn(store);
            LayerStack stack = LayerStack.dense(store.config().layers()).without(2, 2);
            Path first = fresh();
            PruningStep once = heal(store, stack, tokens, new Options(Scope.ALL, Targets.DOWN), first)
                    .orElseThrow();
            try (TrainedLayers trained = new TrainedLayers(first)) {
                Optional<PruningStep> twice = heal(store.with(trained), once.stack(), tokens,
                        Options.DEFAULTS, fresh());
                twice.ifPresent(step -> {
                    List<Double> losses = Objects.requireNonNull(step.scores().get("held_out_loss_dense_before_after"));
                    assertThat(losses.get(1)).isEqualTo(
                            Objects.requireNonNull(once.scores().get("held_out_loss_dense_before_after")).get(2));
                    assertThat(losses.get(2)).isLessThan(losses.get(1));
                    assertThat(step.stack().nodes()).anyMatch(
                            node -> node instanceof Trained again && again.start() instanceof Trained);
                });
            }
        });
    }

    @Test
    void oneSequenceCannotBeHeldOutAndIsRefused() {
        with(Golden.model("llama-gqa"), store -> assertThatThrownBy(
                () -> heal(store, LayerStack.dense(6).without(2, 1), drawn(store, 1, 32), Options.DEFAULTS, fresh()))
                .isInstanceOf(UsageException.class).hasMessageContainingAll("--heal", "1 sequence", "--nsamples"));
    }

    /** The model with down projections whose weights are all about as large as float16 can hold, and small inputs for them. */
    private Path withLargeWeights(String golden) {
        Path copy = folder.resolve("large");
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(golden))) {
            new CheckpointWriter(copy, checkpoint.config()).write(checkpoint.tensors().stream()
                    .map(info -> new TensorSpec(info.name(), info.dtype(), info.shape())).toList(), spec -> {
                        Tensor tensor = checkpoint.tensor(spec.name());
                        double mean = checkpoint.tensor(spec.name().replace("up_proj", "down_proj")).abs().mean()
                                .item_double();
                        return spec.name().contains("down_proj")
                                ? tensor.sign().mul(new Scalar(65_000))
                                : spec.name().contains("up_proj")
                                        ? tensor.mul(new Scalar(mean / 65_000))
                                        : tensor.clone();
                    });
        }
        return copy;
    }

    /** Fits would help here, but what they make of the largest weights does not fit the type that these are stored in. */
    @Test
    void aFitThatIsTooLargeForTheStoredTypeIsNotTakenAndTheOthersAre() {
        with(withLargeWeights("llama-fp16"), store -> {
            LayerStack stack = LayerStack.dense(6).without(2, 1);
            Sequences tokens = drawn(store);
            assertThat(heal(store, stack, tokens, new Options(Scope.ALL, Targets.DOWN), fresh())).isEmpty();
            PruningStep step = heal(store, stack, tokens, Options.DEFAULTS, fresh()).orElseThrow();
            assertThat(step.scores().get("lambda_down")).containsOnly(Double.POSITIVE_INFINITY);
            assertThat(step.scores().get("lambda_o")).anyMatch(Double::isFinite);
        });
    }
}
