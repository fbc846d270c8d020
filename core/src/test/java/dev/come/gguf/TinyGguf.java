package dev.come.gguf;

import dev.come.Golden;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.TensorInfo;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * GGUF files of golden models, made as llama.cpp's convert_hf_to_gguf.py makes them: its names, its keys, and rows of queries
 * and keys interleaved for Llama. The tokens are letters, some pairs of letters and three marks.
 */
public final class TinyGguf {
    private static final String TOKENIZER = "tokenizer.ggml.";
    private static final String LETTERS = "etaoinshrdlucmfwypvbgkqjxz";
    private static final List<String> MARKS = List.of("<unk>", "<s>", "</s>");

    private final String architecture;
    private final JsonNode config;
    private final Map<String, Stored> tensors = new TreeMap<>();
    private String blank = "\u0120";
    private String wordCutting = "gpt-2";
    private UnaryOperator<GgufWriter> further = writer -> writer;

    private record Stored(GgufType type, byte[] data, long[] shape) {}

    private TinyGguf(String architecture, JsonNode config) {
        this.architecture = architecture;
        this.config = config;
    }

    /** A golden model, its numbers as they are stored there. */
    public static TinyGguf of(String golden) {
        JsonNode config = JsonMapper.shared().readTree(Golden.model(golden).resolve("config.json"));
        String type = config.get("model_type").asString();
        TinyGguf made = new TinyGguf(type.equals("mistral") ? "llama" : type, config);
        if (type.equals("mistral")) {
            made.with(writer -> writer.integer("llama.attention.sliding_window", config.get("sliding_window").asInt()));
        }
        try (Checkpoint checkpoint = Checkpoint.open(Golden.model(golden))) {
            for (TensorInfo tensor : checkpoint.tensors()) {
                made.add(tensor.name(), GgufType.valueOf(tensor.dtype().name()), bytes(tensor),
                        tensor.shape().stream().mapToLong(Long::longValue).toArray());
            }
        }
        return made;
    }

    /** A Llama of one layer whose weights are all zero. */
    static TinyGguf llama() {
        TinyGguf made = new TinyGguf("llama", JsonMapper.shared().readTree("""
                {"num_hidden_layers": 1, "hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 4,
                 "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 64, "rms_norm_eps": 1e-05,
                 "vocab_size": 40, "rope_parameters": {"rope_theta": 10000.0}}"""));
        made.zeros("model.embed_tokens.weight", 40, 32);
        made.zeros("model.norm.weight", 32);
        String layer = "model.layers.0.";
        made.zeros(layer + "input_layernorm.weight", 32);
        made.zeros(layer + "post_attention_layernorm.weight", 32);
        for (String name : List.of("self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj",
                "mlp.down_proj")) {
            made.zeros(layer + name + ".weight", 32, 32);
        }
        made.zeros(layer + "self_attn.k_proj.weight", 16, 32);
        made.zeros(layer + "self_attn.v_proj.weight", 16, 32);
        return made;
    }

    /** The same with all matrices of float32 whose rows are whole blocks in blocks of 32 signed bytes. */
    public TinyGguf quantised() {
        tensors.replaceAll((name, tensor) -> tensor.type == GgufType.F32 && tensor.shape.length == 2
                && tensor.shape[1] % 32 == 0
                        ? new Stored(GgufType.Q8_0, quantised(tensor.data), tensor.shape)
                        : tensor);
        return this;
    }

    /** The same with a tokenizer of the other kind. */
    public TinyGguf sentencePiece() {
        blank = "\u2581";
        return this;
    }

    /** The same with a tokenizer of bytes that is said to cut words in another way. */
    public TinyGguf cuttingWordsLike(String name) {
        wordCutting = name;
        return this;
    }

    /** The same with something else in the file. */
    TinyGguf with(UnaryOperator<GgufWriter> more) {
        UnaryOperator<GgufWriter> before = further;
        further = writer -> more.apply(before.apply(writer));
        return this;
    }

    /** The same without a tensor. */
    TinyGguf without(String tensor) {
        if (tensors.remove(tensor) == null) {
            throw new IllegalArgumentException(tensor);
        }
        return this;
    }

    /** Writes the file. */
    public Path write(Path file) throws IOException {
        return writer().write(file);
    }

    /** Writes several files as llama-gguf-split does: the first one has the keys, and each some of the tensors. */
    List<Path> writeParts(Path folder, int count) throws IOException {
        List<Path> parts = new ArrayList<>();
        List<String> names = List.copyOf(tensors.keySet());
        Map<String, Stored> all = new TreeMap<>(tensors);
        for (int part = 0; part < count; part++) {
            tensors.clear();
            for (int i = part; i < names.size(); i += count) {
                tensors.put(names.get(i), all.get(names.get(i)));
            }
            GgufWriter writer = new GgufWriter();
            if (part == 0) {
                writer = writer();
            } else {
                GgufWriter added = writer;
                tensors.forEach((name, tensor) -> added.tensor(name, tensor.type, tensor.data, tensor.shape));
            }
            parts.add(writer.entry("split.no", GgufWriter.UINT16, new byte[]{(byte) part, 0})
                    .entry("split.count", GgufWriter.UINT16, new byte[]{(byte) count, 0})
                    .entry("split.tensors.count", GgufWriter.INT32, GgufWriter.int32(names.size()))
                    .write(folder.resolve("tiny-0000%s-of-0000%s.gguf".formatted(part + 1, count))));
        }
        tensors.putAll(all);
        return parts;
    }

    GgufWriter writer() {
        String key = architecture + ".";
        GgufWriter writer = new GgufWriter().text("general.architecture", architecture).text("general.name", "tiny")
                .integer(key + "block_count", config.get("num_hidden_layers").asInt())
                .integer(key + "context_length", config.get("max_position_embeddings").asInt())
                .integer(key + "embedding_length", config.get("hidden_size").asInt())
                .integer(key + "feed_forward_length", config.get("intermediate_size").asInt())
                .integer(key + "attention.head_count", heads())
                .integer(key + "attention.head_count_kv", keyValueHeads())
                .number(key + "attention.layer_norm_rms_epsilon", config.get("rms_norm_eps").asDouble())
                .number(key + "rope.freq_base", config.path("rope_parameters").path("rope_theta").asDouble())
                .integer(key + "vocab_size", config.get("vocab_size").asInt());
        if (config.has("head_dim")) {
            writer.integer(key + "attention.key_length", config.get("head_dim").asInt())
                    .integer(key + "attention.value_length", config.get("head_dim").asInt());
        }
        if (architecture.equals("llama")) {
            writer.integer(key + "rope.dimension_count", config.get("head_dim").asInt());
        }
        tokenizer(writer);
        if (config.path("rope_parameters").path("rope_type").asString("").equals("llama3")) {
            writer.floats("rope_freqs.weight",
                    llama3Factors(config.get("rope_parameters"), config.get("head_dim").asInt()),
                    config.get("head_dim").asInt() / 2);
        }
        tensors.forEach((name, tensor) -> writer.tensor(name, tensor.type, tensor.data, tensor.shape));
        return further.apply(writer);
    }

    private void tokenizer(GgufWriter writer) {
        List<String> tokens = new ArrayList<>(MARKS);
        tokens.add(blank);
        LETTERS.chars().forEach(letter -> tokens.add(Character.toString(letter)));
        List<String> merges = new ArrayList<>();
        int size = config.get("vocab_size").asInt();
        for (int i = 0; tokens.size() < size; i++) {
            String left = Character.toString(LETTERS.charAt(i % 11));
            String right = Character.toString(LETTERS.charAt(i / 11));
            tokens.add(left + right);
            merges.add(left + " " + right);
        }
        boolean bytes = blank.equals("\u0120");
        writer.text(TOKENIZER + "model", bytes ? "gpt2" : "llama")
                .text(TOKENIZER + "pre", bytes ? wordCutting : "default")
                .texts(TOKENIZER + "tokens", tokens)
                .integers(TOKENIZER + "token_type", IntStream.range(0, size)
                        .mapToObj(id -> id == 0 ? 2 : id < MARKS.size() ? 3 : 1).toList())
                .integer(TOKENIZER + "bos_token_id", 1).integer(TOKENIZER + "eos_token_id", 2)
                .integer(TOKENIZER + "unknown_token_id", 0).truth(TOKENIZER + "add_bos_token", true);
        if (bytes) {
            writer.texts(TOKENIZER + "merges", merges);
        } else {
            writer.numbers(TOKENIZER + "scores", IntStream.range(0, size).mapToObj(id -> (float) -id).toList());
        }
    }

    /** Adds a tensor under the name that it has in GGUF files. */
    private void add(String name, GgufType type, byte[] data, long... shape) {
        byte[] turned = data;
        if (architecture.equals("llama") && name.contains("q_proj")) {
            turned = interleaved(data, (int) shape[0], heads());
        } else if (architecture.equals("llama") && name.contains("k_proj")) {
            turned = interleaved(data, (int) shape[0], keyValueHeads());
        }
        tensors.put(ggufName(name), new Stored(type, turned, shape));
    }

    private void zeros(String name, long... shape) {
        int elements = (int) LongStream.of(shape).reduce(1, Math::multiplyExact);
        add(name, GgufType.F32, new byte[4 * elements], shape);
    }

    private int heads() {
        return config.get("num_attention_heads").asInt();
    }

    private int keyValueHeads() {
        return config.get("num_key_value_heads").asInt();
    }

    private static String ggufName(String name) {
        return switch (name) {
            case "model.embed_tokens.weight" -> "token_embd.weight";
            case "model.norm.weight" -> "output_norm.weight";
            case "lm_head.weight" -> "output.weight";
            default -> name.replace("model.layers.", "blk.").replace("input_layernorm", "attn_norm")
                    .replace("post_attention_layernorm", "ffn_norm").replace("self_attn.q_proj", "attn_q")
                    .replace("self_attn.k_proj", "attn_k").replace("self_attn.v_proj", "attn_v")
                    .replace("self_attn.o_proj", "attn_output").replace("self_attn.q_norm", "attn_q_norm")
                    .replace("self_attn.k_norm", "attn_k_norm").replace("mlp.gate_proj", "ffn_gate")
                    .replace("mlp.up_proj", "ffn_up").replace("mlp.down_proj", "ffn_down");
        };
    }

    /** The converter's permute: (heads, 2, half) becomes (heads, half, 2). */
    private static byte[] interleaved(byte[] data, int rows, int heads) {
        int rowBytes = data.length / rows;
        int half = rows / heads / 2;
        byte[] turned = new byte[data.length];
        int to = 0;
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < half; i++) {
                for (int part = 0; part < 2; part++) {
                    int row = (head * 2 + part) * half + i;
                    System.arraycopy(data, row * rowBytes, turned, to, rowBytes);
                    to += rowBytes;
                }
            }
        }
        return turned;
    }

    /** For each 32 numbers a half-precision scale, by which the largest becomes 127, and 32 bytes. */
    private static byte[] quantised(byte[] floats) {
        ByteBuffer in = ByteBuffer.wrap(floats).order(ByteOrder.LITTLE_ENDIAN);
        ByteBuffer out = ByteBuffer.allocate(floats.length / 128 * 34).order(ByteOrder.LITTLE_ENDIAN);
        while (in.hasRemaining()) {
            float[] block = new float[32];
            float largest = 0;
            for (int i = 0; i < 32; i++) {
                block[i] = in.getFloat();
                largest = Math.max(largest, Math.abs(block[i]));
            }
            short scale = Float.floatToFloat16(largest / 127);
            out.putShort(scale);
            for (float number : block) {
                out.put((byte) (largest == 0 ? 0 : Math.round(number * 127 / largest)));
            }
        }
        return out.array();
    }

    private static float[] llama3Factors(JsonNode rope, int headDim) {
        double factor = rope.get("factor").asDouble();
        double trained = rope.get("original_max_position_embeddings").asDouble();
        float[] factors = new float[headDim / 2];
        for (int i = 0; i < factors.length; i++) {
            double length = 2 * Math.PI * Math.pow(rope.get("rope_theta").asDouble(), 2.0 * i / headDim);
            double low = trained / rope.get("low_freq_factor").asDouble();
            double high = trained / rope.get("high_freq_factor").asDouble();
            double smooth = (trained / length - trained / low) / (trained / high - trained / low);
            factors[i] = (float) (length < high ? 1 : length > low ? factor : 1 / ((1 - smooth) / factor + smooth));
        }
        return factors;
    }

    private static byte[] bytes(TensorInfo tensor) {
        try (RandomAccessFile file = new RandomAccessFile(tensor.file().toFile(), "r")) {
            byte[] bytes = new byte[(int) tensor.byteLength()];
            file.seek(tensor.offset());
            file.readFully(bytes);
            return bytes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
