package dev.come.model;

import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.DType;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.MemoryFormatOptional;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A decoder layer with the shapes of SmolLM2-135M at work on windows of 2048 tokens, and beside it what no layer can do
 * without: its matrix products alone and its attention alone, both in two ways, of which the faster one counts.
 *
 * <p>As in {@link Workers}, each thread has a window of its own and the engine one thread for a product. It lies in this
 * package for the sake of {@link CausalAttention}.
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class LayerBenchmark {
    private static final int TOKENS = 2048;
    private static final int HIDDEN = 576;
    private static final int CHANNELS = 1536;
    private static final int HEADS = 9;
    private static final int KEY_VALUE_HEADS = 3;
    private static final int HEAD_DIM = 64;
    private static final int QUERY_KEY_VALUE_ROWS = (HEADS + 2 * KEY_VALUE_HEADS) * HEAD_DIM;
    private static final int BLOCK = 512;

    /** The layer, which the threads share, and its matrices. */
    @State(Scope.Benchmark)
    @SuppressWarnings("NullAway.Init") // JMH calls make() first
    public static class Layer {
        /** What is computed in. */
        @Param({"float32", "bfloat16"})
        public String dtype;

        private Compute compute;
        private DecoderLayer layer;
        private CausalAttention attention;
        private Rotation rotation;
        private Tensor queryKeyValue;
        private Tensor output;
        private Tensor gateUp;
        private Tensor down;

        /** Makes a layer of random weights. */
        @Setup
        public void make() {
            torch.set_num_threads(1);
            compute = Compute.of(dtype, DType.F32, "cpu", 1);
            ModelConfig config = ModelConfig.of(ConfigTree.create(Path.of("config.json"),
                    root -> root.put("model_type", "llama").put("vocab_size", 49152).put("hidden_size", HIDDEN)
                            .put("intermediate_size", CHANNELS).put("num_hidden_layers", 30)
                            .put("num_attention_heads", HEADS).put("num_key_value_heads", KEY_VALUE_HEADS)
                            .put("max_position_embeddings", 8192).put("rope_theta", 100_000.0)));
            layer = new DecoderLayer(config, LayerWeights.of(config, config.attention(0),
                    part -> random(config.shape(part).stream().mapToLong(Long::longValue).toArray())), compute);
            attention = new CausalAttention(config, AttentionKind.EVERYTHING, null, compute);
            rotation = new Rotation(compute);
            queryKeyValue = random(QUERY_KEY_VALUE_ROWS, HIDDEN);
            output = random(HIDDEN, HIDDEN);
            gateUp = random(2 * CHANNELS, HIDDEN);
            down = random(HIDDEN, CHANNELS);
        }

        private Tensor random(long... shape) {
            return randomFloats(shape).mul_(new Scalar(0.02)).to(compute.scalarType());
        }

        private Tensor empty(long... shape) {
            return torch.empty(shape, compute.options(compute.scalarType()), new MemoryFormatOptional());
        }

        /** Frees the layer. */
        @TearDown
        public void close() {
            layer.close();
            attention.close();
            rotation.close();
        }
    }

    /** The window of one thread: states that go in, and room for what comes out. */
    @State(Scope.Thread)
    @SuppressWarnings("NullAway.Init") // JMH calls make() first
    public static class Window {
        private NoGradGuard noGradients;
        private Workspace workspace;
        private Tensor hidden;
        private Tensor channels;
        private Tensor queryKeyValueProduct;
        private Tensor outputProduct;
        private Tensor gateUpProduct;
        private Tensor queries;
        private Tensor keys;
        private Tensor values;
        private Tensor mixed;
        private Tensor queriesByHead;
        private Tensor keysByHead;
        private Tensor valuesByHead;

        /** Makes random states. */
        @Setup
        public void make(Layer layer) {
            noGradients = new NoGradGuard();
            workspace = new Workspace(layer.compute);
            hidden = layer.random(TOKENS, HIDDEN);
            channels = layer.random(TOKENS, CHANNELS);
            queryKeyValueProduct = layer.empty(TOKENS, QUERY_KEY_VALUE_ROWS);
            outputProduct = layer.empty(TOKENS, HIDDEN);
            gateUpProduct = layer.empty(TOKENS, 2 * CHANNELS);
            queries = randomFloats(KEY_VALUE_HEADS, TOKENS, HEADS / KEY_VALUE_HEADS, HEAD_DIM);
            keys = randomFloats(KEY_VALUE_HEADS, TOKENS, HEAD_DIM);
            values = randomFloats(KEY_VALUE_HEADS, TOKENS, HEAD_DIM);
            mixed = layer.empty(TOKENS, KEY_VALUE_HEADS, HEADS / KEY_VALUE_HEADS, HEAD_DIM);
            queriesByHead = randomFloats(1, HEADS, TOKENS, HEAD_DIM);
            keysByHead = randomFloats(1, HEADS, TOKENS, HEAD_DIM);
            valuesByHead = randomFloats(1, HEADS, TOKENS, HEAD_DIM);
        }

        /** Frees the temporaries. */
        @TearDown
        public void close() {
            workspace.close();
            noGradients.close();
        }
    }

    /** The whole layer. */
    @Benchmark
    public void layer(Layer layer, Window window) {
        layer.layer.forward(window.hidden, TokenLayout.of(TOKENS), layer.rotation, window.workspace,
                LayerObserver.NONE, null);
    }

    /** Its matrix products, each over the whole window. */
    @Benchmark
    public void products(Layer layer, Window window) {
        multiply(layer, window, TOKENS);
    }

    /** Its matrix products, block of rows by block of rows, so that they find each other's rows in the cache. */
    @Benchmark
    public void productsInBlocks(Layer layer, Window window) {
        multiply(layer, window, BLOCK);
    }

    /** Its attention. */
    @Benchmark
    public void attention(Layer layer, Window window) {
        layer.attention.attend(window.queries, window.keys, window.values, window.mixed, window.workspace);
    }

    /** The engine's own attention, in float32 (it is many times slower in bfloat16), keys and values repeated before. */
    @Benchmark
    public void engineAttention(Window window) {
        try (var _ = new PointerScope()) {
            torch.scaled_dot_product_attention(window.queriesByHead, window.keysByHead, window.valuesByHead,
                    new TensorOptional(), 0, true, new DoubleOptional(), false);
        }
    }

    private static void multiply(Layer layer, Window window, int rows) {
        for (int start = 0; start < TOKENS; start += rows) {
            try (var _ = new PointerScope()) {
                Tensor hidden = window.hidden.narrow(0, start, rows);
                Tensor channels = window.channels.narrow(0, start, rows);
                torch.mm_out(window.queryKeyValueProduct.narrow(0, 0, rows), hidden, layer.queryKeyValue.t());
                torch.mm_out(window.outputProduct.narrow(0, 0, rows), hidden, layer.output.t());
                torch.mm_out(window.gateUpProduct.narrow(0, 0, rows), hidden, layer.gateUp.t());
                torch.mm_out(window.outputProduct.narrow(0, 0, rows), channels, layer.down.t());
            }
        }
    }

    private static Tensor randomFloats(long... shape) {
        return torch.randn(shape, new TensorOptions(ScalarType.Float));
    }
}
