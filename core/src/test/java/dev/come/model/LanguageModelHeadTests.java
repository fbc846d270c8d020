package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Golden;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.DType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class LanguageModelHeadTests {
    private static final int TOKENS = 1500;

    private static double[] losses(DType type, Tensor hidden, int[] tokens, double scale) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-mha"))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Compute compute = TestDevice.of(type, 1);
            try (LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute);
                    Workspace workspace = new Workspace(compute)) {
                // The norm takes all scale away; some channels that stand out bring it back.
                Tensor states = compute.floats(hidden).clone();
                states.narrow(1, 0, 3).mul_(new Scalar(scale));
                return new CrossEntropy(head).losses(states, tokens, TokenLayout.of(700, 1, TOKENS - 701), _ -> 1,
                        workspace)[2];
            }
        }
    }

    /** The mean over tokens is what counts, and single losses must not come in steps. */
    @ParameterizedTest
    @ValueSource(doubles = {1, 10})
    void bfloat16LossesAreAsGoodAsThoseOfFloat32Logits(double scale) {
        try (var _ = new NoGradGuard(); var _ = new PointerScope()) {
            torch.manual_seed(3);
            Tensor hidden = torch.randn(TOKENS, 32);
            int[] tokens = new Random(4).ints(TOKENS, 0, 128).toArray();
            double[] exact = losses(DType.F32, hidden, tokens, scale);
            double[] narrow = losses(DType.BF16, hidden, tokens, scale);
            double[] errors = IntStream.range(0, exact.length).mapToDouble(i -> narrow[i] - exact[i]).toArray();
            double level = Arrays.stream(exact).average().orElseThrow();
            assertThat(level).isGreaterThan(3);
            assertThat(Arrays.stream(errors).average().orElseThrow()).isCloseTo(0, within(1e-3 * level));
            assertThat(Arrays.stream(errors).map(Math::abs).average().orElseThrow()).isLessThan(5e-3 * level);
            assertThat(Arrays.stream(narrow).distinct().count()).isGreaterThan(narrow.length * 9L / 10);
        }
    }

    /** The slow twin is the softmax of the logits that transformers has computed from the same states. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void aBiasOfTheOutputProjectionCounts(DType type) {
        Path phi = Path.of("src/test/resources/fixtures/families/phi");
        Golden.Values states = Golden.tensor(phi.resolve("expected.safetensors"), "hidden").slice(5);
        Golden.Values logits = Golden.tensor(phi.resolve("expected.safetensors"), "logits");
        int[] tokens = Arrays.stream(Golden.tensor(phi.resolve("expected.safetensors"), "ids").values())
                .mapToInt(id -> (int) id).toArray();
        Compute compute = TestDevice.of(type, 1);
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Checkpoint checkpoint = Checkpoint.open(phi);
                LanguageModelHead head = new LanguageModelHead(checkpoint, ModelConfig.of(checkpoint), compute);
                Workspace workspace = new Workspace(compute)) {
            Tensor hidden = torch.tensor(floats(states.values())).view(tokens.length, -1).to(compute.torchDevice(),
                    compute.scalarType());
            double[] losses = new CrossEntropy(head).losses(hidden, tokens, TokenLayout.of(tokens.length), _ -> 1,
                    workspace)[0];
            for (int i = 0; i < losses.length; i++) {
                double[] row = logits.slice(i).values();
                double logSum = Math.log(Arrays.stream(row).map(Math::exp).sum());
                assertThat(losses[i]).isCloseTo(logSum - row[tokens[i + 1]], within(type == DType.F32 ? 1e-4 : 0.1));
            }
        }
    }

    private static float[] floats(double[] numbers) {
        float[] floats = new float[numbers.length];
        for (int i = 0; i < floats.length; i++) {
            floats[i] = (float) numbers[i];
        }
        return floats;
    }

    /** Beside losses of the whole vocabulary: never above them, equal to them with all tokens, nearer with more of them. */
    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void someTokensOfTheVocabularyBoundLossesFromBelow(DType type) {
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-mha"))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Compute compute = TestDevice.of(type, 1);
            torch.manual_seed(5);
            Tensor hidden = torch.randn(TOKENS, 32).to(compute.torchDevice(), compute.scalarType());
            int[] tokens = new Random(6).ints(TOKENS, 0, 128).toArray();
            TokenLayout layout = TokenLayout.of(700, 1, TOKENS - 701);
            try (LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute);
                    Workspace workspace = new Workspace(compute)) {
                double[][] losses = new CrossEntropy(head).losses(hidden, tokens, layout, _ -> 1, workspace);
                double before = -1;
                for (int count : new int[]{1, 20, 64, 128}) {
                    CrossEntropy crossEntropy = new CrossEntropy(head);
                    try (LikelyTokens likely = crossEntropy
                            .likely(crossEntropy.likelyTokens(hidden, count, workspace))) {
                        double[][] bounds = new CrossEntropy(head).lossBounds(hidden, tokens, layout, likely,
                                workspace);
                        assertThat(bounds[1]).isEmpty();
                        double mean = Arrays.stream(bounds[2]).average().orElseThrow();
                        assertThat(mean).isGreaterThan(before);
                        before = mean;
                        for (int i = 0; i < bounds[2].length; i++) {
                            assertThat(bounds[2][i]).isBetween(-0.01, losses[2][i] + (type == DType.F32 ? 1e-5 : 0.05));
                        }
                    }
                }
                assertThat(before).isCloseTo(Arrays.stream(losses[2]).average().orElseThrow(), within(1e-4));
            }
        }
    }

    @Test
    void theLikeliestTokensAreThoseWithTheMostProbabilityInAll() {
        try (var _ = new NoGradGuard();
                var _ = new PointerScope();
                Checkpoint checkpoint = Checkpoint.open(Golden.model("llama-mha"))) {
            Compute compute = TestDevice.float32(1);
            try (LanguageModelHead head = new LanguageModelHead(checkpoint, ModelConfig.of(checkpoint), compute);
                    Workspace workspace = new Workspace(compute)) {
                Tensor hidden = torch.randn(40, 32).to(compute.torchDevice(), compute.scalarType());
                double[] expected = Tensors.doubles(head.logits(hidden, workspace).softmax(1).sum(0));
                int[] ranked = IntStream.range(0, expected.length).boxed()
                        .sorted(Comparator.comparingDouble(id -> -expected[id])).mapToInt(id -> id).toArray();
                assertThat(new CrossEntropy(head).likelyTokens(hidden, 10, workspace))
                        .containsExactlyInAnyOrder(Arrays.copyOf(ranked, 10));
            }
        }
    }
}
