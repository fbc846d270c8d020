package dev.come.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Writes a GGUF file of a Llama of one layer, whose matrices are Q8_0 and zero, and whose 64 tokens are letters. */
final class SmallGguf {
    private static final int UINT32 = 4;
    private static final int FLOAT32 = 6;
    private static final int STRING = 8;
    private static final int LIST = 9;
    private static final int F32 = 0;
    private static final int Q8_0 = 8;

    private final ByteArrayOutputStream header = new ByteArrayOutputStream();
    private long dataBytes;
    private int tensors;
    private int keys;

    static Path write(Path file) throws IOException {
        SmallGguf gguf = new SmallGguf();
        ByteArrayOutputStream entries = gguf.header;
        gguf.key("general.architecture", STRING, text("llama"));
        gguf.key("llama.attention.layer_norm_rms_epsilon", FLOAT32, number(Float.floatToIntBits(1e-5f)));
        gguf.count("block_count", 1);
        gguf.count("context_length", 64);
        gguf.count("embedding_length", 32);
        gguf.count("feed_forward_length", 64);
        gguf.count("attention.head_count", 4);
        gguf.count("attention.head_count_kv", 2);
        gguf.key("tokenizer.ggml.model", STRING, text("gpt2"));
        gguf.key("tokenizer.ggml.pre", STRING, text("gpt-2"));
        gguf.key("tokenizer.ggml.tokens", LIST,
                list(IntStream.range(0, 64).mapToObj(i -> Character.toString('A' + i)).toList()));
        gguf.key("tokenizer.ggml.merges", LIST, list(List.of()));
        gguf.tensor("token_embd.weight", 64, 32);
        gguf.tensor("output_norm.weight", 32);
        gguf.tensor("blk.0.attn_norm.weight", 32);
        gguf.tensor("blk.0.ffn_norm.weight", 32);
        gguf.tensor("blk.0.attn_q.weight", 32, 32);
        gguf.tensor("blk.0.attn_k.weight", 16, 32);
        gguf.tensor("blk.0.attn_v.weight", 16, 32);
        gguf.tensor("blk.0.attn_output.weight", 32, 32);
        gguf.tensor("blk.0.ffn_gate.weight", 64, 32);
        gguf.tensor("blk.0.ffn_up.weight", 64, 32);
        gguf.tensor("blk.0.ffn_down.weight", 32, 64);
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        all.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
        all.writeBytes(number(3));
        all.writeBytes(size(gguf.tensors));
        all.writeBytes(size(gguf.keys));
        all.writeBytes(entries.toByteArray());
        all.writeBytes(new byte[(int) gguf.dataBytes + (32 - all.size() % 32) % 32]);
        return Files.write(file, all.toByteArray());
    }

    private void count(String name, int value) {
        key("llama." + name, UINT32, number(value));
    }

    private void key(String name, int type, byte[] value) {
        Stream.of(text(name), number(type), value).forEach(header::writeBytes);
        keys++;
    }

    /** A tensor of zeros: Q8_0 with two dimensions, F32 with one. */
    private void tensor(String name, long... shape) {
        header.writeBytes(text(name));
        header.writeBytes(number(shape.length));
        long elements = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            header.writeBytes(size(shape[i]));
            elements *= shape[i];
        }
        header.writeBytes(number(shape.length == 1 ? F32 : Q8_0));
        header.writeBytes(size(dataBytes));
        dataBytes += shape.length == 1 ? 4 * elements : elements / 32 * 34;
        tensors++;
    }

    private static byte[] list(List<String> texts) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(number(STRING));
        bytes.writeBytes(size(texts.size()));
        texts.forEach(text -> bytes.writeBytes(text(text)));
        return bytes.toByteArray();
    }

    private static byte[] text(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + bytes.length).order(ByteOrder.LITTLE_ENDIAN).putLong(bytes.length).put(bytes)
                .array();
    }

    private static byte[] number(int number) {
        return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(number).array();
    }

    private static byte[] size(long size) {
        return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(size).array();
    }
}
