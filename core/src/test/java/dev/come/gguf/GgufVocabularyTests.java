package dev.come.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.SharedData;
import dev.come.checkpoint.CheckpointException;
import dev.come.text.ByteLetters;
import dev.come.text.GoldenVectors;
import dev.come.text.Tokenizer;
import dev.come.vocabulary.Piece;
import dev.come.vocabulary.TestPieces;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Vocabularies under the keys that llama.cpp's converter writes, against the golden ids of the same vocabularies, and
 * llama.cpp's own files of vocabularies against its own ids.
 */
class GgufVocabularyTests {
    private static final List<String> LLAMA_SPECIALS = List.of("<s>", "</s>", "<unk>");
    private static final String KEY = "tokenizer.ggml.";

    @TempDir
    private Path folder;

    /**
     * Each file lies beside texts and the ids that llama.cpp has for them. Its own test adds no tokens around a text and takes
     * special tokens in it for text.
     */
    @ParameterizedTest
    @ValueSource(strings = {"gpt-2", "llama-spm", "llama-bpe", "phi-3", "qwen2", "qwen35", "deepseek-llm", "gemma-4"})
    void textsHaveTheIdsOfLlamaCpp(String name) throws IOException {
        Path gguf = SharedData.path("data/gguf-vocab/ggml-vocab-%s.gguf".formatted(name));
        List<String> texts = List.of(Files.readString(Path.of(gguf + ".inp")).split("\n__ggml_vocab_test__\n", -1));
        List<String> ids = Files.readString(Path.of(gguf + ".out")).lines().map(String::strip).toList();
        try (Tokenizer tokenizer = tokenizer(gguf)) {
            SoftAssertions all = new SoftAssertions();
            for (int i = 0; i < ids.size(); i++) {
                all.assertThat(IntStream.of(tokenizer.encodeWithoutSpecialTokens(texts.get(i)))
                        .mapToObj(Integer::toString).collect(Collectors.joining(" "))).as("%s: %s", i, texts.get(i))
                        .isEqualTo(ids.get(i));
            }
            all.assertAll();
        }
        assertThat(ids).hasSizeGreaterThan(40).hasSizeBetween(texts.size() - 1, texts.size());
    }

    @Test
    void gpt2AsTransformersReadsIt() throws IOException {
        try (Tokenizer tokenizer = tokenizer(gpt2File("gpt-2"))) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(50257);
            for (JsonNode vector : golden("gpt2")) {
                String name = vector.get("name").asString();
                int[] ids = ids(vector, "ids");
                assertThat(tokenizer.encode(vector.get("text").asString())).as(name).isEqualTo(ids);
                assertThat(tokenizer.decode(ids)).as(name).isEqualTo(vector.get("decoded").asString());
            }
        }
    }

    @Test
    void llama2AsSentencePieceReadsIt() throws IOException {
        try (Tokenizer tokenizer = tokenizer(llama2File())) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(32000);
            assertThat(tokenizer.beginsWithSpecialToken()).isTrue();
            int compared = 0;
            for (JsonNode vector : golden("llama2.sentencepiece")) {
                String name = vector.get("name").asString();
                String text = vector.get("text").asString();
                int[] ids = ids(vector, "ids_no_special");
                // SentencePiece takes special tokens that are spelt out for text.
                if (LLAMA_SPECIALS.stream().noneMatch(text::contains)) {
                    assertThat(tokenizer.encodeWithoutSpecialTokens(text)).as(name).isEqualTo(ids);
                    assertThat(tokenizer.encode(text)).as(name)
                            .isEqualTo(IntStream.concat(IntStream.of(1), IntStream.of(ids)).toArray());
                    assertThat(tokenizer.decode(ids)).as(name).isEqualTo(vector.get("decoded").asString());
                    compared++;
                }
            }
            assertThat(compared).isGreaterThan(80);
        }
    }

    /** transformers 5 puts no blank before a text that begins with one or after a special token, and joins blanks first. */
    @Test
    void llama2AsTransformersReadsIt() throws IOException {
        try (Tokenizer tokenizer = tokenizer(llama2File())) {
            int compared = 0;
            for (JsonNode vector : golden("llama2-llama-class")) {
                String text = vector.get("text").asString();
                if (!text.startsWith(" ") && !text.contains("  ")
                        && LLAMA_SPECIALS.stream().noneMatch(text::contains)) {
                    assertThat(tokenizer.encode(text)).as(vector.get("name").asString()).isEqualTo(ids(vector, "ids"));
                    compared++;
                }
            }
            assertThat(compared).isGreaterThan(70);
        }
    }

    /**
     * Qwen's own file lists tokens by rank and no merges: a token is made of the two parts that are left when all merges of
     * lower rank are done. deepseek-r1-qwen cuts words as qwen2 does and composes no characters, like the golden reader.
     */
    @Test
    void qwenAsTiktokenReadsIt() throws IOException {
        try (Tokenizer tokenizer = tokenizer(qwenFile())) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(151851);
            for (JsonNode vector : golden("qwen.tiktoken")) {
                assertThat(tokenizer.encode(vector.get("text").asString())).as(vector.get("name").asString())
                        .isEqualTo(ids(vector, "ids"));
            }
        }
    }

    private Path qwenFile() throws IOException {
        Map<String, Integer> ranks = new LinkedHashMap<>();
        for (String line : Files.readAllLines(SharedData.path("data/tokenizers/qwen/qwen.tiktoken"))) {
            byte[] bytes = Base64.getDecoder().decode(line.substring(0, line.indexOf(' ')));
            ranks.put(ByteLetters.spell(bytes), ranks.size());
        }
        List<String> merges = new ArrayList<>();
        ranks.forEach((token, rank) -> {
            List<String> parts = ByteLetters.parts(token, ranks, rank);
            if (parts.size() == 2) {
                merges.add(String.join(" ", parts));
            }
        });
        List<String> tokens = new ArrayList<>(ranks.keySet());
        tokens.addAll(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
        IntStream.range(0, 205).forEach(i -> tokens.add("<|extra_%s|>".formatted(i)));
        return new GgufWriter().text(KEY + "model", "gpt2").text(KEY + "pre", "deepseek-r1-qwen")
                .texts(KEY + "tokens", tokens)
                .integers(KEY + "token_type",
                        IntStream.range(0, tokens.size()).mapToObj(id -> id < ranks.size() ? 1 : 3).toList())
                .texts(KEY + "merges", merges).write(folder.resolve("qwen.gguf"));
    }

    /** Some tools take a file for text, and write each line break as two bytes. */
    @Test
    void aFileThatWentThroughATextEditorIsRefused() throws IOException {
        ByteArrayOutputStream edited = new ByteArrayOutputStream();
        for (byte one : Files.readAllBytes(gpt2File("gpt-2"))) {
            if (one == '\n') {
                edited.write('\r');
            }
            edited.write(one);
        }
        Path file = Files.write(folder.resolve("edited.gguf"), edited.toByteArray());
        assertThatThrownBy(() -> GgufFile.open(file)).isInstanceOf(CheckpointException.class)
                .hasMessageStartingWith(file + ": ").hasMessageEndingWith("the file is damaged, fetch it again");
    }

    private Tokenizer tokenizer(Path gguf) throws IOException {
        try (GgufFile file = GgufFile.open(gguf)) {
            Files.writeString(folder.resolve("tokenizer.json"), GgufTokenizer.of(file.metadata()).tokenizerJson());
        }
        return Tokenizer.open(folder);
    }

    private Path gpt2File(String pre) throws IOException {
        Path source = SharedData.path("data/tokenizers/gpt2");
        Map<Integer, String> tokens = new TreeMap<>();
        JsonMapper.shared().readTree(source.resolve("vocab.json")).properties()
                .forEach(entry -> tokens.put(entry.getValue().asInt(), entry.getKey()));
        List<String> merges = Files.readString(source.resolve("merges.txt")).lines().skip(1)
                .filter(line -> !line.isEmpty()).toList();
        return new GgufWriter().text(KEY + "model", "gpt2").text(KEY + "pre", pre)
                .texts(KEY + "tokens", List.copyOf(tokens.values()))
                .integers(KEY + "token_type",
                        tokens.values().stream().map(token -> token.equals("<|endoftext|>") ? 3 : 1).toList())
                .texts(KEY + "merges", merges).integer(KEY + "bos_token_id", 50256)
                .integer(KEY + "eos_token_id", 50256).write(folder.resolve("gpt2.gguf"));
    }

    private Path llama2File() throws IOException {
        List<Piece> pieces = TestPieces.read(SharedData.path("data/tokenizers/llama2/tokenizer.model"));
        return new GgufWriter().text(KEY + "model", "llama").text(KEY + "pre", "default")
                .texts(KEY + "tokens", pieces.stream().map(Piece::text).toList())
                .numbers(KEY + "scores", pieces.stream().map(Piece::score).toList())
                .integers(KEY + "token_type", pieces.stream().map(piece -> piece.kind().number()).toList())
                .integer(KEY + "bos_token_id", 1).integer(KEY + "eos_token_id", 2)
                .integer(KEY + "unknown_token_id", 0).truth(KEY + "add_bos_token", true)
                .truth(KEY + "add_eos_token", false).write(folder.resolve("llama2.gguf"));
    }

    private static List<JsonNode> golden(String name) throws IOException {
        return GoldenVectors.read(SharedData.path("golden-eval/tokenizers/" + name + ".jsonl.gz"));
    }

    private static int[] ids(JsonNode vector, String key) {
        return vector.get(key).valueStream().mapToInt(JsonNode::asInt).toArray();
    }
}
