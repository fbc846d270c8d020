package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.Progress;
import dev.come.SharedData;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import dev.come.model.ModelConfig;
import dev.come.text.GoldenVectors;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A real file: Q4_1 and Q8_0, 135 million parameters. */
class SmolLm2ImportTests {
    /** golden-eval/README.md: model.safetensors of the reference conversion, whose values transformers gets too. */
    private static final String REFERENCE = "7ef915c9bf9d94d8d70211970476878352a5b95855c589ae987916d7a455242b";

    @TempDir
    private static Path cache;
    private static Path reference;
    private static Path folder;

    @BeforeAll
    static void unpack() {
        reference = SharedData.path("models/smollm2-135m-instruct");
        folder = GgufImport.folder(file(), cache, Progress.NONE);
    }

    @Test
    void theWeightsAreThoseOfTheReferenceToTheByte() throws IOException, NoSuchAlgorithmException {
        byte[] digest = MessageDigest.getInstance("SHA-256")
                .digest(Files.readAllBytes(folder.resolve("model.safetensors")));
        assertThat(HexFormat.of().formatHex(digest)).isEqualTo(REFERENCE);
    }

    @Test
    void theConfigurationMeansThatOfTheReference() throws IOException {
        Path other = Files.createDirectory(cache.resolve("reference"));
        Files.copy(reference.resolve("config.json"), other.resolve("config.json"));
        Files.createLink(other.resolve("model.safetensors"), folder.resolve("model.safetensors"));
        try (Checkpoint ours = Checkpoint.open(folder); Checkpoint theirs = Checkpoint.open(other)) {
            assertThat(ModelConfig.of(ours)).isEqualTo(ModelConfig.of(theirs));
        }
        for (String file : new String[]{"config.json", "generation_config.json"}) {
            ConfigTree ours = ConfigTree.read(folder.resolve(file));
            ConfigTree theirs = ConfigTree.read(reference.resolve(file));
            for (String key : new String[]{"bos_token_id", "eos_token_id", "pad_token_id"}) {
                assertThat(ours.optionalInteger(key)).as(key).isEqualTo(theirs.optionalInteger(key));
            }
        }
    }

    /**
     * The golden tokenizer was made without the step that makes each digit a word of its own, which {@code smollm} names and
     * the model was trained with; of the 91 texts one shows it: a half, a raised two and a Roman four after blanks.
     */
    @Test
    void tokenIdsAreGolden() throws IOException {
        Path vectors = SharedData.path("golden-eval/tokenizers/smollm2-135m.jsonl.gz");
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(49152);
            assertThat(tokenizer.beginsWithSpecialToken()).isFalse();
            for (JsonNode vector : GoldenVectors.read(vectors)) {
                String name = vector.get("name").asString();
                int[] ids = vector.get("ids").valueStream().mapToInt(JsonNode::asInt).toArray();
                if (!name.equals("other-digits")) {
                    assertThat(tokenizer.encode(vector.get("text").asString())).as(name).isEqualTo(ids);
                }
                assertThat(tokenizer.decode(ids)).as(name).isEqualTo(vector.get("decoded").asString());
            }
            assertThat(tokenizer.encode("x  5")).isEqualTo(
                    IntStream.concat(IntStream.of(tokenizer.encode("x  ")), IntStream.of(tokenizer.encode("5")))
                            .toArray());
        }
    }

    @Test
    void aSecondCallFindsTheFolder() throws IOException {
        FileTime written = Files.getLastModifiedTime(folder.resolve("model.safetensors"));
        List<String> notes = new ArrayList<>();
        assertThat(GgufImport.folder(file(), cache, new Notes(notes))).isEqualTo(folder);
        assertThat(notes).containsExactly("%s was unpacked before, into %s".formatted(file(), folder));
        assertThat(Files.getLastModifiedTime(folder.resolve("model.safetensors"))).isEqualTo(written);
    }

    private static Path file() {
        return reference.resolve("SmolLM2-135M-Instruct.Q4_1.gguf");
    }
}
