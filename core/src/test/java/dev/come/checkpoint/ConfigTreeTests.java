package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigTreeTests {
    @TempDir
    private Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"llama-gqa", "llama3-rope", "qwen2", "qwen3", "llama-bf16-sharded"})
    void keepsFilesOfTransformersByteForByte(String model) throws IOException {
        Path file = Fixtures.goldenModel(model).resolve("config.json");
        String text = Files.readString(file);
        assertThat(ConfigTree.read(file).toJson().strip()).isEqualTo(text.strip());
    }

    @Test
    void keepsOrderUnknownKeysAndTheDigitsOfNumbers() throws IOException {
        String text = """
                {
                  "zeta": 1e-05,
                  "alpha": 10000.0,
                  "exact": 0.1000000000000000055511151231257827,
                  "big": 123456789012345678901234567890,
                  "empty": [],
                  "nothing": {},
                  "nested": {
                    "list": [
                      1,
                      -2.50
                    ],
                    "text": "caf\\u00e9 </s> \\n",
                    "null": null
                  }
                }
                """;
        assertThat(read(text).toJson()).isEqualTo(text);
        assertThat(read(text).edited(root -> root.put("alpha", 3)).toJson())
                .isEqualTo(text.replace("10000.0", "3"));
    }

    @Test
    void readsValuesOfEveryKind() throws IOException {
        ConfigTree config = read("""
                {"text": "a", "count": 4, "eps": 1e-05, "flag": true, "numbers": [1, 2.5], "texts": ["a", "b"],
                 "inner": {"theta": 10000}, "none": null}""");
        assertThat(config.string("text")).isEqualTo("a");
        assertThat(config.integer("count")).isEqualTo(4);
        assertThat(config.number("count")).isEqualTo(4);
        assertThat(config.number("eps")).isEqualTo(1e-5);
        assertThat(config.bool("flag", false)).isTrue();
        assertThat(config.bool("absent", true)).isTrue();
        assertThat(config.optionalNumbers("numbers").orElseThrow()).containsExactly(1.0, 2.5);
        assertThat(config.optionalStrings("texts").orElseThrow()).containsExactly("a", "b");
        assertThat(config.optionalObject("inner").orElseThrow().number("theta")).isEqualTo(10000);
        assertThat(config.has("none")).isFalse();
        assertThat(config.optionalString("none")).isEmpty();
        assertThat(config.optionalInteger("none")).isEmpty();
    }

    @Test
    void namesFileAndKeyOfWhatIsWrong() throws IOException {
        ConfigTree config = read("""
                {"text": 3, "count": 4.5, "long": 99999999999, "flag": "yes", "numbers": [1, "2"], "list": 1,
                 "inner": {"theta": "x"}, "huge": 1e39}""");
        refused(config, c -> c.string("absent"), "'absent' is missing; it must be a text");
        refused(config, c -> c.string("text"), "'text' must be a text, but is 3");
        refused(config, c -> c.integer("count"), "'count' must be an integer, but is 4.5");
        refused(config, c -> c.integer("long"), "'long' must be an integer, but is 99999999999");
        refused(config, c -> c.number("flag"), "'flag' must be a number within the range of float32, but is \"yes\"");
        refused(config, c -> c.number("huge"), "'huge' must be a number within the range of float32, but is 1e39");
        refused(config, c -> c.bool("flag", false), "'flag' must be true or false, but is \"yes\"");
        refused(config, c -> c.optionalNumbers("numbers"),
                "'numbers[1]' must be a number within the range of float32, but is \"2\"");
        refused(config, c -> c.optionalStrings("list"), "'list' must be a list [...], but is 1");
        refused(config, c -> c.optionalObject("list"), "'list' must be an object {...}, but is 1");
        refused(config, c -> c.optionalObject("inner").orElseThrow().number("theta"),
                "'inner.theta' must be a number within the range of float32, but is \"x\"");
    }

    @ParameterizedTest
    @ValueSource(strings = {"NaN", "Infinity", "-Infinity", "1e999", "1e-99999999999"})
    void namesNumbersThatAreNotFinite(String literal) {
        assertThatExceptionOfType(CheckpointException.class)
                .isThrownBy(() -> read("{\"a\": {\"rms_norm_eps\": [1, %s]}}".formatted(literal)))
                .withMessageContainingAll("config.json", "'a.rms_norm_eps[1]' is " + literal, "finite");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "3", "[1]", "{'a': 1}", "{\"a\": 1,}", "{\"a\": 1} x", "{\"a\": +1}",
        "{\"a\": 1, \"a\": 2}"})
    void refusesTextThatIsNotAJsonObject(String text) {
        assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(text))
                .withMessageContaining("config.json");
    }

    @Test
    void refusesBottomlessNesting() {
        assertThatExceptionOfType(CheckpointException.class)
                .isThrownBy(() -> read("{\"a\": " + "[".repeat(100_000)))
                .withMessageContaining("config.json");
    }

    private ConfigTree read(String text) throws IOException {
        return ConfigTree.read(Files.writeString(folder.resolve("config.json"), text));
    }

    private static void refused(ConfigTree config, Consumer<ConfigTree> read, String message) {
        assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read.accept(config))
                .withMessage(config.file() + ": " + message);
    }
}
