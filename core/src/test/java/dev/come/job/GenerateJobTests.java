package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.generate.Sampling;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class GenerateJobTests {
    private static final ComputeChoice COMPUTE = new ComputeChoice("float32", "cpu", 1, 0);

    /** The tokens of the model that always says the same: each is followed by the next, and token 2 ends the text. */
    private static final List<String> TOKENS = List.of("<unk>", "<s>", "</s>", "a", "\u2581b", "<0xF0>", "<0x9F>",
            "<0x98>", "<0x80>", "<0xC3>", "<0xA9>", "c");
    private static final List<Integer> ORDER = List.of(3, 4, 5, 6, 7, 8, 9, 10, 11, 2);

    @TempDir
    private Path folder;
    private final List<String> pieces = new ArrayList<>();

    private String generate(Path model, String prompt, Sampling sampling) {
        return GenerateJob.run(model, prompt, sampling, COMPUTE, pieces::add);
    }

    private static Sampling greedy(int maxNewTokens) {
        return new Sampling(maxNewTokens, 0, 0, 1, 0);
    }

    /**
     * A model whose layer does nothing. The state of a token is one number that stands out, and the head gives the next
     * token of the order a high logit for it.
     */
    private Path scriptedModel(float head) throws IOException {
        return scriptedModel(head, ORDER);
    }

    private Path scriptedModel(float head, List<Integer> order) throws IOException {
        int size = TOKENS.size();
        Path model = new TinyLlama(1, size, size, 1, 1, 1, 2, false).write(folder.resolve("scripted"), spec -> {
            float[] values = new float[TinyLlama.elements(spec)];
            switch (spec.name()) {
                case "model.embed_tokens.weight" -> IntStream.range(0, size).forEach(i -> values[i * size + i] = 1);
                case "model.norm.weight" -> IntStream.range(0, size).forEach(i -> values[i] = 1);
                case "lm_head.weight" -> IntStream.range(1, order.size())
                        .forEach(i -> values[order.get(i) * size + order.get(i - 1)] = head);
                default -> {
                    // zeros
                }
            }
            return values;
        });
        Files.writeString(model.resolve("tokenizer.json"), """
                {"version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
                 "post_processor": null,
                 "added_tokens": [{"id": 2, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
                   "normalized": false, "special": true}],
                 "decoder": {"type": "Sequence", "decoders": [
                   {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
                   {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
                 "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
                   "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": true, "ignore_merges": false,
                   "vocab": {%s}, "merges": []}}
                """.formatted(IntStream.range(0, size).mapToObj(i -> "\"" + TOKENS.get(i) + "\": " + i)
                .collect(Collectors.joining(", "))));
        return model;
    }

    @Test
    void aTextEndsAtTheEndToken() throws IOException {
        assertThat(generate(scriptedModel(1), "a", greedy(60))).isEqualTo(" b\uD83D\uDE00\u00E9c");
    }

    @Test
    void piecesComeCharacterByCharacterAndAreTheWholeText() throws IOException {
        String text = generate(scriptedModel(1), "a", greedy(60));
        assertThat(pieces).containsExactly(" b", "\uD83D\uDE00", "\u00E9", "c");
        assertThat(String.join("", pieces)).isEqualTo(text);
    }

    @Test
    void aCharacterThatIsNotWholeIsSaidAsSuchAtTheEnd() throws IOException {
        assertThat(generate(scriptedModel(1), "a", greedy(3))).isEqualTo(" b\uFFFD\uFFFD");
        assertThat(pieces).containsExactly(" b", "\uFFFD\uFFFD");
    }

    /** Nothing comes of half a character that is repeated; it is held back no longer than one could become whole. */
    @Test
    void halfCharactersThatGoOnAreSaid() throws IOException {
        int half = TOKENS.indexOf("<0x9F>");
        assertThat(generate(scriptedModel(1, List.of(TOKENS.indexOf("a"), half, half)), "a", greedy(8)))
                .isEqualTo("\uFFFD".repeat(8));
        assertThat(pieces).containsExactly("\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD", "\uFFFD\uFFFD\uFFFD");
    }

    /** A byte that fits nowhere makes the library give all bytes around it as U+FFFD, those of whole characters too. */
    @Test
    void whatFollowsATextThatTheDecoderTakesBackIsSaid() throws IOException {
        List<Integer> order = Stream.of("a", "<0xC3>", "<0xA9>", "<0x80>", "c", "</s>").map(TOKENS::indexOf).toList();
        assertThat(generate(scriptedModel(1, order), "a", greedy(60))).isEqualTo("\uFFFD\uFFFD\uFFFDc");
        assertThat(pieces).containsExactly("\u00E9", "\uFFFD\uFFFD\uFFFDc");
    }

    @Test
    void thereAreAtMostSoManyNewTokens() throws IOException {
        assertThat(generate(scriptedModel(1), "a", greedy(5))).isEqualTo(" b\uD83D\uDE00");
    }

    @Test
    void aTextEndsAtAnyOfSeveralEndTokens() throws IOException {
        Path model = scriptedModel(1);
        Files.writeString(model.resolve("generation_config.json"), "{\"eos_token_id\": [2, 9]}");
        assertThat(generate(model, "a", greedy(60))).isEqualTo(" b\uD83D\uDE00");
    }

    @Test
    void whatIsNotFiniteStopsTheText() throws IOException {
        Path model = scriptedModel(Float.NaN);
        assertThatThrownBy(() -> generate(model, "a", greedy(5))).isInstanceOf(FailedException.class)
                .hasMessageContaining("token 1").hasMessageContaining("not finite");
    }

    /** The model takes 64 tokens. */
    @ParameterizedTest
    @CsvSource({"64", "2147483647"})
    void whatDoesNotFitTheModelIsRefused(int maxNewTokens) throws IOException {
        Path model = scriptedModel(1);
        assertThatThrownBy(() -> generate(model, "a", greedy(maxNewTokens))).isInstanceOf(UsageException.class)
                .hasMessageContainingAll("The prompt has 1 tokens", "--max-new-tokens " + maxNewTokens,
                        "64 positions");
        assertThat(generate(model, "a", greedy(63))).isNotEmpty();
    }

    @Test
    void anEmptyPromptIsRefusedWhereNothingStandsInFrontOfIt() throws IOException {
        Path model = scriptedModel(1);
        assertThatThrownBy(() -> generate(model, "", greedy(5))).isInstanceOf(UsageException.class)
                .hasMessageContaining("--prompt is empty");
        assertThat(generate(WordModels.copy("llama-gqa", folder), "", greedy(5))).isNotEmpty();
    }

    @Test
    void theLikeliestTokensAreAlwaysTheSame() throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        String text = generate(model, "w5 w90 w17", greedy(40));
        assertThat(text).isNotEmpty().isEqualTo(generate(model, "w5 w90 w17", greedy(40)));
        assertThat(text).as("drawn among one token")
                .isEqualTo(generate(model, "w5 w90 w17", new Sampling(40, 5, 1, 1, 3)));
        assertThat(text).as("drawn among next to no probability")
                .isEqualTo(generate(model, "w5 w90 w17", new Sampling(40, 1, 0, 1e-9, 3)));
    }

    @Test
    void theSeedDecidesWhatIsDrawn() throws IOException {
        Path model = WordModels.copy("llama-gqa", folder);
        String text = generate(model, "w5", new Sampling(40, 1, 0, 1, 3));
        assertThat(generate(model, "w5", new Sampling(40, 1, 0, 1, 3))).isEqualTo(text);
        assertThat(generate(model, "w5", new Sampling(40, 1, 0, 1, 4))).isNotEqualTo(text);
    }

    /** Logits that are logarithms of 1, 2, 4 and 9 sixteenths. */
    @ParameterizedTest
    @CsvSource({"1, 0, 1, 1:2:4:9", "0.5, 0, 1, 1:4:16:81", "1, 2, 1, 0:0:4:9", "1, 0, 0.8, 0:0:4:9",
        "1, 0, 0.85, 0:2:4:9", "1, 3, 0.5, 0:0:0:1", "0, 0, 1, 0:0:0:1"})
    void tokensAreDrawnByTheirProbabilities(double temperature, int topK, double topP, String shares) {
        float[] logits = new float[4];
        int[] parts = {1, 2, 4, 9};
        for (int i = 0; i < 4; i++) {
            logits[i] = (float) Math.log(parts[i]);
        }
        Sampling sampling = new Sampling(1, temperature, topK, topP, 0);
        SplittableRandom random = new SplittableRandom(11);
        int draws = 40_000;
        int[] counts = new int[4];
        for (int i = 0; i < draws; i++) {
            counts[sampling.choose(logits, random)]++;
        }
        double[] expected = java.util.Arrays.stream(shares.split(":")).mapToDouble(Double::parseDouble).toArray();
        double sum = java.util.Arrays.stream(expected).sum();
        for (int i = 0; i < 4; i++) {
            assertThat((double) counts[i] / draws).as("token " + i).isCloseTo(expected[i] / sum,
                    within(expected[i] == 0 ? 0 : 0.01));
        }
    }

    @Test
    void theThreadsAreThoseThatAreAskedFor() throws IOException {
        Path model = scriptedModel(1);
        for (int threads : new int[]{3, 1}) {
            GenerateJob.run(model, "a", greedy(1), new ComputeChoice("float32", "cpu", threads, 0), piece -> {
            });
            assertThat(torch.get_num_threads()).isEqualTo(threads);
        }
    }

    @Test
    void samplingThatMakesNoSenseIsNamed() {
        assertThatThrownBy(() -> new Sampling(0, 0, 0, 1, 0)).isInstanceOf(UsageException.class)
                .hasMessageContaining("--max-new-tokens is 0");
        assertThatThrownBy(() -> new Sampling(1, Double.NaN, 0, 1, 0)).hasMessageContaining("--temperature is NaN");
        assertThatThrownBy(() -> new Sampling(1, 0, -1, 1, 0)).hasMessageContaining("--top-k is -1");
        assertThatThrownBy(() -> new Sampling(1, 0, 0, 0, 0)).hasMessageContaining("--top-p is 0");
    }
}
