package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.SharedData;
import dev.come.evaluate.PairEncoding.Pair;
import dev.come.run.Continuation;
import dev.come.text.PythonRandom;
import dev.come.text.SpecialTokens;
import dev.come.text.TableRows;
import dev.come.text.Tokenizer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Golden: golden-eval/*.json, what lm-evaluation-harness 0.4.13 itself computes from these inputs. */
class HarnessVectorsTests {
    static final JsonMapper JSON = new JsonMapper();
    private static final Path FOLDER = Path.of("src/test/resources/golden-eval");

    private static JsonNode vectors(String name) {
        return JSON.readTree(FOLDER.resolve(name + ".json"));
    }

    private static void check(JsonNode pairs, Function<String, Object> function) {
        assertThat(pairs.size()).isPositive();
        for (JsonNode pair : pairs) {
            Object expected = pair.get("out").isString() ? pair.get("out").stringValue() : pair.get("out").intValue();
            assertThat(function.apply(pair.get("in").stringValue())).as(pair.toString()).isEqualTo(expected);
        }
    }

    static List<String> strings(JsonNode array) {
        return array.valueStream().map(JsonNode::asString).toList();
    }

    static int[] ints(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    @Test
    void textsOfHellaSwagAreCleaned() {
        JsonNode golden = vectors("hellaswag");
        check(golden.get("clean"), HellaSwag::clean);
        check(golden.get("capitalize"), PythonText::capitalize);
        for (JsonNode document : golden.get("documents")) {
            ObjectNode prepared = HellaSwag.prepare((ObjectNode) document.get("in"));
            assertThat(prepared.get("query")).isEqualTo(document.get("out").get("query"));
            assertThat(prepared.get("choices")).isEqualTo(document.get("out").get("choices"));
        }
    }

    @Test
    void bothFillingsOfASentenceGetTheSameContinuation() {
        for (JsonNode document : vectors("winogrande")) {
            ObjectNode prepared = Winogrande.prepare((ObjectNode) document.get("in"));
            assertThat(prepared.get("contexts")).isEqualTo(document.get("contexts"));
            assertThat(" " + prepared.get("continuation").stringValue())
                    .isEqualTo(document.get("continuation").stringValue());
            assertThat(prepared.get("gold")).isEqualTo(document.get("gold"));
        }
    }

    private static void checkRace(JsonNode documents) {
        for (JsonNode document : documents) {
            ObjectNode current = Race.prepare((ObjectNode) document.get("in"), "3.0");
            assertThat(current.get("context")).isEqualTo(document.get("context_v3"));
            assertThat(current.get("options")).isEqualTo(document.get("choices"));
            assertThat(current.get("gold")).isEqualTo(document.get("gold"));
            assertThat(Race.prepare((ObjectNode) document.get("in"), "2.0").get("context"))
                    .isEqualTo(document.get("context_v2"));
        }
    }

    @Test
    void problemsOfRaceAreWrittenOutInBothVersions() {
        checkRace(vectors("race"));
    }

    @Test
    void problemsOfRaceAreWrittenOutInBothVersionsOnRealOnes() {
        checkRace(JSON.readTree(SharedData.path("golden-eval/unit/race.json")));
    }

    @Test
    void wikitextIsDetokenisedAndItsWordsAndBytesAreCounted() {
        JsonNode golden = vectors("wikitext");
        check(golden.get("detokenise"), WikiText::plain);
        check(golden.get("words"), PythonText::pieces);
        check(golden.get("bytes"), text -> text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length);
    }

    @Test
    void theFileOfWikitextFallsIntoItsPages() {
        String file = TableRows.text(SharedData.path("data/wikitext2/wiki.test.raw"));
        int[] sizes = WikiText.pages(file).stream().map(page -> page.get("page").stringValue())
                .mapToInt(PythonText::length).toArray();
        assertThat(sizes).isEqualTo(ints(vectors("wikitext").get("pages").get("sizes_in_chars")));
    }

    @Test
    void pythonsBlanksAreStripped() {
        JsonNode golden = vectors("strip");
        for (String key : List.of("blank", "regex_blank")) {
            assertThat(IntStream.rangeClosed(0, Character.MAX_CODE_POINT).filter(PythonText::isBlank).toArray())
                    .isEqualTo(ints(golden.get(key)));
        }
        assertThat(IntStream.rangeClosed(0, Character.MAX_VALUE)
                .filter(c -> Character.toString(c).matches(PythonText.BLANK)).toArray())
                .isEqualTo(ints(golden.get("blank")));
        check(golden.get("strip"), PythonText::strip);
        check(golden.get("rstrip"), PythonText::stripRight);
        check(golden.get("lstrip"), PythonText::stripLeft);
    }

    @Test
    void windowsPredictEveryTokenOnce() {
        JsonNode golden = vectors("windows");
        int checked = 0;
        for (JsonNode vector : golden.get("small")) {
            if (vector.get("context_len").intValue() == 1) {
                List<Continuation> windows = windows(vector);
                assertThat(windows).as(vector.toString()).hasSize(vector.get("windows").size());
                for (int i = 0; i < windows.size(); i++) {
                    assertThat(context(windows.get(i))).isEqualTo(ints(vector.get("windows").get(i).get(0)));
                    assertThat(predicted(windows.get(i))).isEqualTo(ints(vector.get("windows").get(i).get(1)));
                }
                checked++;
            }
        }
        for (JsonNode vector : golden.get("long")) {
            if (vector.get("context_len").intValue() == 1) {
                List<int[]> sizes = windows(vector).stream().map(window -> new int[]{context(window)[0],
                    context(window).length, predicted(window)[0], predicted(window).length}).toList();
                assertThat(sizes.stream().map(Arrays::toString)).as(vector.toString())
                        .isEqualTo(vector.get("windows").valueStream().map(window -> Arrays.toString(ints(window)))
                                .toList());
                checked++;
            }
        }
        assertThat(checked).isGreaterThan(40);
    }

    /** The golden prefix is -1; tokens are never negative, so all ids are one higher. */
    private static List<Continuation> windows(JsonNode vector) {
        return RollingWindows.of(IntStream.rangeClosed(1, vector.get("n").intValue()).toArray(), 0,
                vector.get("max_seq_len").intValue());
    }

    private static int[] context(Continuation window) {
        return Arrays.stream(window.ids()).limit(window.ids().length - (long) window.scored()).map(id -> id - 1)
                .toArray();
    }

    private static int[] predicted(Continuation window) {
        return Arrays.stream(window.ids()).skip(window.ids().length - (long) window.scored()).map(id -> id - 1)
                .toArray();
    }

    private static void checkPairs(Tokenizer tokenizer, String model) {
        SpecialTokens special = new SpecialTokens(OptionalInt.of(1), OptionalInt.of(2));
        int checked = 0;
        for (JsonNode vector : vectors("encode_pair")) {
            if (vector.get("model").stringValue().equals(model)) {
                BosRule rule = vector.get("add_bos_token").isNull()
                        ? BosRule.TOKENIZER
                        : vector.get("add_bos_token").booleanValue() ? BosRule.ALWAYS : BosRule.NEVER;
                Pair pair = new PairEncoding(tokenizer, special, HarnessVersion.V0_4_13, rule, 512)
                        .pair(vector.get("context").stringValue(), vector.get("continuation").stringValue());
                assertThat(pair.context()).as(vector.toString()).isEqualTo(ints(vector.get("ctx_ids")));
                assertThat(pair.continuation()).as(vector.toString()).isEqualTo(ints(vector.get("cont_ids")));
                checked++;
            }
        }
        assertThat(checked).isGreaterThan(60);
    }

    @Test
    void contextAndContinuationAreEncodedTogether() {
        try (Tokenizer tokenizer = Tokenizer.open(Path.of("src/test/resources/fixtures/stories260K"))) {
            checkPairs(tokenizer, "stories260K");
        }
    }

    @Test
    void contextAndContinuationAreEncodedTogetherByABytesTokenizer() {
        try (Tokenizer tokenizer = Tokenizer.open(SmolModel.folder())) {
            checkPairs(tokenizer, "smollm2-135m");
        }
    }

    @Test
    void tiesGoToTheFirstAndMeansHaveTheirErrors() {
        JsonNode golden = vectors("scoring");
        for (JsonNode vector : golden.get("argmax")) {
            if (vector.get("nan").isEmpty()) { // a NaN stops the run before
                double[] values = vector.get("ll").valueStream()
                        .mapToDouble(value -> value.isString() ? Double.NEGATIVE_INFINITY : value.doubleValue())
                        .toArray();
                assertThat(Scoring.argMax(values)).isEqualTo(vector.get("pred").intValue());
            }
        }
        check(golden.get("code_points"), PythonText::length);
        for (JsonNode vector : golden.get("mean_stderr")) {
            List<Double> values = doubles(vector.get("in"));
            assertThat(Scoring.mean(values)).isCloseTo(vector.get("mean").doubleValue(), within(1e-12));
            if (vector.get("stderr").isNull()) {
                assertThat(Scoring.standardError(values)).isEmpty();
            } else {
                assertThat(Scoring.standardError(values).orElseThrow())
                        .isCloseTo(vector.get("stderr").doubleValue(), within(1e-12));
            }
        }
        JsonNode group = golden.get("group");
        List<Integer> sizes = Arrays.stream(ints(group.get("sizes"))).boxed().toList();
        assertThat(Scoring.weightedMean(doubles(group.get("acc")), sizes))
                .isCloseTo(group.get("weighted_acc").doubleValue(), within(1e-12));
        assertThat(Scoring.pooledStandardError(doubles(group.get("stderr")), sizes))
                .isCloseTo(group.get("pooled_stderr").doubleValue(), within(1e-12));
    }

    private static List<Double> doubles(JsonNode array) {
        return array.valueStream().map(JsonNode::doubleValue).toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"sample", "sample_other_seeds"})
    void examplesAreDrawnAsPythonDrawsThem(String key) {
        for (JsonNode vector : vectors("random").get(key)) {
            PythonRandom random = new PythonRandom(vector.path("seed").asLong(1234));
            List<Integer> numbers = IntStream.range(0, vector.get("n").intValue()).boxed().toList();
            for (JsonNode draw : vector.get("draws")) {
                assertThat(random.sample(numbers, vector.get("k").intValue())).as(vector.toString())
                        .isEqualTo(Arrays.stream(ints(draw)).boxed().toList());
            }
        }
    }
}
