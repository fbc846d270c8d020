package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file with blocks that are looked up in a table becomes a folder. */
class GgufBlocksTests {
    @TempDir
    private Path folder;

    /** The lowest number of the table is -127, and the first scale 1. */
    @Test
    void blocksOfANewTypeAreUnpacked() throws IOException {
        byte[] blocks = new byte[2 * 18];
        ByteBuffer.wrap(blocks).order(ByteOrder.LITTLE_ENDIAN).putShort(0, (short) 0x3c00).putShort(18, (short) 0x4000);
        Path file = row(blocks);
        try (Checkpoint made = Checkpoint.open(GgufImport.folder(file, folder.resolve("cache"), Progress.NONE));
                var _ = new PointerScope()) {
            assertThat(made.tensor("model.layers.0.self_attn.k_proj.weight").select(0, 0).sum().item_double())
                    .isEqualTo(-127.0 * 32);
        }
    }

    /** A Llama whose keys are two rows of IQ4_NL. */
    private Path row(byte[] blocks) throws IOException {
        String key = "llama.";
        GgufWriter writer = new GgufWriter().text("general.architecture", "llama").integer(key + "block_count", 1)
                .integer(key + "context_length", 8).integer(key + "embedding_length", 32)
                .integer(key + "feed_forward_length", 2).integer(key + "attention.head_count", 16)
                .integer(key + "attention.head_count_kv", 1)
                .number(key + "attention.layer_norm_rms_epsilon", 1e-6).text("tokenizer.ggml.model", "llama")
                .texts("tokenizer.ggml.tokens", List.of("<unk>", "a"))
                .numbers("tokenizer.ggml.scores", List.of(0f, 0f));
        GgufFamilyTests.zeros(writer, "token_embd", 2, 32);
        GgufFamilyTests.zeros(writer, "output_norm", 32);
        GgufFamilyTests.zeros(writer, "blk.0.attn_norm", 32);
        GgufFamilyTests.zeros(writer, "blk.0.ffn_norm", 32);
        GgufFamilyTests.zeros(writer, "blk.0.attn_q", 32, 32);
        writer.tensor("blk.0.attn_k.weight", GgufType.IQ4_NL, blocks, 2, 32);
        GgufFamilyTests.zeros(writer, "blk.0.attn_v", 2, 32);
        GgufFamilyTests.zeros(writer, "blk.0.attn_output", 32, 32);
        GgufFamilyTests.zeros(writer, "blk.0.ffn_gate", 2, 32);
        GgufFamilyTests.zeros(writer, "blk.0.ffn_up", 2, 32);
        GgufFamilyTests.zeros(writer, "blk.0.ffn_down", 32, 2);
        return writer.write(folder.resolve("row.gguf"));
    }
}
