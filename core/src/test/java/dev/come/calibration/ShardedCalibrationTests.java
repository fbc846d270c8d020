package dev.come.calibration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Golden;
import dev.come.NothingToDoException;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.calibration.Question.Range;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Methods;
import dev.come.prune.Pruning;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningStep;
import dev.come.prune.ShortGpt;
import dev.come.run.TokenChunks;
import dev.come.run.TokenChunks.Chunk;
import dev.come.stack.LayerNode.Concatenated;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.Sequences;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    @CsvSource({"llama-gqa, 1, F32", "llama-gqa, 2, F32", "llama-gqa, 3, BF16", "qwen3, 3, F32", "opt, 2, F32"})
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
                Owners shards = new Owners(checkpoint, tokens, owners, TestDevice.of(type, 1), method.reading(),
                        random);
                try (ShardedCalibration many = new OnShards(shards, TokenChunks.of(tokens), 0,
                        ModelConfig.of(checkpoint), TestDevice.of(type, 2), method.reading(), MEMORY, Progress.NONE)) {
                    assertThat(steps(method, checkpoint, many)).as(method.name() + ", seed " + seed)
                            .isEqualTo(expected);
                }
                assertThat(shards.made).as("shards that were made").isGreaterThanOrEqualTo(shards.division.size());
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
                ShardedCalibration many = new OnShards(
                        new Owners(checkpoint, tokens, 3, TestDevice.float32(1), Reading.REFERENCE, random),
                        TokenChunks.of(tokens), 0, ModelConfig.of(checkpoint), TestDevice.float32(2),
                        Reading.REFERENCE, MEMORY, Progress.NONE)) {
            for (Calibration.Tokens which : Calibration.Tokens.values()) {
                assertThat(many.angularDistance(dense, 2, which)).isEqualTo(alone.angularDistance(dense, 2, which));
            }
            assertThat(many.blockInfluence(dense)).isEqualTo(alone.blockInfluence(dense));
            assertThat(many.relativeMagnitude(dense)).isEqualTo(alone.relativeMagnitude(dense));
            assertThat(many.pooledStates(dense).toArray(double[][][]::new))
                    .isDeepEqualTo(alone.pooledStates(dense).toArray(double[][][]::new));
        }
    }

    /** Small models want few tokens; several chunks, with short sequences in them. */
    private static Sequences tokens(Random random) {
        return Sequences.of(IntStream.range(0, 300)
                .mapToObj(_ -> random.ints(1 + random.nextInt(LONGEST), 0, 128).toArray()).toList());
    }

    private static LayerStore store(Checkpoint checkpoint) {
        return new LayerStore(checkpoint, ModelConfig.of(checkpoint));
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
            assertThat(recipe.shards()).isEqualTo(3);
            assertThat(recipe.range(1)).isEqualTo(new Range(4, 8));
            assertThat(copy(recipe).range(2)).isEqualTo(new Range(8, 9));
            Recipe other = new Recipe(recipe.model(), "another", recipe.type(), recipe.engine(), recipe.instructions(),
                    recipe.reading(), MEMORY, recipe.tokens());
            assertThatThrownBy(other::open).hasMessageContaining("The model at " + recipe.model()
                    + " is another one: " + checkpoint.fingerprint() + " where another is expected");
            Recipe elsewhere = new Recipe(folder.resolve("none").toString(), recipe.fingerprint(), recipe.type(),
                    recipe.engine(), recipe.instructions(), recipe.reading(), MEMORY, recipe.tokens());
            assertThatThrownBy(elsewhere::open).hasMessageContaining("There is no model at ")
                    .hasMessageContaining("every machine needs the model at the same place");
            Recipe narrow = new Recipe(recipe.model(), recipe.fingerprint(), recipe.type(), recipe.engine(), "NEON",
                    recipe.reading(), MEMORY, recipe.tokens());
            assertThatThrownBy(narrow::open).hasMessageContaining("instruction set").hasMessageContaining("NEON");
        }
    }

    private static <T> T copy(T value) {
        try {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
                out.writeObject(value);
            }
            try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
                @SuppressWarnings("unchecked")
                T copy = (T) in.readObject();
                return copy;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What shards can measure, and nothing else: no method here asks for more. */
    private static final class OnShards extends ShardedCalibration {
        OnShards(Shards shards, TokenChunks chunks, int first, ModelConfig config, Compute compute, Reading reading,
                long memory, Progress progress) {
            super(shards, chunks, first, config, compute, reading, memory, progress);
        }

        @Override
        public Optional<Refit> refitted(LayerStack stack, int position) {
            throw notAsked();
        }

        @Override
        public List<Sensitivity> leverage(LayerStack stack, int position, Concatenated merged) {
            throw notAsked();
        }

        @Override
        public Optional<Refit> compensated(LayerStack stack, int position, Together how) {
            throw notAsked();
        }

        @Override
        public LayerStack settled(LayerStack stack) {
            throw notAsked();
        }

        @Override
        public List<Salience> magnitudes(LayerStack stack) {
            throw notAsked();
        }

        @Override
        public List<Salience> gradientProducts(LayerStack stack, GradientOrder order) {
            throw notAsked();
        }

        private static AssertionError notAsked() {
            return new AssertionError("shards do not measure this");
        }
    }

    /** Shards that lie with several owners, who lose them at random moments; all that goes back and forth is copied. */
    private final class Owners implements Shards {
        private final Checkpoint checkpoint;
        private final Compute compute;
        private final Reading reading;
        private final Random random;
        private final List<TokenChunks> division = new ArrayList<>();
        private final List<Map<Integer, Shard>> owners = new ArrayList<>();
        private Context context = new Context(LayerStack.dense(6), List.of(), 0);
        private int made;

        Owners(Checkpoint checkpoint, Sequences tokens, int owners, Compute compute, Reading reading, Random random) {
            this.checkpoint = checkpoint;
            this.compute = compute;
            this.reading = reading;
            this.random = random;
            List<Chunk> part = new ArrayList<>();
            for (Chunk chunk : TokenChunks.of(tokens).chunks()) {
                part.add(chunk);
                if (random.nextBoolean()) {
                    division.add(new TokenChunks(part));
                    part.clear();
                }
            }
            if (!part.isEmpty()) {
                division.add(new TokenChunks(part));
            }
            IntStream.range(0, owners).forEach(_ -> this.owners.add(new HashMap<>()));
        }

        private Range range(int shard) {
            int from = division.subList(0, shard).stream().mapToInt(TokenChunks::size).sum();
            return new Range(from, from + division.get(shard).size());
        }

        @Override
        public int parallel() {
            return owners.size();
        }

        @Override
        public void enter(Context about) {
            context = about;
        }

        @Override
        public <A extends Serializable> List<A> ask(Question<A> question, Range chunks, Progress.Task task) {
            return IntStream.range(0, division.size()).filter(shard -> !range(shard).with(chunks).isEmpty())
                    .mapToObj(shard -> ask(question, shard, task)).toList();
        }

        @Override
        public <A extends Serializable> A askOne(Question<A> question) {
            return ask(question, random.nextInt(division.size()), _ -> {
            });
        }

        private <A extends Serializable> A ask(Question<A> question, int shard, Progress.Task task) {
            if (random.nextInt(12) == 0) {
                lose(owners.get(random.nextInt(owners.size())));
            }
            // Mostly who has it already.
            int owner = random.nextInt(8) == 0 ? random.nextInt(owners.size()) : shard % owners.size();
            Shard asked = owners.get(owner).computeIfAbsent(shard, _ -> {
                made++;
                return new Shard(store(checkpoint), division.get(shard), range(shard).from(), compute, reading,
                        random.nextBoolean() ? 0 : MEMORY, folder);
            });
            return copy(asked.answer(copy(context), copy(question), task));
        }

        private void lose(Map<Integer, Shard> owner) {
            owner.values().forEach(Shard::close);
            owner.clear();
        }

        @Override
        public void close() {
            owners.forEach(this::lose);
        }
    }
}
