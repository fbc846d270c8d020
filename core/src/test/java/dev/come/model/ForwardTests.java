package dev.come.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Golden;
import dev.come.Golden.Values;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

class ForwardTests {
    static final List<String> MODELS = Golden.MODELS;
    /** One that has a window in every model in which some layers have one. */
    private static final int LAYER = 3;

    /** Golden: expected.safetensors, tolerance 1e-4 absolute + 1e-4 relative. */
    static void assertClose(float[] actual, double[] expected, String what) {
        assertThat(actual).as(what).hasSameSizeAs(expected);
        for (int i = 0; i < actual.length; i++) {
            if (!(Math.abs(actual[i] - expected[i]) <= 1e-4 + 1e-4 * Math.abs(expected[i]))) {
                throw new AssertionError(what + " at " + i + ": " + actual[i] + " instead of " + expected[i]);
            }
        }
    }

    static int[] ids(Values values) {
        return Arrays.stream(values.values()).mapToInt(id -> (int) id).toArray();
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theForwardPassEqualsGoldenAtEveryBoundary(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name)); var _ = new NoGradGuard()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Compute compute = TestDevice.float32(1);
            try (Rotation rotation = new Rotation(compute);
                    Workspace workspace = new Workspace(compute);
                    Embedding embedding = new Embedding(checkpoint, config, compute);
                    LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute)) {
                for (String input : List.of("a", "b")) {
                    int[] ids = ids(Golden.expected(name, "expected.safetensors", input + ".input_ids"));
                    Values states = Golden.expected(name, "expected.safetensors", input + ".hidden");
                    Values channels = Golden.expected(name, "expected.safetensors", input + ".mlp_in");
                    Values heads = Golden.expected(name, "expected.safetensors", input + ".attn_in");
                    try (var _ = new PointerScope()) {
                        Tensor hidden = embedding.of(ids, TokenLayout.of(ids.length));
                        for (int i = 0; i < config.layers(); i++) {
                            assertClose(Tensors.floats(hidden), states.slice(i).values(), "states before layer " + i);
                            Recorder seen = new Recorder();
                            try (DecoderLayer layer = new DecoderLayer(config, LayerWeights.of(checkpoint, config, i),
                                    compute)) {
                                layer.forward(hidden, TokenLayout.of(ids.length), rotation, workspace, seen, null);
                            }
                            assertClose(seen.channels, channels.slice(i).values(), "channels of layer " + i);
                            assertClose(seen.heads, heads.slice(i).values(), "heads of layer " + i);
                        }
                        assertClose(Tensors.floats(hidden), states.slice(config.layers()).values(), "last states");
                        assertClose(Tensors.floats(head.logits(hidden, workspace)),
                                Golden.expected(name, "expected.safetensors", input + ".logits").values(), "logits");
                    }
                }
            }
        }
    }

    private static final class Recorder implements LayerObserver {
        private float[] heads = {};
        private float[] channels = {};

        @Override
        public void attentionOutput(Tensor x) {
            heads = Tensors.floats(x);
        }

        @Override
        public void feedForwardChannels(Tensor x) {
            channels = Tensors.floats(x);
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void theFastLayerEqualsThePlainOneOnLongAndOnPackedSequences(String name) {
        long seed = 5;
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Compute compute = TestDevice.float32(1);
            // Longer than the blocks of attention and of the feed-forward part, and not a multiple of them.
            TokenLayout layout = TokenLayout.of(3, 700, 1, 33);
            torch.manual_seed(seed);
            try (Rotation rotation = new Rotation(compute);
                    Rotation plainRotation = new Rotation(Compute.float32(1));
                    Workspace workspace = new Workspace(compute);
                    DecoderLayer fast = new DecoderLayer(config, LayerWeights.of(checkpoint, config, LAYER), compute)) {
                Tensor start = torch.randn(layout.tokens(), config.hiddenSize());
                LayerWeights weights = LayerWeights.of(checkpoint, config, LAYER)
                        .map((part, tensor) -> tensor.to(compute.scalarType()));
                Tensor plain = new PlainLayer(config).forward(weights, start, layout, plainRotation);
                Tensor hidden = compute.floats(start);
                fast.forward(hidden, layout, rotation, workspace, LayerObserver.NONE, null);
                assertThat(hidden.cpu().sub(plain).abs().max().item_double()).isLessThan(5e-5);
            }
        }
    }

    /** Pieces are cut the same way whoever does them. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void threadsThatHelpChangeNoBit(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            TokenLayout layout = TokenLayout.of(3, 1200, 1, 33);
            int[] tokens = new Random(7).ints(layout.tokens(), 0, config.vocabularySize()).toArray();
            for (Compute compute : List.of(TestDevice.float32(3), TestDevice.bfloat16(3))) {
                torch.manual_seed(8);
                Tensor start = torch.randn(layout.tokens(), config.hiddenSize()).to(compute.torchDevice(),
                        compute.scalarType());
                Tensor alone = start.clone();
                Tensor helped = start.clone();
                List<float[]> seenAlone = new ArrayList<>();
                List<float[]> seenHelped = new ArrayList<>();
                double[][][] losses = new double[2][][];
                try (Rotation rotation = new Rotation(compute);
                        Workspace workspace = new Workspace(compute);
                        Workers workers = new Workers(compute);
                        LanguageModelHead head = new LanguageModelHead(checkpoint, config, compute);
                        DecoderLayer layer = new DecoderLayer(config, LayerWeights.of(checkpoint, config, LAYER),
                                compute)) {
                    layer.forward(alone, layout, rotation, workspace, new Collector(seenAlone), null);
                    losses[0] = new CrossEntropy(head).losses(alone, tokens, layout, _ -> 1, workspace);
                    workers.forEach(1, (_, one) -> {
                        layer.forward(helped, layout, rotation, one, new Collector(seenHelped), null);
                        losses[1] = new CrossEntropy(head).losses(helped, tokens, layout, _ -> 1, one);
                    });
                }
                assertThat(helped.equal(alone)).as(compute.dtypeName()).isTrue();
                assertThat(seenHelped).usingRecursiveComparison().isEqualTo(seenAlone);
                assertThat(losses[1]).isDeepEqualTo(losses[0]);
            }
        }
    }

    /** Keeps all that it sees, in the order in which it sees it. */
    private record Collector(List<float[]> seen) implements LayerObserver {
        @Override
        public void attentionOutput(Tensor x) {
            seen.add(Tensors.floats(x));
        }

        @Override
        public void feedForwardChannels(Tensor x) {
            seen.add(Tensors.floats(x));
        }
    }

    /** A layer that stays has packed weights where there are such, which is in bfloat16; so they agree as far as that goes. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void aLayerThatStaysGivesWhatOneDoesThatIsUsedOnce(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                var _ = new NoGradGuard();
                var _ = new PointerScope()) {
            ModelConfig config = ModelConfig.of(checkpoint);
            Compute compute = TestDevice.bfloat16(2);
            LayerWeights weights = LayerWeights.of(checkpoint, config, LAYER);
            torch.manual_seed(6);
            try (Rotation rotation = new Rotation(compute);
                    Workspace workspace = new Workspace(compute);
                    DecoderLayer once = new DecoderLayer(config, weights, compute);
                    DecoderLayer stays = DecoderLayer.thatStays(config, weights, compute)) {
                for (TokenLayout layout : List.of(TokenLayout.of(1), TokenLayout.of(3, 600, 1, 33))) {
                    Tensor start = torch.randn(layout.tokens(), config.hiddenSize())
                            .to(compute.torchDevice(), compute.scalarType());
                    Tensor expected = start.clone();
                    once.forward(expected, layout, rotation, workspace, LayerObserver.NONE, null);
                    stays.forward(start, layout, rotation, workspace, LayerObserver.NONE, null);
                    double apart = start.sub(expected).abs().max().item_double();
                    assertThat(apart).isLessThan(expected.abs().max().item_double() * 0x1p-6);
                }
            }
        }
    }

    /** Bfloat16, with packed weights where there are such, beside float32 without: as far apart as rounding makes them. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void logitsOfBfloat16AreThoseOfFloat32ButForRounding(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name))) {
            int[] ids = ids(Golden.expected(name, "expected.safetensors", "b.input_ids"));
            ModelConfig config = ModelConfig.of(checkpoint);
            try (CausalLanguageModel wide = new CausalLanguageModel(checkpoint, config, TestDevice.float32(1));
                    CausalLanguageModel narrow = new CausalLanguageModel(checkpoint, config, TestDevice.bfloat16(2));
                    KeyValueCache cache = narrow.cache(ids.length)) {
                float[][] expected = wide.logits(ids);
                narrow.nextTokenLogits(Arrays.copyOf(ids, 7), cache);
                double squares = 0;
                double apart = 0;
                for (int i = 7; i < ids.length; i++) {
                    float[] logits = narrow.nextTokenLogits(new int[]{ids[i]}, cache);
                    for (int j = 0; j < logits.length; j++) {
                        squares += expected[i][j] * (double) expected[i][j];
                        apart += Math.pow(logits[j] - expected[i][j], 2);
                    }
                }
                assertThat(Math.sqrt(apart / squares)).isLessThan(0.06); // 0.04 at most without packing
            }
        }
    }

    @ParameterizedTest
    @FieldSource("MODELS")
    void cachedAndUncachedLogitsAgree(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(1))) {
            int[] ids = ids(Golden.expected(name, "expected.safetensors", "b.input_ids"));
            float[][] whole = model.logits(ids);
            List<float[]> pieces = new ArrayList<>();
            try (KeyValueCache cache = model.cache(ids.length)) {
                pieces.add(model.nextTokenLogits(Arrays.copyOf(ids, 7), cache));
                for (int i = 7; i < ids.length; i++) {
                    pieces.add(model.nextTokenLogits(new int[]{ids[i]}, cache));
                }
            }
            for (int i = 0; i < pieces.size(); i++) {
                double[] uncached = new double[whole[i + 6].length];
                for (int j = 0; j < uncached.length; j++) {
                    uncached[j] = whole[i + 6][j];
                }
                assertClose(pieces.get(i), uncached, "logits after token " + (i + 6));
            }
        }
    }

    /** A prompt of several pieces on several threads, then single tokens; several sequences at once. */
    @ParameterizedTest
    @FieldSource("MODELS")
    void promptsInPiecesAndSequencesSideBySideGiveWhatEachGivesAlone(String name) {
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name));
                CausalLanguageModel model = new CausalLanguageModel(checkpoint, ModelConfig.of(checkpoint),
                        TestDevice.float32(3))) {
            ModelConfig config = ModelConfig.of(checkpoint);
            int prompt = config.learnedPositions() ? 50 : 600;
            int[][] texts = new int[3][];
            int[][] beginnings = new int[3][];
            Random random = new Random(11);
            for (int i = 0; i < texts.length; i++) {
                texts[i] = random.ints(prompt + 4, 3, config.vocabularySize()).toArray();
                beginnings[i] = Arrays.copyOf(texts[i], prompt);
            }
            try (KeyValueCache together = model.cache(3, prompt + 4)) {
                int[] likeliest = model.likeliestTokens(beginnings, together);
                for (int next = prompt; next < prompt + 4; next++) {
                    for (int i = 0; i < texts.length; i++) {
                        float[] alone = model.logits(Arrays.copyOf(texts[i], next))[next - 1];
                        float top = alone[likeliest[i]];
                        for (float logit : alone) {
                            assertThat(logit).isLessThan(top + 1e-4f);
                        }
                    }
                    int token = next;
                    likeliest = model.likeliestTokens(
                            Arrays.stream(texts).map(text -> new int[]{text[token]}).toArray(int[][]::new), together);
                }
                assertThat(together.length()).isEqualTo(prompt + 4);
                assertThat(together.bytes()).isEqualTo(2L * 4 * config.layers() * 3 * (prompt + 4)
                        * config.keyValueHeads() * config.headDim());
            }
        }
    }

    @Test
    void configurationsOfTransformers4And5SayTheSame() {
        for (String name : MODELS) {
            if (!Files.exists(Golden.model(name).resolve("config-4x.json"))) {
                continue;
            }
            try (Checkpoint checkpoint = Checkpoint.open(Golden.model(name))) {
                ConfigTree older = ConfigTree.read(Golden.model(name).resolve("config-4x.json"));
                assertThat(ModelConfig.of(older)).as(name).isEqualTo(ModelConfig.of(checkpoint.config()));
            }
        }
    }
}
