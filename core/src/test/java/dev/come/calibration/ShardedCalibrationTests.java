package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.calibration.Question.Range;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.heal.Refits;
import dev.come.model.ModelConfig;
import dev.come.prune.Barriers;
import dev.come.prune.ChannelScore;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.Compensate;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Methods;
import dev.come.prune.Pruning;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningMethod.Needs;
import dev.come.prune.PruningStep;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.prune.Taylor;
import dev.come.run.ModelRecipe;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode.MergeNorms;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.stack.TrainedLayers;
import dev.come.text.Sequences;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One machine is the slow twin of many: whatever a method asks, it must get the same bits. */
class ShardedCalibrationTests {
    private static final long MEMORY = 200_000;
    private static final int TARGET = 4;
    private static final int LONGEST = 50;

    /** What asks every question that can be asked of shards but for pooled states, which mka takes long over. */
    private static final List<PruningMethod> METHODS = List.of(
            new ShortGpt(ShortGpt.Options.DEFAULTS),
            new ShortGpt(new ShortGpt.Options(true, Compat.NONE)),
            new ConcatMerge(ConcatMerge.Options.DEFAULTS),
            new ConcatMergeP(ConcatMergeP.Options.DEFAULTS),
            Methods.SLEB.method(),
            Methods.COME_AUTO.method(),
            new Laco(new Laco.Options(Laco.Variant.RDSC, 2, 1, 0, Laco.Options.LAST, 0.1, 0.05), true));

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"llama-gqa, 1, F32", "qwen3, 3, F32", "opt, 2, F32"})
    void anyNumberOfOwnersAndAnyDivisionGivesWhatOneMachineGives(String model, int owners, DType type) {
        long seed = System.nanoTime();
        System.out.println("ShardedCalibrationTests: shards divided and given to owners with seed " + seed);
        Random random = new Random(seed);
        Sequences tokens = tokens(random);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model))) {
            for (PruningMethod method : METHODS) {
                List<PruningStep> expected;
                try (LocalCalibration alone = new LocalCalibration(store(checkpoint), tokens, TestDevice.of(type, 2),
                        method.reading(), MEMORY, folder, Progress.NONE)) {
                    expected = steps(method, checkpoint, alone);
                }
                TokenChunks chunks = TokenChunks.of(tokens);
                OwnersOfShards shards = new OwnersOfShards(store(checkpoint), divided(chunks, random), owners,
                        TestDevice.of(type, 1), method.reading(), random, fresh());
                try (ShardedCalibration many = new ClusterCalibration(shards, store(checkpoint), chunks, null,
                        TestDevice.of(type, 2), method.reading(), MEMORY, Progress.NONE)) {
                    assertThat(steps(method, checkpoint, many)).as(method.name() + ", seed " + seed)
                            .isEqualTo(expected);
                }
                assertThat(shards.made()).as("shards that were made").isGreaterThanOrEqualTo(shards.ranges().size());
            }
        }
    }

    /** All that the command offers with --master, with its defaults; seam_auto is refused there, and manual wants layers. */
    @Test
    void everyMethodGivesWhatOneMachineGives() {
        long seed = System.nanoTime();
        System.out.println("ShardedCalibrationTests: every method with seed " + seed);
        Random random = new Random(seed);
        // mka compares every sequence with every other.
        Sequences tokens = tokens(random, 110);
        List<PruningMethod> methods = Methods.ALL.stream()
                .filter(entry -> !List.of(Methods.SEAM_AUTO, Methods.MANUAL).contains(entry))
                .<PruningMethod>map(Methods.Entry::method).toList();
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
            for (PruningMethod method : methods) {
                List<PruningStep> expected;
                try (LocalCalibration alone = new LocalCalibration(store(checkpoint), tokens, TestDevice.float32(2),
                        method.reading(), MEMORY, folder, Progress.NONE)) {
                    expected = stepsIfAny(method, checkpoint, alone);
                }
                TokenChunks chunks = TokenChunks.of(tokens);
                assertThat(chunks.size()).isGreaterThan(1);
                // Gradients are added up in groups that the tokens decide on.
                List<TokenChunks> division = method.needs() == Needs.GRADIENTS
                        ? Shard.divide(chunks)
                        : chunks.groups(1, 1);
                try (ShardedCalibration many = new ClusterCalibration(
                        new OwnersOfShards(store(checkpoint), division, 3, TestDevice.float32(1), method.reading(),
                                random, fresh()),
                        store(checkpoint), chunks, null, TestDevice.float32(2), method.reading(), MEMORY,
                        Progress.NONE)) {
                    assertThat(stepsIfAny(method, checkpoint, many)).as(method.name() + ", seed " + seed)
                            .isEqualTo(expected);
                }
            }
        }
    }

    @Test
    void whatTheReferenceReadsAfterTheFinalNormAndPooledStatesAreTheSameToo() {
        long seed = System.nanoTime();
        System.out.println("ShardedCalibrationTests: seed " + seed);
        Random random = new Random(seed);
        Sequences tokens = tokens(random);
        LayerStack dense = LayerStack.dense(6);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"));
                LocalCalibration alone = new LocalCalibration(store(checkpoint), tokens, TestDevice.float32(2),
                        Reading.REFERENCE, MEMORY, folder, Progress.NONE);
                ShardedCalibration many = new ClusterCalibration(
                        new OwnersOfShards(store(checkpoint), divided(TokenChunks.of(tokens), random), 3,
                                TestDevice.float32(1), Reading.REFERENCE, random, fresh()),
                        store(checkpoint), TokenChunks.of(tokens), null, TestDevice.float32(2), Reading.REFERENCE,
                        MEMORY, Progress.NONE)) {
            for (Calibration.Tokens which : Calibration.Tokens.values()) {
                assertThat(many.angularDistance(dense, 2, which)).isEqualTo(alone.angularDistance(dense, 2, which));
            }
            assertThat(many.blockInfluence(dense)).isEqualTo(alone.blockInfluence(dense));
            assertThat(many.relativeMagnitude(dense)).isEqualTo(alone.relativeMagnitude(dense));
            assertThat(many.pooledStates(dense).toArray(double[][][]::new))
                    .isDeepEqualTo(alone.pooledStates(dense).toArray(double[][][]::new));
        }
    }

    /** What needs sums as large as layers: they are added up in groups that the tokens decide on, so shards are these. */
    private static final List<PruningMethod> WITH_LARGE_SUMS = List.of(
            Methods.TAYLOR.method(),
            new Taylor(new Taylor.Options(GradientOrder.ABS_FIRST, Taylor.Options.DEFAULTS.weightReduction(),
                    Taylor.Options.DEFAULTS.blockReduction(), false, Compat.NONE)),
            merging(Compensate.PARALLEL),
            merging(Compensate.SEQUENCE),
            new ComeAuto(new ComeAuto.Options(Barriers.ONE_EACH, 4, 2, 1)));

    private static PruningMethod merging(Compensate how) {
        return new ConcatMerge(new ConcatMerge.Options(SkipMethod.BI, 2, false, 1, 0, MergeNorms.FOLD,
                ChannelScore.LEVERAGE, how, Compat.NONE));
    }

    @ParameterizedTest
    @CsvSource({"llama-gqa, 1, F32", "opt, 2, BF16"})
    void sumsAsLargeAsALayerAreThoseOfOneMachine(String model, int owners, DType type) {
        long seed = System.nanoTime();
        System.out.println("ShardedCalibrationTests: large sums with seed " + seed);
        Random random = new Random(seed);
        // Long sequences, since gradients are taken of each.
        Sequences tokens = Sequences.of(
                IntStream.range(0, 190).mapToObj(_ -> random.ints(LONGEST - random.nextInt(9), 0, 128).toArray())
                        .toList());
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(model))) {
            for (PruningMethod method : WITH_LARGE_SUMS) {
                DType computed = method.needs() == Needs.GRADIENTS ? DType.F32 : type;
                List<PruningStep> expected;
                try (TrainedLayers trained = new TrainedLayers(fresh())) {
                    LayerStore store = store(checkpoint).with(trained);
                    RefittedLayers fits = RefittedLayers.of(new Refits(store, trained), tokens);
                    try (LocalCalibration alone = method.needs() == Needs.FITS
                            ? LocalCalibration.refitting(store, fits, TestDevice.of(computed, 2), method.reading(),
                                    MEMORY, folder, Progress.NONE)
                            : new LocalCalibration(store, tokens, TestDevice.of(computed, 2), method.reading(), MEMORY,
                                    folder, Progress.NONE)) {
                        expected = steps(method, checkpoint, alone);
                    }
                }
                try (TrainedLayers trained = new TrainedLayers(fresh())) {
                    LayerStore store = store(checkpoint).with(trained);
                    RefittedLayers fits = method.needs() == Needs.FITS
                            ? RefittedLayers.of(new Refits(store, trained), tokens)
                            : null;
                    TokenChunks chunks = fits == null ? TokenChunks.of(tokens) : fits.chunks();
                    OwnersOfShards shards = new OwnersOfShards(store, Shard.divide(chunks), owners,
                            TestDevice.of(computed, 1),
                            method.reading(), random, fresh());
                    assertThat(shards.ranges()).as("shards").hasSizeGreaterThan(1);
                    try (ShardedCalibration many = new ClusterCalibration(shards, store, chunks, fits,
                            TestDevice.of(computed, 2), method.reading(), MEMORY, Progress.NONE)) {
                        assertThat(steps(method, checkpoint, many)).as(method.name() + ", seed " + seed)
                                .isEqualTo(expected);
                    }
                }
            }
        }
    }

    private Path fresh() {
        try {
            return Files.createTempDirectory(folder, "fresh");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** In shards of any size. */
    private static List<TokenChunks> divided(TokenChunks chunks, Random random) {
        List<TokenChunks> division = new ArrayList<>();
        List<Chunk> part = new ArrayList<>();
        for (Chunk chunk : chunks.chunks()) {
            part.add(chunk);
            if (random.nextBoolean()) {
                division.add(new TokenChunks(part));
                part.clear();
            }
        }
        if (!part.isEmpty()) {
            division.add(new TokenChunks(part));
        }
        return division;
    }

    /** Small models want few tokens; several chunks, with short sequences in them. */
    private static Sequences tokens(Random random) {
        return tokens(random, 160);
    }

    private static Sequences tokens(Random random, int count) {
        return Sequences.of(IntStream.range(0, count)
                .mapToObj(_ -> random.ints(1 + random.nextInt(LONGEST), 0, 128).toArray()).toList());
    }

    private static LayerStore store(Checkpoint checkpoint) {
        return new LayerStore(checkpoint, ModelConfig.of(checkpoint));
    }

    /** The rules of some methods keep all layers of a small model. */
    private static List<PruningStep> stepsIfAny(PruningMethod method, Checkpoint checkpoint, Calibration calibration) {
        List<PruningStep> all = new ArrayList<>();
        try {
            Pruning.run(method, LayerStack.dense(ModelConfig.of(checkpoint).layers()), TARGET, calibration,
                    all::addAll);
        } catch (NothingToDoException e) {
            assertThat(all).as(method.name()).isEmpty();
        }
        return all;
    }

    private static List<PruningStep> steps(PruningMethod method, Checkpoint checkpoint, Calibration calibration) {
        List<PruningStep> all = new ArrayList<>();
        try {
            Pruning.run(method, LayerStack.dense(ModelConfig.of(checkpoint).layers()), TARGET, calibration,
                    all::addAll);
        } catch (NothingToDoException e) {
            throw new AssertionError(method.name() + " asks too little to compare anything", e);
        }
        assertThat(all).isNotEmpty();
        return all;
    }

    @Test
    void shardsAreDividedByTheTokensAlone() {
        TokenChunks chunks = TokenChunks.of(Sequences.windows(new int[9 * 2048], 2048));
        assertThat(Shard.divide(chunks)).extracting(TokenChunks::size).containsExactly(4, 4, 1);
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
            Recipe recipe = Recipe.of(checkpoint, chunks, TestDevice.float32(3), Reading.DEFINITION, MEMORY);
            assertThat(recipe.shards()).hasSize(3);
            assertThat(recipe.range(1)).isEqualTo(new Range(4, 8));
            assertThat(OwnersOfShards.copy(recipe).range(2)).isEqualTo(new Range(8, 9));
            ModelRecipe model = recipe.model();
            ModelRecipe other = new ModelRecipe(model.folder(), "another", model.type(), model.engine(),
                    model.instructions());
            assertThatThrownBy(other::open).hasMessageContaining("The model at " + model.folder()
                    + " is another one: " + checkpoint.fingerprint() + " where another is expected");
            ModelRecipe elsewhere = new ModelRecipe(folder.resolve("none").toString(), model.fingerprint(),
                    model.type(), model.engine(), model.instructions());
            assertThatThrownBy(elsewhere::open).hasMessageContaining("There is no model at ")
                    .hasMessageContaining("every machine needs the model at the same place");
            ModelRecipe narrow = new ModelRecipe(model.folder(), model.fingerprint(), model.type(), model.engine(),
                    "NEON");
            assertThatThrownBy(narrow::open).hasMessageContaining("instruction set").hasMessageContaining("NEON");
        }
    }
}
