package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import dev.come.checkpoint.CheckpointException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTests {
    /** make_gguf.py in the resources: written by the package gguf, llama.cpp's own. */
    private static final Path SMALL = Path.of("src/test/resources/fixtures/gguf/small.gguf");

    @TempDir
    private Path folder;

    @Test
    void readsEveryKindOfValue() {
        try (GgufFile file = GgufFile.open(SMALL)) {
            GgufMetadata metadata = file.metadata();
            assertThat(metadata.text("general.architecture")).contains("llama");
            assertThat(metadata.values().get("a.uint8")).isEqualTo(new GgufValue.Whole(200));
            assertThat(metadata.values().get("a.int8")).isEqualTo(new GgufValue.Whole(-100));
            assertThat(metadata.values().get("a.uint16")).isEqualTo(new GgufValue.Whole(60_000));
            assertThat(metadata.values().get("a.int16")).isEqualTo(new GgufValue.Whole(-30_000));
            assertThat(metadata.values().get("a.uint32")).isEqualTo(new GgufValue.Whole(4_000_000_000L));
            assertThat(metadata.values().get("a.int32")).isEqualTo(new GgufValue.Whole(-2_000_000_000));
            assertThat(metadata.values().get("a.uint64")).isEqualTo(new GgufValue.Fraction(0x1.8p63));
            assertThat(metadata.values().get("a.int64")).isEqualTo(new GgufValue.Whole(-1L << 62));
            assertThat(metadata.number("a.float32")).contains(1e-5);
            assertThat(metadata.number("a.float64")).contains(1e-300);
            assertThat(metadata.truth("a.bool")).contains(true);
            assertThat(metadata.text("a.string")).contains("Gr\u00fc\u00dfe, \u4e16\u754c");
            assertThat(metadata.texts("a.strings", 3)).contains(List.of("", "a b", "\u00e9"));
            assertThat(metadata.numbers("a.integers").orElseThrow()).containsExactly(1, -2, 3);
            assertThat(metadata.numbers("a.numbers").orElseThrow()).containsExactly(0.5, -1e10);
            assertThat(metadata.values().get("a.truths")).isInstanceOfSatisfying(GgufValue.Items.class,
                    items -> assertThat(items.stream()).containsExactly(new GgufValue.Truth(true),
                            new GgufValue.Truth(false)));
            assertThatThrownBy(() -> metadata.texts("a.strings", 2)).isInstanceOf(CheckpointException.class)
                    .hasMessageContaining("the number of elements of 'a.strings' is 3, which is more than the 2");
        }
    }

    @Test
    void readsTensorsOfOtherTypes() {
        try (GgufFile file = GgufFile.open(SMALL)) {
            assertThat(file.header().tensors()).extracting(GgufTensor::name).containsExactly("plain", "half", "eight",
                    "vector");
            for (GgufTensor tensor : file.header().tensors().subList(0, 3)) {
                assertThat(tensor.shape()).containsExactly(3L, 32L);
                float[] numbers = new float[96];
                byte[] blocks = new byte[Math.toIntExact(tensor.byteLength())];
                file.read(tensor, 0, blocks);
                Dequantiser.dequantise(tensor.type(), blocks, numbers, 96);
                float step = tensor.type() == GgufType.Q8_0 ? 4f / 127 : 0;
                for (int i = 0; i < 96; i++) {
                    assertThat(numbers[i]).as("%s %s", tensor.name(), i).isCloseTo(i / 8f - 4,
                            offset(step));
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void readsBothVersions(int version) throws IOException {
        Path file = sound().version(version).write(folder.resolve("x.gguf"));
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.header().tensors()).hasSize(2);
        }
    }

    @Test
    void alignmentIsThatOfTheFile() throws IOException {
        Path file = sound().alignment(64).write(folder.resolve("x.gguf"));
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.header().tensors()).allMatch(tensor -> tensor.offset() % 64 == 0);
        }
        refused(sound().alignment(24),
                "'general.alignment' is 24, which is not a power of two; the file is damaged, fetch it again");
        refused(sound().alignment(0),
                "'general.alignment' is 0, which is not a power of two; the file is damaged, fetch it again");
    }

    @Test
    void refusesWhatIsNoGgufFile() throws IOException {
        refused(new byte[0], "the file ends at byte 0, inside of the mark GGUF; it is truncated, fetch it again");
        refused("PK rest".getBytes(StandardCharsets.UTF_8),
                "a GGUF file begins with the letters GGUF, but this one does not; give a GGUF file or a model folder");
        refused("version https://git-lfs".getBytes(StandardCharsets.UTF_8),
                "this is a Git LFS pointer, not the model; run 'git lfs pull' in its folder");
        refused(sound().version(1),
                "the file is of GGUF version 1, where 2 or 3 is expected; convert the model again with a"
                        + " current llama.cpp");
        refused(sound().version(Integer.reverseBytes(3)), "the file was written for a big-endian machine, and only"
                + " little-endian files are read; get that one");
        Path absent = folder.resolve("absent.gguf");
        assertThatThrownBy(() -> GgufFile.open(absent)).isInstanceOf(CheckpointException.class)
                .hasMessage(absent + " cannot be read (no such file); check that it exists and may be read");
        assertThatThrownBy(() -> GgufFile.open(folder)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(folder + " cannot be read (");
    }

    @Test
    void refusesCountsThatTheFileHasNoRoomFor() throws IOException {
        byte[] bytes = sound().bytes();
        byte[] tensors = bytes.clone();
        tensors[15] = (byte) 0x80;
        refused(tensors, "the number of tensors is given as 9223372036854775810, but the rest of the file has room for "
                + (bytes.length - 16) / 32 + " at most; the file is damaged, fetch it again");
        byte[] keys = bytes.clone();
        keys[20] = 1;
        refused(keys, "the number of keys is given as 4294967297, but the rest of the file has room for "
                + (bytes.length - 24) / 13 + " at most; the file is damaged, fetch it again");
        refused(sound().entry("k", GgufWriter.STRING, GgufWriter.int64(-1)), "the length of the key 'k' is given as"
                + " 18446744073709551615, but the rest of the file has room for 198 at most; the file is damaged, fetch it again");
        refused(sound().entry("k", GgufWriter.ARRAY, list(GgufWriter.STRING, 1L << 40)),
                "the number of elements of the key 'k' is given as 1099511627776, but the rest of the file has room for 24 at"
                        + " most; the file is damaged, fetch it again");
    }

    /** A list of so many lists of lists, and in the innermost the integer 7. */
    private static byte[] nested(int depth) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        for (int i = 0; i < depth; i++) {
            list.writeBytes(list(GgufWriter.ARRAY, 1));
        }
        list.writeBytes(list(GgufWriter.UINT32, 1));
        list.writeBytes(GgufWriter.int32(7));
        return list.toByteArray();
    }

    /** No key that is read has such a list; a file may have it under another. */
    @Test
    void listsOfListsUnderOtherKeysAreTaken() throws IOException {
        Path file = sound().entry("k", GgufWriter.ARRAY, nested(3)).integer("after", 5).write(folder.resolve("x.gguf"));
        try (GgufFile gguf = GgufFile.open(file)) {
            assertThat(gguf.metadata().values().get("k")).isEqualTo(new GgufValue.Lists(1));
            assertThat(gguf.metadata().count("after")).contains(5);
            assertThatThrownBy(() -> gguf.metadata().count("k")).isInstanceOf(CheckpointException.class)
                    .hasMessage(
                            file + ": the key 'k' must be an integer from 0 to 2147483647, but is a list of 1 lists");
        }
    }

    @Test
    void refusesOddKeys() throws IOException {
        refused(sound().integer("k", 1).integer("k", 1),
                "the key 'k' is given twice; the file is damaged, fetch it again");
        refused(sound().integer("", 1), "key 1 has no name; the file is damaged, fetch it again");
        refused(sound().entry("k", 13, new byte[4]),
                "the key 'k' is of type 13, and there is no such type; the file is damaged, fetch it again");
        refused(sound().entry("k", GgufWriter.BOOL, new byte[]{2}),
                "the key 'k' is the truth value 2, where 0 or 1 is expected; the file is damaged, fetch it again");
        refused(sound().entry("k", GgufWriter.ARRAY, nested(4)),
                "the key 'k' has lists in lists, deeper than 4; the file is damaged, fetch it again");
        byte[] latin = {1, 0, 0, 0, 0, 0, 0, 0, (byte) 0xfc};
        refused(sound().entry("k", GgufWriter.STRING, latin),
                "the key 'k' is not UTF-8 text; the file is damaged, fetch it again");
    }

    @Test
    void refusesOddTensors() throws IOException {
        String damaged = "; the file is damaged, fetch it again";
        refused(sound().floats("a", new float[2], 2), "tensor 'a' is given twice" + damaged);
        refused(sound().floats("", new float[2], 2), "a tensor has no name" + damaged);
        refused(sound().floats("t", new float[1]), "tensor 't' has 0 dimensions, where 1 to 4 are possible" + damaged);
        refused(sound().floats("t", new float[1], 1, 1, 1, 1, 1),
                "tensor 't' has 5 dimensions, where 1 to 4 are possible" + damaged);
        refused(sound().floats("t", new float[1], 1, -1),
                "a dimension of tensor 't' is 18446744073709551615, where 1 to"
                        + " 2147483647 are possible" + damaged);
        refused(sound().tensor("t", GgufType.Q8_0, new byte[34], 2, 16),
                "tensor 't' is Q8_0, which comes in blocks of 32, but its rows have 16 numbers" + damaged);
        refused(sound().tensor("t", 21, new byte[110], 256), "tensor 't' is IQ3_S, which is not read (read are: "
                + GgufType.known() + "); get the model in one of those");
        refused(sound().tensor("t", 99, new byte[18], 32),
                "tensor 't' is of the unknown type 99, which is not read (read are: "
                        + GgufType.known() + "); get the model in one of those");
        int max = Integer.MAX_VALUE;
        refused(sound().floats("t", new float[1], max, max, max),
                "tensor 't' of shape [" + max + ", " + max + ", " + max
                        + "] at byte 96 of the data is larger than any file can be" + damaged);
        GgufWriter large = sound().floats("t", new float[1], 2);
        int end = large.bytes().length - 32 + 8;
        // The padding hides what is missing from a last tensor; that of one number more does not.
        refused(Arrays.copyOf(large.bytes(), end - 1),
                "tensor 't' ends at byte " + end + ", but the file has only "
                        + (end - 1) + "; the file is truncated, fetch it again");
    }

    @Test
    void refusesTensorsThatOverlapOrAreOutOfLine() throws IOException {
        byte[] bytes = sound().bytes();
        int place = place(bytes, "b");
        byte[] overlapping = bytes.clone();
        overlapping[place] = 0;
        assertThatThrownBy(() -> GgufFile.open(Files.write(folder.resolve("x.gguf"), overlapping)))
                .hasMessageContaining("tensor 'b' begins at byte ")
                .hasMessageContaining(", inside of tensor 'a', which ends");
        byte[] crooked = bytes.clone();
        crooked[place] = 33;
        refused(crooked,
                "tensor 'b' begins at byte 33 of the data, which is not a multiple of the alignment, 32; the file is"
                        + " damaged, fetch it again");
    }

    /** The type decides how long a tensor is: with a wrong one it ends too early, and a gap is left behind it. */
    @Test
    void refusesAGapBehindATensor() throws IOException {
        String damaged = "; the file is damaged, fetch it again";
        byte[] eight = new byte[34 * 4];
        GgufWriter between = new GgufWriter().tensor("a", GgufType.Q4_0, eight, 4, 32).floats("b", new float[2], 2);
        // 4 blocks of 18 bytes instead of 34: 72 of 136, padded to 160
        refused(between, "88 bytes between tensor 'a' and tensor 'b' belong to no tensor" + damaged);
        GgufWriter behind = new GgufWriter().floats("a", new float[2], 2).tensor("b", GgufType.Q4_0, eight, 4, 32);
        refused(behind, "88 bytes after tensor 'b' belong to no tensor" + damaged);
        byte[] first = sound().bytes();
        first[place(first, "a") + 8] = 64; // it has one dimension more
        first[place(first, "b")] = 96;
        refused(first, "64 bytes between the header and tensor 'a' belong to no tensor" + damaged);
        // As many bytes as the alignment asks for, or less at the end, are no gap.
        byte[] bytes = sound().bytes();
        for (int less = 0; less < 30; less++) {
            GgufFile.open(Files.write(folder.resolve("x.gguf"), Arrays.copyOf(bytes, bytes.length - less))).close();
        }
    }

    @Test
    void aFileThatBecomesShorterIsToldWhereverItIsRead() throws IOException {
        Path path = Files.write(folder.resolve("x.gguf"), sound().bytes());
        long size = Files.size(path);
        try (GgufFile file = GgufFile.open(path)) {
            GgufTensor last = file.header().tensors().getLast();
            Files.write(path, Arrays.copyOf(Files.readAllBytes(path), (int) last.offset() + 3));
            String message = path + " has " + (last.offset() + 3) + " bytes now, but had " + size
                    + " when it was opened; leave it as it is while it is read, and fetch it again";
            assertThatThrownBy(() -> file.read(last, 0, new byte[34])).isInstanceOf(CheckpointException.class)
                    .hasMessage(message);
            assertThatThrownBy(file::requireUnchanged).hasMessage(message);
            assertThatThrownBy(() -> file.fingerprint("")).hasMessage(message);
        }
    }

    @Test
    void everyShorterFileIsRefused() throws IOException {
        byte[] bytes = sound().bytes();
        try (GgufFile whole = GgufFile.open(Files.write(folder.resolve("x.gguf"), bytes))) {
            GgufTensor last = whole.header().tensors().getLast();
            int end = (int) (last.offset() + last.byteLength());
            for (int length = 0; length < end; length++) {
                Path file = Files.write(folder.resolve("short.gguf"), Arrays.copyOf(bytes, length));
                assertThatThrownBy(() -> GgufFile.open(file)).isInstanceOf(CheckpointException.class)
                        .hasMessageStartingWith(file + ": ");
            }
        }
    }

    @Test
    void aTextThatIsNoneIsRefusedAlsoWithinAList() throws IOException {
        byte[] list = ByteBuffer.allocate(12 + 9 + 9).order(ByteOrder.LITTLE_ENDIAN).putInt(GgufWriter.STRING)
                .putLong(2).putLong(1).put((byte) 'a').putLong(1).put((byte) 0x80).array();
        Path path = sound().entry("texts", GgufWriter.ARRAY, list).write(folder.resolve("x.gguf"));
        assertThatThrownBy(() -> GgufFile.open(path)).isInstanceOf(CheckpointException.class)
                .hasMessage(path + ": the key 'texts' is not UTF-8 text; the file is damaged, fetch it again");
    }

    @Test
    void aKeyOfAnotherKindIsNamed() throws IOException {
        Path path = new GgufWriter().text("t", "x".repeat(150)).integer("i", 7).texts("l", List.of("a", "b"))
                .entry("n", GgufWriter.INT32, GgufWriter.int32(-1)).write(folder.resolve("x.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            GgufMetadata metadata = file.metadata();
            wrong(() -> metadata.count("t"), path, "'t' must be an integer from 0 to 2147483647, but is the text '"
                    + "x".repeat(100) + "...'");
            wrong(() -> metadata.count("n"), path,
                    "'n' must be an integer from 0 to 2147483647, but is the integer -1");
            wrong(() -> metadata.text("i"), path, "'i' must be a text, but is the integer 7");
            wrong(() -> metadata.truth("i"), path, "'i' must be true or false, but is the integer 7");
            wrong(() -> metadata.texts("i", 9), path, "'i' must be a list, but is the integer 7");
            wrong(() -> metadata.number("l"), path,
                    "'l' must be a finite number, but is a list of 2 that begins with the text 'a'");
            wrong(() -> metadata.requiredText("x"), path, "'x' is missing; it must be a text");
        }
    }

    /** A name may be as long as the header; of it the beginning is shown. */
    @Test
    void longNamesAndTextsAreShownInPart() throws IOException {
        String name = "x\u001b".repeat(50_000);
        String shown = "x\\u001b".repeat(50) + "...";
        String damaged = "; the file is damaged, fetch it again";
        refused(sound().integer(name, 1).integer(name, 1), "the key '" + shown + "' is given twice" + damaged);
        refused(sound().tensor(name, GgufType.Q8_0, new byte[34], 2, 16),
                "tensor '" + shown + "' is Q8_0, which comes in blocks of 32, but its rows have 16 numbers" + damaged);
        refused(sound().floats(name, new float[2], 2).floats(name, new float[2], 2),
                "tensor '" + shown + "' is given twice" + damaged);
        Path path = new GgufWriter().text("general.architecture", name).write(folder.resolve("x.gguf"));
        try (GgufFile file = GgufFile.open(path)) {
            assertThatThrownBy(() -> GgufModel.of(file)).isInstanceOf(CheckpointException.class)
                    .hasMessage(path + ": the architecture is '" + shown + "', and of GGUF files only "
                            + Architecture.known() + " are read; use the model's own folder");
        }
    }

    private static void wrong(Runnable read, Path path, String message) {
        assertThatThrownBy(read::run).isInstanceOf(CheckpointException.class)
                .hasMessage(path + ": the key " + message);
    }

    private static GgufWriter sound() {
        return new GgufWriter().text("general.architecture", "llama").floats("a", new float[4], 2, 2)
                .tensor("b", GgufType.Q8_0, new byte[34], 32);
    }

    /** Where the place of a tensor is told. */
    private static int place(byte[] bytes, String name) {
        byte[] entry = GgufWriter.string(name);
        for (int at = 24;; at++) {
            if (Arrays.equals(bytes, at, at + entry.length, entry, 0, entry.length)) {
                return at + entry.length + 4 + 8 + 4;
            }
        }
    }

    private static byte[] list(int type, long count) {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(GgufWriter.int32(type));
        list.writeBytes(GgufWriter.int64(count));
        return list.toByteArray();
    }

    private void refused(GgufWriter writer, String message) throws IOException {
        refused(writer.bytes(), message);
    }

    private void refused(byte[] bytes, String message) throws IOException {
        Path file = Files.write(folder.resolve("x.gguf"), bytes);
        assertThatThrownBy(() -> GgufFile.open(file)).isInstanceOf(CheckpointException.class)
                .hasMessage(file + ": " + message);
    }
}
