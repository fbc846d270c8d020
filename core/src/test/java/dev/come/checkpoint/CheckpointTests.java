package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTests {
    @TempDir
    private Path folder;

    @Test
    void readsASingleFile() {
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.goldenModel("llama-gqa"));
                Tensor embedding = checkpoint.tensor("model.embed_tokens.weight")) {
            assertThat(checkpoint.config().string("model_type")).isEqualTo("llama");
            // 6 layers of 9 tensors, the embedding and the final norm; the head is tied (golden/README.md)
            assertThat(checkpoint.tensors()).hasSize(6 * 9 + 2);
            assertThat(checkpoint.contains("lm_head.weight")).isFalse();
            assertThat(embedding.shape()).containsExactly(128, 32);
            // the first four bytes after a header of 8 + 5704
            assertThat(embedding.select(0, 0).select(0, 0).item_float())
                    .isEqualTo(floatAt(Fixtures.goldenModel("llama-gqa").resolve("model.safetensors"), 5712));
        }
    }

    @Test
    void readsShardsByTheirIndex() {
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.goldenModel("llama-bf16-sharded"));
                Tensor head = checkpoint.tensor("lm_head.weight")) {
            assertThat(checkpoint.info("lm_head.weight").file().getFileName())
                    .hasToString("model-00003-of-00003.safetensors");
            assertThat(head.scalar_type().intern()).isEqualTo(torch.ScalarType.BFloat16);
            // metadata.total_size of its index
            assertThat(checkpoint.tensors().stream().mapToLong(TensorInfo::byteLength).sum()).isEqualTo(127808);
        }
    }

    @ParameterizedTest
    @EnumSource
    void readsTensorsOfEveryTypeEvenAtOddAddresses(DType dtype) throws IOException {
        int bytes = 3 * dtype.bytes();
        String header = """
                {"pad": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                 "x": {"dtype": "%s", "shape": [3], "data_offsets": [1, %s]}}""".formatted(dtype, 1 + bytes);
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.model(folder, header, 1 + bytes));
                Tensor x = checkpoint.tensor("x")) {
            assertThat(DType.of(x.scalar_type())).isEqualTo(dtype);
            byte[] stored = new byte[bytes];
            x.data_ptr().capacity(bytes).asByteBuffer().get(stored);
            for (int i = 0; i < bytes; i++) {
                assertThat(stored[i]).isEqualTo((byte) (i + 1));
            }
        }
    }

    @Test
    void readsSingleNumbersAndEmptyTensors() throws IOException {
        String header = """
                {"one": {"dtype": "I32", "shape": [], "data_offsets": [0, 4]},
                 "none": {"dtype": "F32", "shape": [0, 5], "data_offsets": [4, 4]}}""";
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.model(folder, header, 4));
                Tensor one = checkpoint.tensor("one");
                Tensor none = checkpoint.tensor("none")) {
            assertThat(one.item_int()).isEqualTo(0x03020100);
            assertThat(none.shape()).containsExactly(0, 5);
        }
    }

    @Test
    void readsBeyondTwoGibibytes() throws IOException {
        long bytes = 3L << 30;
        String header = """
                {"big": {"dtype": "I8", "shape": [%s, 2], "data_offsets": [0, %s]},
                 "after": {"dtype": "I8", "shape": [2], "data_offsets": [%s, %s]}}""".formatted(bytes / 2, bytes,
                bytes, bytes + 2);
        Fixtures.model(folder, header, 0);
        long dataStart = 8L + header.getBytes(StandardCharsets.UTF_8).length;
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(dataStart + bytes + 2); // a sparse file: it takes no room on the disk
            file.seek(dataStart + bytes - 1);
            file.write(new byte[]{7, 8, 9});
        }
        try (Checkpoint checkpoint = Checkpoint.open(folder);
                Tensor last = checkpoint.rows("big", bytes / 2 - 1, 1);
                Tensor picked = checkpoint.rows("big", new int[]{0, (int) (bytes / 2 - 1)});
                Tensor after = checkpoint.tensor("after")) {
            assertThat(last.shape()).containsExactly(1, 2);
            assertThat(last.select(1, 1).item_int()).isEqualTo(7);
            assertThat(picked.select(1, 1).select(0, 0).item_int()).isZero();
            assertThat(picked.select(1, 1).select(0, 1).item_int()).isEqualTo(7);
            assertThat(after.select(0, 1).item_int()).isEqualTo(9);
        }
    }

    @Test
    void whatIsReadStaysInNoMemoryButItsOwn() throws IOException {
        long bytes = 128L << 20;
        String header = """
                {"big": {"dtype": "I8", "shape": [%s], "data_offsets": [0, %s]}}""".formatted(bytes, bytes);
        Fixtures.model(folder, header, 0);
        long dataStart = 8L + header.getBytes(StandardCharsets.UTF_8).length;
        try (RandomAccessFile file = new RandomAccessFile(folder.resolve("model.safetensors").toFile(), "rw")) {
            file.setLength(dataStart + bytes);
            file.seek(dataStart + bytes - 1);
            file.write(7);
        }
        OptionalLong before = mappedBytes();
        try (Checkpoint checkpoint = Checkpoint.open(folder); Tensor big = checkpoint.tensor("big")) {
            assertThat(big.max().item_int()).isEqualTo(7);
            if (before.isPresent()) {
                assertThat(mappedBytes().orElseThrow() - before.getAsLong()).isLessThan(bytes / 2);
            }
        }
    }

    /** Bytes of files that are mapped and in memory, where the system tells. */
    private static OptionalLong mappedBytes() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.isReadable(status)) {
            return OptionalLong.empty();
        }
        return Files.readAllLines(status).stream().filter(line -> line.startsWith("RssFile:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10).findFirst();
    }

    @Test
    void saysWhatToGiveWhereThereIsNoSuchFolder() {
        refused(Path.of("no/SmolLM2-135M"), "no/SmolLM2-135M: there is no such folder",
                "its name on the Hugging Face hub");
    }

    @Test
    void refusesAFileInPlaceOfAFolder() throws IOException {
        refused(Files.createFile(folder.resolve("weights")), "weights is a file", "give the model's folder");
    }

    @Test
    void refusesAFolderWithoutConfiguration() {
        refused(folder, "config.json cannot be read (no such file)");
    }

    @ParameterizedTest
    @CsvSource({"pytorch_model.bin, not in the safetensors format", "other.safetensors, fetch it too",
        "tokenizer.json, neither model.safetensors nor model.safetensors.index.json"})
    void refusesAFolderWithoutWeights(String file, String message) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.createFile(folder.resolve(file));
        refused(folder, folder.toString(), message);
    }

    @Test
    void refusesAMissingShard() throws IOException {
        copyOfShards();
        Files.delete(folder.resolve("model-00002-of-00003.safetensors"));
        refused(folder, "index.json: the shard model-00002-of-00003.safetensors is missing", "tensor 'model.layers.");
    }

    @Test
    void refusesATensorThatIsNotInItsShard() throws IOException {
        editIndex("{\"weight_map\": {", "{\"weight_map\": {\"extra.weight\": \"model-00001-of-00003.safetensors\", ");
        refused(folder, "tensor 'extra.weight' should lie in model-00001-of-00003.safetensors, but is not there");
    }

    @Test
    void refusesATensorThatTheIndexDoesNotName() throws IOException {
        editIndex("\"model.embed_tokens.weight\":\"model-00001-of-00003.safetensors\",", "");
        refused(folder, "tensor 'model.embed_tokens.weight' lies in model-00001-of-00003.safetensors",
                "but the index does not name it");
    }

    @Test
    void refusesATensorInAnotherShardThanTheIndexSays() throws IOException {
        editIndex("\"model.embed_tokens.weight\":\"model-00001", "\"model.embed_tokens.weight\":\"model-00002");
        refused(folder, "tensor 'model.embed_tokens.weight' lies in model-00001-of-00003.safetensors",
                "but the index says model-00002-of-00003.safetensors");
    }

    @Test
    void refusesATensorThatTwoShardsHold() throws IOException {
        copyOfShards();
        Files.copy(folder.resolve("model-00001-of-00003.safetensors"),
                folder.resolve("model-00002-of-00003.safetensors"),
                StandardCopyOption.REPLACE_EXISTING);
        refused(folder, "tensor 'model.embed_tokens.weight' lies in model-00001-of-00003.safetensors too");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../secret.safetensors", "/etc/x.safetensors", "a\\\\b.safetensors", "shard.bin"})
    void refusesAnIndexThatLeadsOutOfTheFolder(String shard) throws IOException {
        editIndex("\"lm_head.weight\":\"model-00003-of-00003.safetensors\"", "\"lm_head.weight\":\"" + shard + "\"");
        refused(folder, "tensor 'lm_head.weight' is said to lie in", "of the same folder");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"weight_map\": []}", "{\"weight_map\": {}}", "{\"weight_map\": {\"a\": 1}}"})
    void refusesAnIndexWithoutWeightMap(String index) throws IOException {
        Files.writeString(folder.resolve("config.json"), "{}");
        Files.writeString(folder.resolve(ShardIndex.FILE_NAME), index);
        refused(folder, "model.safetensors.index.json: 'weight_map' must be an object");
    }

    @Test
    void namesATensorThatIsNotThere() {
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.goldenModel("llama-gqa"))) {
            assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> checkpoint.tensor("nonsense"))
                    .withMessageContainingAll("llama-gqa", "'nonsense' is missing");
        }
    }

    @Test
    void aFileThatBecomesShorterIsToldWhereverItIsRead() throws IOException {
        String header = """
                {"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
                 "b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [16, 32]}}""";
        Fixtures.model(folder, header, 32);
        Path weights = folder.resolve("model.safetensors");
        long size = Files.size(weights);
        try (Checkpoint checkpoint = Checkpoint.open(folder); Tensor into = checkpoint.tensor("a")) {
            try (RandomAccessFile file = new RandomAccessFile(weights.toFile(), "rw")) {
                file.setLength(size - 1);
            }
            // Of the first tensor nothing is missing, but who knows what else happened to the file.
            for (String name : List.of("a", "b")) {
                changed(() -> checkpoint.tensor(name), size);
                changed(() -> checkpoint.rows(name, 1, 1), size);
                changed(() -> checkpoint.rows(name, new int[]{1, 0}), size);
                changed(() -> checkpoint.readRows(name, 0, into), size);
            }
            changed(checkpoint::fingerprint, size);
            changed(() -> checkpoint.holdsSame("a", checkpoint, "b"), size);
        }
    }

    private static void changed(ThrowingCallable read, long size) {
        assertThatExceptionOfType(CheckpointException.class).isThrownBy(read)
                .withMessageContaining("model.safetensors has " + (size - 1) + " bytes now, but had " + size
                        + " when it was opened; leave it as it is while it is read, and fetch it again");
    }

    @Test
    void comparesTensorsByTypeShapeAndBytes() throws IOException {
        String header = """
                {"a": {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]},
                 "wide": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]},
                 "other": {"dtype": "I32", "shape": [1, 1], "data_offsets": [8, 12]},
                 "b": {"dtype": "F32", "shape": [1, 1], "data_offsets": [12, 16]}}""";
        Fixtures.model(folder, header, 16);
        byte[] same = Files.readAllBytes(folder.resolve("model.safetensors"));
        Arrays.fill(same, same.length - 16, same.length, (byte) 1);
        same[same.length - 1] = 2;
        Files.write(folder.resolve("model.safetensors"), same);
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            assertThat(checkpoint.holdsSame("a", checkpoint, "a")).isTrue();
            assertThat(checkpoint.holdsSame("a", checkpoint, "wide")).as("another shape").isFalse();
            assertThat(checkpoint.holdsSame("a", checkpoint, "other")).as("another type").isFalse();
            assertThat(checkpoint.holdsSame("a", checkpoint, "b")).as("another last byte").isFalse();
        }
    }

    @Test
    void givesNoTensorsOnceItIsClosed() {
        Checkpoint checkpoint = Checkpoint.open(Fixtures.goldenModel("llama-gqa"));
        checkpoint.close();
        assertThatIllegalStateException().isThrownBy(() -> checkpoint.tensor("model.norm.weight"))
                .withMessageContaining("is closed");
    }

    @Test
    void namesTensorsThatAreMissingOrUnexpected() throws IOException {
        String header = """
                {"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
                 "b": {"dtype": "U8", "shape": [1], "data_offsets": [1, 2]}}""";
        try (Checkpoint checkpoint = Checkpoint.open(Fixtures.model(folder, header, 2))) {
            checkpoint.headers().checkTensors(Set.of("a"), Set.of("b", "c"));
            assertThatExceptionOfType(CheckpointException.class)
                    .isThrownBy(() -> checkpoint.headers().checkTensors(Set.of("a", "b", "c", "d"), Set.of()))
                    .withMessageContaining("tensor 'c' (and 1 more), which config.json asks for, is missing");
            assertThatExceptionOfType(CheckpointException.class)
                    .isThrownBy(() -> checkpoint.headers().checkTensors(Set.of("a"), Set.of()))
                    .withMessageContaining("tensor 'b' has no place in the model");
        }
    }

    @Test
    void fingerprintsTellModelsApart() throws IOException {
        String header = "{\"a\": {\"dtype\": \"F32\", \"shape\": [1], \"data_offsets\": [0, 4]}}";
        String original = fingerprint(Fixtures.model(folder, header, 4));
        assertThat(original).matches("[0-9a-f]{64}").isEqualTo(fingerprint(folder));

        Path weights = folder.resolve("model.safetensors");
        byte[] bytes = Files.readAllBytes(weights);
        bytes[bytes.length - 1]++;
        Files.write(weights, bytes);
        String tuned = fingerprint(folder);
        Fixtures.model(folder, header.replace("\"a\"", "\"b\""), 4);
        String renamed = fingerprint(folder);
        Fixtures.model(folder, header, 4);
        Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"other\"}");
        String configured = fingerprint(folder);
        assertThat(List.of(original, tuned, renamed, configured)).doesNotHaveDuplicates();
    }

    private static String fingerprint(Path folder) {
        try (Checkpoint checkpoint = Checkpoint.open(folder)) {
            return checkpoint.fingerprint();
        }
    }

    private static void refused(Path folder, String... parts) {
        assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> Checkpoint.open(folder).close())
                .withMessageContainingAll(parts);
    }

    private void copyOfShards() throws IOException {
        try (var files = Files.list(Fixtures.goldenModel("llama-bf16-sharded"))) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
    }

    /** A copy of the model in shards, with a change in its index (which is given here without white space). */
    private void editIndex(String find, String replacement) throws IOException {
        copyOfShards();
        Path index = folder.resolve(ShardIndex.FILE_NAME);
        String text = Files.readString(index).replaceAll("\\s", "").replaceFirst("\"metadata\":\\{[^}]*},", "");
        String edited = text.replace(find.replace(" ", ""), replacement);
        assertThat(edited).isNotEqualTo(text);
        Files.writeString(index, edited);
    }

    private static float floatAt(Path file, int position) {
        try {
            return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN).getFloat(position);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
