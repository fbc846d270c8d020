package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.SharedData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/**
 * Model folders without tokenizer.json. Golden ids: golden-eval/README.md, 91 strings each, tokenised by transformers and by
 * SentencePiece itself.
 */
class OlderTokenizerFilesTests {
    private static final String LLAMA = """
            {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
             "add_bos_token": true, "add_eos_token": false}""";
    private static final String GPT2 = """
            {"tokenizer_class": "GPT2Tokenizer", "bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>",
             "unk_token": "<|endoftext|>"}""";
    private static final String OPT = """
            {"tokenizer_class": "GPT2Tokenizer", "bos_token": "</s>", "eos_token": "</s>", "unk_token": "</s>",
             "pad_token": "<pad>", "add_bos_token": true}""";

    @TempDir
    private Path folder;

    @ParameterizedTest
    @CsvSource({"data/stories260K/hf/tokenizer.model, none, stories260K, 512",
        "data/stories260K/hf/tokenizer.model, llama, stories260K-llama-class, 512",
        "data/tokenizers/llama2/tokenizer.model, llama, llama2-llama-class, 32000",
        "data/tokenizers/mistral-7b-v0.1/tokenizer.model, own, mistral-7b-v0.1, 32000",
        "data/tokenizers/gpt2/vocab.json, gpt2, gpt2, 50257", "data/tokenizers/gpt2/vocab.json, none, gpt2, 50257",
        "data/tokenizers/opt/vocab.json, opt, opt, 50265"})
    void idsAndTextsAreThoseOfTransformers(String vocabulary, String settings, String golden, int size)
            throws IOException {
        Path vectors = SharedData.path("golden-eval/tokenizers/" + golden + ".jsonl.gz");
        copy(SharedData.path(vocabulary), settings);
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            assertThat(tokenizer.vocabularySize()).isEqualTo(size);
            for (JsonNode vector : GoldenVectors.read(vectors)) {
                String name = vector.get("name").asString();
                String text = vector.get("text").asString();
                int[] ids = GoldenRandom.ints(vector.get("ids"));
                assertThat(tokenizer.encode(text)).as(name).isEqualTo(ids);
                assertThat(tokenizer.encodeWithoutSpecialTokens(text)).as(name)
                        .isEqualTo(GoldenRandom.ints(vector.get("ids_no_special")));
                assertThat(tokenizer.decode(ids)).as(name).isEqualTo(vector.get("decoded").asString());
            }
        }
    }

    /** SentencePiece takes the text of special tokens for text; a tokenizer.json recognises them. */
    @ParameterizedTest
    @CsvSource({"data/stories260K/hf/tokenizer.model, stories260K", "data/tokenizers/llama2/tokenizer.model, llama2",
        "data/tokenizers/mistral-7b-v0.1/tokenizer.model, mistral-7b-v0.1"})
    void idsAreThoseOfSentencePieceWhereNoSpecialTokenIsSpeltOut(String vocabulary, String golden)
            throws IOException {
        Path vectors = SharedData.path("golden-eval/tokenizers/" + golden + ".sentencepiece.jsonl.gz");
        copy(SharedData.path(vocabulary), "none");
        try (Tokenizer tokenizer = Tokenizer.open(folder)) {
            int compared = 0;
            for (JsonNode vector : GoldenVectors.read(vectors)) {
                String text = vector.get("text").asString();
                if (!text.contains("<s>") && !text.contains("</s>") && !text.contains("<unk>")) {
                    assertThat(tokenizer.encode(text)).as(vector.get("name").asString())
                            .isEqualTo(GoldenRandom.ints(vector.get("ids_no_special")));
                    compared++;
                }
            }
            assertThat(compared).isGreaterThan(85);
        }
    }

    private void copy(Path vocabulary, String settings) throws IOException {
        Files.copy(vocabulary, folder.resolve(vocabulary.getFileName().toString()));
        if (vocabulary.endsWith("vocab.json")) {
            Files.copy(vocabulary.resolveSibling("merges.txt"), folder.resolve("merges.txt"));
        }
        if (settings.equals("own")) {
            Files.copy(vocabulary.resolveSibling("tokenizer_config.json"), folder.resolve("tokenizer_config.json"));
            return;
        }
        String text = switch (settings) {
            case "llama" -> LLAMA;
            case "gpt2" -> GPT2;
            case "opt" -> OPT;
            case "none" -> "";
            default -> throw new IllegalArgumentException(settings);
        };
        if (!text.isEmpty()) {
            Files.writeString(folder.resolve("tokenizer_config.json"), text);
        }
    }
}
