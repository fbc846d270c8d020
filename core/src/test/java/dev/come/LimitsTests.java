package dev.come;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.CheckpointHeaders;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.Limits;
import dev.come.model.ModelConfig;
import dev.come.prune.PruningPlan;
import dev.come.vocabulary.TokenizerFiles;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What files claim is compared with {@link Limits} before it costs memory or time. */
class LimitsTests {
    private static final int LONGEST_MESSAGE = 4000;
    /** A refusal may read a small file, but not make anything of the size that the file claims. */
    private static final long SMALL = 32 << 20;

    @TempDir
    private Path folder;

    /** What is thrown, which is one sentence of bounded length, and little memory is taken before. */
    private static String refusal(Callable<?> read) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().threadId();
        long before = threads.getThreadAllocatedBytes(thread);
        Throwable refusal = catchThrowable(read::call);
        long allocated = threads.getThreadAllocatedBytes(thread) - before;
        assertThat(refusal).isInstanceOf(InvalidInputException.class);
        assertThat(allocated).isLessThan(SMALL);
        String message = String.valueOf(refusal.getMessage());
        assertThat(message).hasSizeLessThan(LONGEST_MESSAGE).doesNotContain("\n");
        return message;
    }

    private Path configWith(String key, Object value) throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        ConfigTree config = ConfigTree.read(model.resolve("config.json"))
                .edited(root -> root.putPOJO(key, value));
        Files.writeString(model.resolve("config.json"), config.toJson());
        return model;
    }

    @ParameterizedTest
    @CsvSource({"num_hidden_layers, 2000000000", "num_hidden_layers, 4097", "hidden_size, 2000000000",
        "intermediate_size, 2147483647", "num_attention_heads, 2000000000", "num_key_value_heads, 2000000000",
        "head_dim, 2147483646", "vocab_size, 2147483647", "vocab_size, 1048577"})
    void aSizeInAConfigurationThatNoModelHasIsRefusedAtOnce(String key, int value) throws IOException {
        Path model = configWith(key, value);
        assertThat(refusal(() -> ModelConfig.of(CheckpointHeaders.read(model)))).contains("config.json", key,
                "" + value);
        assertThat(refusal(() -> ModelConfig.of(ConfigTree.read(model.resolve("config.json")))))
                .contains(key + " is " + value + ", which is more than");
    }

    @Test
    void layersThatTheWeightsCannotHoldAreRefusedBeforeTheyAreLookedFor() throws IOException {
        Path model = configWith("num_hidden_layers", 2_000_000_000);
        assertThat(refusal(() -> ModelConfig.of(CheckpointHeaders.read(model))))
                .contains("num_hidden_layers is 2000000000, but the weights have ");
    }

    @Test
    void asManyLayersAsAreAllowedAreReadInNoTime() throws IOException {
        Path model = configWith("num_hidden_layers", Limits.LAYERS);
        ConfigTree config = ConfigTree.read(model.resolve("config.json"));
        assertThat(ModelConfig.of(config.edited(root -> root.put("model_type", "llama"))).attentionKinds())
                .hasSize(Limits.LAYERS);
        ConfigTree listed = config.edited(root -> {
            root.put("model_type", "qwen3").put("sliding_window", 8).put("use_sliding_window", true);
            var types = root.putArray("layer_types");
            for (int layer = 0; layer < Limits.LAYERS; layer++) {
                types.add(layer % 2 == 0 ? "full_attention" : "sliding_attention");
            }
        });
        long started = System.nanoTime();
        assertThat(ModelConfig.of(listed).attention(Limits.LAYERS - 1).window()).isEqualTo(8);
        assertThat(System.nanoTime() - started).as("does not grow with the square").isLessThan(3_000_000_000L);
    }

    @ParameterizedTest
    @CsvSource({"gemma3_text, sliding_window_pattern", "smollm3, no_rope_layer_interval"})
    void aPeriodOfNoLayersIsRefused(String family, String key) throws IOException {
        Path model = configWith(key, 0);
        ConfigTree config = ConfigTree.read(model.resolve("config.json"))
                .edited(root -> root.put("model_type", family).remove(List.of("layer_types", "architectures")));
        assertThat(refusal(() -> ModelConfig.of(config)))
                .contains(key + " is 0, but must be a number of layers, at least 1");
    }

    @Test
    void aValueOfTheWrongKindIsShownInPart() throws IOException {
        Path model = configWith("hidden_size", new int[1_000_000]);
        ConfigTree config = ConfigTree.read(model.resolve("config.json"));
        assertThat(refusal(() -> config.integer("hidden_size"))).contains("but is [0,0,0,").endsWith("...");
    }

    private Path header(String json) throws IOException {
        Path file = folder.resolve("model.safetensors");
        byte[] text = json.getBytes(StandardCharsets.UTF_8);
        Files.write(file, ByteBuffer.allocate(8 + text.length + 8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length)
                .put(text).array());
        Files.writeString(folder.resolve("config.json"), "{}");
        return folder;
    }

    @ParameterizedTest
    @CsvSource({"'[1', ',1', 64, ']', 'shape has 65 entries, where 64 are possible at most'",
        "'[1', ',1', 100000, ']', 'shape has 100001 entries, where 64 are possible at most'",
        "'[9223372036854775807', ',9223372036854775807', 1, ']', is larger than any file can be",
        "'[4294967296', ',4294967296', 1, ']', is larger than any file can be",
        "'[[[[1', ',1', 50000, ']]]]', 'must be a list of numbers that are not negative, but is [[[[1,1,1,'",
        "'[1', '0', 1000000, ']', 'JSON holds a number, a name or a text that is too long'"})
    void aShapeThatNoTensorHasIsRefusedAndShownInPart(String begin, String repeated, int times, String end,
            String message) throws IOException {
        Path model = header("{\"t\":{\"dtype\":\"F32\",\"shape\":" + begin + repeated.repeat(times) + end
                + ",\"data_offsets\":[0,8]}}");
        assertThat(refusal(() -> CheckpointHeaders.read(model))).contains(message);
    }

    @Test
    void aTensorWithAVeryLongNameIsNamedInPart() throws IOException {
        String name = "x".repeat(40_000);
        Path model = header("{\"" + name + "\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}");
        assertThat(refusal(() -> CheckpointHeaders.read(model))).contains("xxx...': F32")
                .endsWith("the header is damaged, fetch the file again");
    }

    @Test
    void aKeyThatIsGivenTwiceAndANumberThatIsNoneAreNamedWithTheirPath() throws IOException {
        Path file = folder.resolve("config.json");
        Files.writeString(file, "{\"a\": [0, {\"b\": {\"c\": 1, \"c\": 2}}]}");
        assertThat(refusal(() -> ConfigTree.read(file))).contains("'a[1].b.c' is given twice");
        Files.writeString(file, "{\"a\": {\"b\": [1.5, NaN]}}");
        assertThat(refusal(() -> ConfigTree.read(file))).contains("'a.b[1]' is NaN");
    }

    @Test
    void anIndexIsComparedWithTheFilesThatAreThere() throws IOException {
        Path model = header("{}");
        Files.move(model.resolve("model.safetensors"), model.resolve("one.safetensors"));
        StringBuilder index = new StringBuilder("{\"weight_map\":{\"t0\":\"one.safetensors\"");
        for (int i = 1; i < 20_000; i++) {
            index.append(",\"t").append(i).append("\":\"").append(i).append(".safetensors\"");
        }
        Files.writeString(model.resolve("model.safetensors.index.json"), index + "}}");
        assertThat(refusal(() -> CheckpointHeaders.read(model))).contains("the shard 1.safetensors is missing");
    }

    private Path plan(String layers, String steps, String nodes) throws IOException {
        return Files.writeString(folder.resolve("come.json"), "{\"format\":\"come-plan-1\",\"layers\":" + layers
                + ",\"steps\":[" + steps + "],\"evaluations\":[],\"nodes\":{" + nodes + "}}");
    }

    @ParameterizedTest
    @ValueSource(strings = {"4097", "2000000000", "99999999999", "1e300"})
    void aPlanOfMoreLayersThanModelsHaveIsRefusedAtOnce(String layers) throws IOException {
        Path file = plan(layers, "", "");
        assertThat(refusal(() -> PruningPlan.read(file).last())).contains("come.json");
    }

    @ParameterizedTest
    @CsvSource({"2147483647, 1", "2147483646, 2", "1, 2147483647", "-1, 1", "2147483647, 2147483647"})
    void aStepOutsideOfTheLayersIsRefused(int position, int count) throws IOException {
        Path file = plan("3", "{\"action\":\"remove\",\"position\":" + position + ",\"count\":" + count
                + ",\"stack\":[0,1]}", "");
        assertThat(refusal(() -> PruningPlan.read(file))).contains("come.json: step 1 makes 2 layers of 3");
    }

    /** A table of layers that were refitted again and again. */
    private static String refitted(int times) {
        StringBuilder nodes = new StringBuilder();
        for (int i = 1; i <= times; i++) {
            nodes.append(i == 1 ? "" : ",").append("\"m").append(i)
                    .append("\":{\"kind\":\"trained\",\"training\":\"refitted\",\"position\":0,\"start\":")
                    .append(i == 1 ? "0" : "\"m" + (i - 1) + "\"").append(",\"sha256\":\"").append("0".repeat(64))
                    .append("\"}");
        }
        return nodes.toString();
    }

    @Test
    void recipesWithinRecipesAreReadAsDeepAsRunsGoAndNoDeeper() throws IOException {
        String step = "{\"action\":\"train\",\"position\":0,\"count\":1,\"stack\":[\"m" + Limits.RECIPE_DEPTH
                + "\",1,2]}";
        Path file = plan("3", step, refitted(Limits.RECIPE_DEPTH));
        assertThat(PruningPlan.read(file).last().get(0).hashCode()).isNotZero();
        plan("3", step, refitted(100_000));
        assertThatThrownBy(() -> PruningPlan.read(file)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("more than " + Limits.RECIPE_DEPTH + " recipes lie in each other");
    }

    @ParameterizedTest
    @ValueSource(ints = {Limits.PIECE_CHARACTERS, Limits.PIECE_CHARACTERS + 1, 1_000_000})
    void aPieceThatIsPutTogetherFromOthersIsShort(int length) throws IOException {
        byte[] piece = "a".repeat(length).getBytes(StandardCharsets.UTF_8);
        ByteBuffer model = ByteBuffer.allocate(length + 100);
        model.put(new byte[]{1 << 3 | 2, 6, 1 << 3 | 2, 2, '?', '?', 3 << 3, 2});
        model.put((byte) (1 << 3 | 2));
        varint(model, 1 + varintBytes(length) + length);
        model.put((byte) (1 << 3 | 2));
        varint(model, length);
        model.put(piece).put(new byte[]{2 << 3 | 2, 2, 3 << 3, 2});
        byte[] bytes = new byte[model.position()];
        model.flip().get(bytes);
        Files.write(folder.resolve("tokenizer.model"), bytes);
        if (length <= Limits.PIECE_CHARACTERS) {
            assertThat(TokenizerFiles.read(folder)).isPresent();
        } else {
            assertThat(refusal(() -> TokenizerFiles.read(folder)))
                    .contains("tokenizer.model: a piece has " + length + " characters");
        }
    }

    private static int varintBytes(int number) {
        return number < 1 << 7 ? 1 : number < 1 << 14 ? 2 : 3;
    }

    private static void varint(ByteBuffer out, int number) {
        int rest = number;
        while (rest > 127) {
            out.put((byte) ((rest & 127) | 128));
            rest >>>= 7;
        }
        out.put((byte) rest);
    }

    @Test
    void aFileWithMoreThanItsSizeSaysIsRefused() {
        Path status = Path.of("/proc/self/status");
        assumeTrue(Files.isReadable(status), "there is no /proc");
        assertThatThrownBy(() -> Limits.read(status, 10)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("status has more than 10 bytes");
    }

    @Test
    void aFileWithoutAnEndIsRefused() throws IOException {
        Path device = Path.of("/dev/zero");
        assumeTrue(Files.isReadable(device), "there is no /dev/zero");
        Path model = WordModels.copy("llama-gqa", folder);
        Files.delete(model.resolve("config.json"));
        Files.createSymbolicLink(model.resolve("config.json"), device);
        assertThatThrownBy(() -> Checkpoint.open(model)).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("config.json cannot be read (it is a pipe or a device, not a file)");
    }

    /** The heap is that of the launcher. */
    @Test
    void whatIsJustAllowedIsReadWithinTheHeapAndWhatIsNotIsRefused() throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC", "-Xmx1g", "-Xmn32m", "--enable-native-access=ALL-UNNAMED", "-cp",
                System.getProperty("java.class.path"), LimitsProbe.class.getName(), folder.toString())
                .redirectErrorStream(true).start();
        Map<String, String> outcomes = new LinkedHashMap<>();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).lines()
                .toList();
        assertThat(process.waitFor()).as(String.join("\n", lines)).isZero();
        for (String line : lines) {
            String[] cells = line.split("\t", 3);
            if (cells.length == 3) {
                assertThat(cells[2]).as(line).hasSizeLessThan(LONGEST_MESSAGE);
                outcomes.put(cells[0], cells[2]);
            }
        }
        Map<String, String> expected = new LinkedHashMap<>();
        expected.put("header below", "" + Limits.TENSORS);
        expected.put("header above", "number of tensors is 1000001, which is more than the 1000000 that are possible");
        expected.put("shape of millions", "JSON holds more than 2000000 values");
        expected.put("config below", "1");
        expected.put("config above", "JSON holds more than 2000000 values");
        expected.put("config too long", "has more than 16777216 bytes");
        expected.put("number of ten million digits", "JSON holds a number, a name or a text that is too long");
        expected.put("plan below", "3");
        expected.put("plan above", "has more than 67108864 bytes");
        expected.put("gguf list of 120 MB", "the key 'tokenizer.ggml.tokens' is missing");
        expected.put("gguf text of 120 MB", "the key 'tokenizer.ggml.tokens' is missing");
        expected.put("gguf tokens below", "true");
        expected.put("gguf tokens above", "the number of elements of 'tokenizer.ggml.tokens' is 1048577");
        expected.put("pieces below", "true");
        expected.put("pieces above", "the number of pieces is 1048577");
        expected.put("vocabulary below", "true");
        expected.put("vocabulary above", "the number of tokens is 1048577");
        expected.put("tokenizer too long", "has more than 134217728 bytes");
        assertThat(outcomes.keySet()).containsExactlyElementsOf(expected.keySet());
        expected.forEach((name, outcome) -> assertThat(outcomes.get(name)).as(name).contains(outcome));
    }
}
