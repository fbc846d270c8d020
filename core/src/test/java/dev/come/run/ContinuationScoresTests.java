package dev.come.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.Golden;
import dev.come.PlainModel;
import dev.come.Progress;
import dev.come.TestDevice;
import dev.come.TinyLlama;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import dev.come.model.Compute;
import dev.come.model.ModelConfig;
import dev.come.model.TokenLayout;
import dev.come.run.Continuation.Score;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ContinuationScoresTests {
    static final List<String> MODELS = Golden.MODELS;

    /**
     * Items as tasks make them: four choices after one context, choices that begin alike, choices of one token, one choice
     * after two contexts that begin alike, examples in front of several questions, the same item twice.
     */
    private static List<List<Continuation>> items(Random random, ModelConfig config) {
        int vocabulary = config.vocabularySize();
        // Longer than the windows that some layers have, unless the model has positions for few tokens only.
        int unit = config.learnedPositions() ? 1 : 10;
        List<List<Continuation>> items = new ArrayList<>();
        int[] examples = ids(random, 30 * unit, vocabulary);
        for (int i = 0; i < 12; i++) {
            int[] context = ids(random, 1 + random.nextInt(20 * unit), vocabulary);
            int[] common = ids(random, random.nextInt(9), vocabulary);
            List<Continuation> choices = new ArrayList<>();
            for (int choice = 0; choice < 4; choice++) {
                int[] own = ids(random, 1 + random.nextInt(30), vocabulary);
                choices.add(new Continuation(joined(context, common, own), common.length + own.length));
            }
            items.add(choices);
            items.add(List.of(new Continuation(joined(examples, context, new int[]{5}), 1),
                    new Continuation(joined(examples, context, new int[]{7}), 1)));
            int[] suffix = ids(random, 5, vocabulary);
            items.add(List.of(new Continuation(joined(context, new int[]{8}, suffix), 5),
                    new Continuation(joined(context, new int[]{9, 10}, suffix), 5)));
        }
        items.add(items.getFirst());
        return items;
    }

    private static int[] ids(Random random, int count, int vocabulary) {
        return random.ints(count, 0, vocabulary).toArray();
    }

    private static int[] joined(int[]... parts) {
        return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
    }

    private static Map<Integer, List<Score>> scores(Checkpoint checkpoint, List<List<Continuation>> items,
            Compute compute, long memory) {
        ModelConfig config = ModelConfig.of(checkpoint);
        try (ContinuationScores scores = new ContinuationScores(new LayerStore(checkpoint, config),
                LayerStack.dense(config.layers()), compute, memory)) {
            Map<Integer, List<Score>> all = new TreeMap<>();
            scores.score(ContinuationScores.batches(items), item -> "item " + item, Progress.NONE.begin("", 0, ""),
                    all::putAll);
            return all;
        }
    }

    /** The slow twin: every choice a sequence of its own, through the plain layers, all logits, float64 softmax. */
    private static Score plainScore(Checkpoint checkpoint, Continuation continuation) {
        double[][] all = PlainModel.logProbabilities(checkpoint, continuation.input());
        int[] ids = continuation.ids();
        double sum = 0;
        boolean greedy = true;
        for (int position = ids.length - continuation.scored(); position < ids.length; position++) {
            double own = all[position - 1][ids[position]];
            sum += own;
            greedy &= Arrays.stream(all[position - 1]).allMatch(other -> other <= own);
        }
        return new Score(sum, greedy);
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void whatIsSharedChangesNoScore(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name))) {
            List<List<Continuation>> items = items(new Random(3), ModelConfig.of(checkpoint));
            Map<Integer, List<Score>> scores = scores(checkpoint, items, TestDevice.float32(2), Long.MAX_VALUE);
            assertThat(scores).hasSameSizeAs(items);
            for (int item = 0; item < items.size(); item++) {
                for (int choice = 0; choice < items.get(item).size(); choice++) {
                    Score expected = plainScore(checkpoint, items.get(item).get(choice));
                    Score actual = Objects.requireNonNull(scores.get(item)).get(choice);
                    assertThat(actual.logLikelihood()).as(name + " item " + item + " choice " + choice)
                            .isCloseTo(expected.logLikelihood(), within(1e-4));
                    assertThat(actual.greedy()).isEqualTo(expected.greedy());
                }
            }
        }
    }

    @Test
    void theLikeliestTokensAreGreedy() {
        for (DType type : List.of(DType.F32, DType.BF16)) {
            try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
                int[] context = ids(new Random(8), 20, 128);
                List<Continuation> every = IntStream.range(0, 128)
                        .mapToObj(id -> new Continuation(joined(context, new int[]{id}), 1)).toList();
                List<Score> scores = scores(checkpoint, List.of(every), TestDevice.of(type, 1), Long.MAX_VALUE)
                        .get(0);
                double largest = Objects.requireNonNull(scores).stream().mapToDouble(Score::logLikelihood).max()
                        .orElseThrow();
                assertThat(scores.stream().filter(Score::greedy).map(Score::logLikelihood)).as(type.toString())
                        .containsOnly(largest);
                assertThat(scores.stream().mapToDouble(score -> Math.exp(score.logLikelihood())).sum()).isCloseTo(1,
                        within(type == DType.F32 ? 1e-5 : 1e-2));
            }
        }
    }

    /** The slow twin of bfloat16 is float32; a token's log-likelihood is off by some hundredths. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void bfloat16ScoresAreNearThoseOfFloat32(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name))) {
            List<List<Continuation>> items = items(new Random(4), ModelConfig.of(checkpoint));
            Map<Integer, List<Score>> exact = scores(checkpoint, items, TestDevice.float32(2), Long.MAX_VALUE);
            Map<Integer, List<Score>> narrow = scores(checkpoint, items, TestDevice.bfloat16(2),
                    Long.MAX_VALUE);
            double sum = 0;
            int tokens = 0;
            for (int item = 0; item < items.size(); item++) {
                for (int choice = 0; choice < items.get(item).size(); choice++) {
                    sum += Math.abs(Objects.requireNonNull(narrow.get(item)).get(choice).logLikelihood()
                            - Objects.requireNonNull(exact.get(item)).get(choice).logLikelihood());
                    tokens += items.get(item).get(choice).scored();
                }
            }
            assertThat(sum / tokens).isLessThan(0.04);
        }
    }

    @Test
    void neitherThreadsNorMemoryNorAnInterruptionChangeABitOfThem() {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-gqa"))) {
            List<List<Continuation>> items = items(new Random(6), ModelConfig.of(checkpoint));
            Map<Integer, List<Score>> scores = scores(checkpoint, items, TestDevice.float32(1), Long.MAX_VALUE);
            assertThat(scores(checkpoint, items, TestDevice.float32(2), 0)).isEqualTo(scores);
            ModelConfig config = ModelConfig.of(checkpoint);
            List<ContinuationScores.Batch> batches = ContinuationScores.batches(items);
            assertThat(batches.size()).isGreaterThan(1);
            try (ContinuationScores again = new ContinuationScores(new LayerStore(checkpoint, config),
                    LayerStack.dense(config.layers()), TestDevice.float32(1), 0)) {
                again.score(batches.subList(1, batches.size()), item -> "item " + item,
                        Progress.NONE.begin("", 0, ""),
                        found -> found.forEach((item, values) -> assertThat(values).isEqualTo(scores.get(item))));
            }
        }
    }

    @Test
    void aScoreThatIsNoNumberStopsTheRunAndNamesTheItem(@TempDir Path folder) {
        Random random = new Random(2);
        Path model = new TinyLlama(2, 20, 16, 24, 2, 2, 4, false).write(folder, spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            for (int i = 0; i < values.length; i++) {
                values[i] = (float) random.nextGaussian() / 2;
            }
            if (spec.name().equals("model.embed_tokens.weight")) {
                Arrays.fill(values, 17 * 16, 18 * 16, Float.NaN);
            }
            return values;
        });
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            List<List<Continuation>> items = List.of(List.of(new Continuation(new int[]{1, 2, 3, 4, 5, 6}, 1)),
                    List.of(new Continuation(new int[]{1, 2, 3, 4, 17, 6}, 1)),
                    List.of(new Continuation(new int[]{1, 2, 3, 4, 5, 17}, 1)));
            assertThatThrownBy(() -> scores(checkpoint, items, TestDevice.float32(2), Long.MAX_VALUE))
                    .isInstanceOf(FailedException.class).hasMessageContaining("item 1");
        }
    }

    @Test
    void whatTextsBeginWithAlikeIsThereOnce() {
        int[] context = {1, 2, 3, 4, 5, 6};
        List<int[]> texts = List.of(joined(context, new int[]{7, 8}), context, joined(context, new int[]{9}),
                new int[]{1, 2, 3, 4, 9, 9}, new int[]{1, 2, 8}, context);
        PrefixForest forest = new PrefixForest(texts, true);
        assertThat(forest.layout()).isEqualTo(
                TokenLayout.forest(new int[]{4, 2, 2, 1, 2, 3}, new int[]{-1, 0, 1, 1, 0, -1}));
        assertThat(forest.tokens()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 1, 2, 8);
        for (int text = 0; text < texts.size(); text++) {
            for (int position = 0; position < texts.get(text).length; position++) {
                assertThat(forest.tokens()[forest.row(text, position)]).isEqualTo(texts.get(text)[position]);
            }
        }
        assertThat(forest.textAt(8)).isEqualTo(2);
        assertThat(new PrefixForest(texts, false).layout())
                .isEqualTo(TokenLayout.of(6, 8, 7, 6, 3));
    }
}
