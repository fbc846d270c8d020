package dev.come.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.come.Progress;
import dev.come.SharedData;
import dev.come.TestDevice;
import dev.come.checkpoint.Checkpoint;
import dev.come.evaluate.Document.Page;
import dev.come.evaluate.Document.Question;
import dev.come.evaluate.PairEncoding.Pair;
import dev.come.evaluate.TaskDescription.Metric;
import dev.come.model.ModelConfig;
import dev.come.run.Continuation;
import dev.come.run.Continuation.Score;
import dev.come.run.ContinuationScores;
import dev.come.stack.LayerStack;
import dev.come.stack.LayerStore;
import dev.come.text.SpecialTokens;
import dev.come.text.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Golden: ../shared/golden-eval, which holds for every document what lm-evaluation-harness 0.4.13 shows to the model and what it
 * gets.
 */
class GoldenEvalTests {
    private static final List<String> SUBJECTS = List.of("mmlu_abstract_algebra", "mmlu_anatomy",
            "mmlu_us_foreign_policy");
    private static final List<String> QUESTIONS = List.of("boolq", "piqa", "hellaswag", "winogrande", "arc_easy",
            "arc_challenge", "openbookqa", "race");

    @TempDir
    private static Path folder;

    /** Where the golden runs took their examples from, in place of training parts that are not there. */
    private static final Map<String, String> POOLS = Map.of(
            "boolq",
            "{\"split\":\"train\",\"draw\":\"random_one_more\",\"files\":\"boolq/val.jsonl\",\"from\":2000,\"to\":2500}",
            "piqa",
            "{\"split\":\"train\",\"draw\":\"random_one_more\",\"files\":{\"file\":\"piqa/dev.jsonl\",\"lines\":{\"label\":\"piqa/dev-labels.lst\"}},\"from\":1000,\"to\":1500}",
            "hellaswag",
            "{\"split\":\"train\",\"draw\":\"random_one_more\",\"files\":\"hellaswag/hellaswag_val_1000.jsonl\",\"from\":500}",
            "winogrande",
            "{\"split\":\"train\",\"draw\":\"random_one_more\",\"files\":\"winogrande/dev.jsonl\",\"from\":700}",
            "arc_easy",
            "{\"split\":\"train\",\"draw\":\"random\",\"files\":\"arc/ARC-Easy-Test.derived.jsonl\",\"from\":1000,\"to\":1500}",
            "arc_challenge",
            "{\"split\":\"train\",\"draw\":\"random\",\"files\":\"arc/ARC-Challenge-Dev.letter-keys.jsonl\"}",
            "openbookqa",
            "{\"split\":\"train\",\"draw\":\"random\",\"files\":\"openbookqa/dev.jsonl\"}");

    private static TaskDescription task(String name, int shots) {
        Path data = SharedData.path("data");
        if (shots > 0 && POOLS.containsKey(name)) {
            ObjectNode description = (ObjectNode) HarnessVectorsTests.JSON.readTree(TaskCatalog.resource(name));
            description.set("examples", HarnessVectorsTests.JSON.readTree(POOLS.get(name)));
            return TaskFile.parse(description.toString(), List.of(data), HarnessVersion.V0_4_13).getFirst();
        }
        return TaskCatalog.find(name, data, HarnessVersion.V0_4_13).getFirst();
    }

    /** The plans overlap: of some of them only the beginnings are run, unless {@code -Dcome.golden=all}. */
    private static boolean wholePlans() {
        return System.getProperty("come.golden", "").equals("all");
    }

    private static List<JsonNode> records(String model, String plan, String file) {
        Path path = SharedData.path("golden-eval/" + model + "/" + plan + "/" + file + ".jsonl.gz");
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(path)), StandardCharsets.UTF_8))) {
            return reader.lines().<JsonNode>map(HarnessVectorsTests.JSON::readTree).toList();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonNode summary(String model, String plan) {
        return HarnessVectorsTests.JSON
                .readTree(SharedData.path("golden-eval/" + model + "/" + plan + "/summary.json"));
    }

    /** A model folder with a tokenizer.json. */
    private static Path model(String name) {
        if (name.equals("smollm2-135m")) {
            return SmolModel.folder();
        }
        Path copy = folder.resolve(name);
        Path source = SharedData.path("data/stories260K/hf");
        try {
            if (!Files.exists(copy)) {
                Files.createDirectories(copy);
                for (String file : List.of("config.json", "model.safetensors")) {
                    Files.copy(source.resolve(file), copy.resolve(file));
                }
                Files.copy(Path.of("src/test/resources/fixtures/stories260K/tokenizer.json"),
                        copy.resolve("tokenizer.json"));
            }
            return copy;
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A model that is open for a test. */
    private static final class Opened implements AutoCloseable {
        private final Checkpoint checkpoint;
        private final Tokenizer tokenizer;
        private final LayerStore store;
        private final PairEncoding encoding;

        Opened(String name, BosRule rule, int longest) {
            Path path = model(name);
            checkpoint = Checkpoint.open(path);
            tokenizer = Tokenizer.open(path);
            store = new LayerStore(checkpoint, ModelConfig.of(checkpoint));
            encoding = new PairEncoding(tokenizer, SpecialTokens.of(path, tokenizer), HarnessVersion.V0_4_13, rule,
                    Math.min(longest, store.config().maxPositions()));
        }

        int vocabulary() {
            return store.config().vocabularySize();
        }

        Map<Integer, List<Score>> scores(List<List<Continuation>> items) {
            Map<Integer, List<Score>> all = new TreeMap<>();
            try (ContinuationScores scores = new ContinuationScores(store,
                    LayerStack.dense(store.config().layers()), TestDevice.float32(2), Long.MAX_VALUE)) {
                scores.score(ContinuationScores.batches(items), item -> "item " + item,
                        Progress.NONE.begin("", 0, ""), all::putAll);
            }
            return all;
        }

        @Override
        public void close() {
            tokenizer.close();
            checkpoint.close();
        }
    }

    private static Stream<Arguments> plans(String model, String prefix) {
        List<Arguments> runs = new ArrayList<>();
        Stream.concat(QUESTIONS.stream(), SUBJECTS.stream())
                .forEach(task -> runs.add(Arguments.of(model, prefix + "zero-shot", task)));
        List<String> twoShot = model.equals("stories260K") ? QUESTIONS : List.of("arc_easy", "boolq");
        twoShot.forEach(task -> runs.add(Arguments.of(model, prefix + "two-shot", task)));
        SUBJECTS.forEach(task -> runs.add(Arguments.of(model, prefix + "mmlu-5-shot", task)));
        return runs.stream();
    }

    static Stream<Arguments> wholeRecords() {
        return Stream.concat(plans("stories260K", ""), plans("smollm2-135m", "small-"));
    }

    @ParameterizedTest
    @MethodSource("wholeRecords")
    void everyDocumentIsAskedAndAnsweredAsInTheHarness(String model, String plan, String name) {
        List<JsonNode> records = records(model, plan, name);
        JsonNode summary = summary(model, plan);
        try (Opened opened = new Opened(model, BosRule.TOKENIZER, Integer.MAX_VALUE)) {
            TaskDescription task = task(name, summary.get("shots").intValue());
            TaskData data = TaskData.read(task, summary.get("shots").intValue(), records.size());
            assertThat(data.documents()).hasSameSizeAs(records);
            List<List<Continuation>> items = new ArrayList<>();
            for (int i = 0; i < records.size(); i++) {
                Question question = (Question) data.documents().get(i);
                checkQuestion(question, records.get(i));
                items.add(TaskUnits.choices(question, opened.encoding, "document"));
                checkTokens(question, opened.encoding, items.getLast(), records.get(i));
            }
            Map<Integer, List<Score>> scores = opened.scores(items);
            List<DocumentResult> results = new ArrayList<>();
            for (int i = 0; i < records.size(); i++) {
                results.add(new DocumentResult(data.documents().get(i), Objects.requireNonNull(scores.get(i))));
                checkResult(results.getLast(), items.get(i), opened.vocabulary(), records.get(i));
            }
            JsonNode golden = summary.get("tasks").get(name);
            assertThat(Double.parseDouble(task.version())).isEqualTo(golden.get("version").doubleValue());
            assertThat(task.documents().split()).isEqualTo(golden.get("split").stringValue());
            for (Metric metric : golden.has("acc_norm") ? Metric.values() : new Metric[]{Metric.ACC}) {
                List<Double> right = results.stream()
                        .map(result -> result.right(metric.name().toLowerCase(java.util.Locale.ROOT)).orElseThrow()
                                ? 1.0
                                : 0.0)
                        .toList();
                String key = metric == Metric.ACC ? "acc" : "acc_norm";
                assertThat(Scoring.mean(right)).isCloseTo(golden.get(key).doubleValue(), within(1e-9));
                assertThat(Scoring.standardError(right).orElseThrow())
                        .isCloseTo(golden.get(key + "_stderr").doubleValue(), within(1e-9));
            }
        }
    }

    private static void checkQuestion(Question question, JsonNode golden) {
        assertThat(question.contexts()).isEqualTo(HarnessVectorsTests.strings(golden.get("contexts")));
        assertThat(question.continuations()).isEqualTo(HarnessVectorsTests.strings(golden.get("continuations")));
        assertThat(question.gold()).isEqualTo(golden.get("gold").intValue());
        if (golden.has("shots")) {
            assertThat(question.examples()).isEqualTo(
                    Arrays.stream(HarnessVectorsTests.ints(golden.get("shots"))).boxed().toList());
        }
    }

    private static void checkTokens(Question question, PairEncoding encoding, List<Continuation> choices,
            JsonNode golden) {
        for (int choice = 0; choice < question.size(); choice++) {
            Pair pair = encoding.pair(question.context(choice), question.continuation(choice));
            JsonNode contexts = golden.get("ctx_ids");
            assertThat(pair.context()).as(golden.toString())
                    .isEqualTo(HarnessVectorsTests.ints(contexts.get(contexts.size() == 1 ? 0 : choice)));
            assertThat(pair.continuation()).as(golden.toString())
                    .isEqualTo(HarnessVectorsTests.ints(golden.get("cont_ids").get(choice)));
            assertThat(pair.context().length + pair.continuation().length - choices.get(choice).ids().length)
                    .isEqualTo(golden.get("n_cut").get(choice).intValue());
        }
    }

    private static void checkResult(DocumentResult result, List<Continuation> continuations, int vocabulary,
            JsonNode golden) {
        for (int choice = 0; choice < result.scores().size(); choice++) {
            assertThat(result.scores().get(choice).logLikelihood()).as(golden.get("doc_id") + " choice " + choice)
                    .isCloseTo(golden.get("ll").get(choice).doubleValue(),
                            tolerance(continuations.get(choice).scored(), vocabulary));
            if (golden.has("greedy")) {
                assertThat(result.scores().get(choice).greedy())
                        .isEqualTo(golden.get("greedy").get(choice).booleanValue());
            }
        }
        assertThat(result.predicted()).isEqualTo(golden.get("pred").intValue());
        if (golden.has("pred_norm")) {
            assertThat(result.predictedByCharacters((Question) result.document()))
                    .isEqualTo(golden.get("pred_norm").intValue());
        }
    }

    /**
     * What docs/evaluation.md promises: sums are float32 in the harness, for each token and for all of them together. So are the
     * sums of exponentials behind them, which for a vocabulary of 49,152 come out too small by about 9e-6: the first choice of
     * piqa's first question on SmolLM2 is -110.772974 in float64 throughout, -110.772982 with float32 logits and a float64
     * softmax, -110.772644 in the harness.
     */
    private static Offset<Double> tolerance(int tokens, int vocabulary) {
        return within(2e-4 + tokens * (vocabulary > 10_000 ? 1e-5 : 1e-6));
    }

    static Stream<Arguments> briefRecords() {
        return Stream.of(Arguments.of("stories260K", "zero-shot-bos-true", BosRule.ALWAYS),
                Arguments.of("stories260K", "zero-shot-bos-false", BosRule.NEVER),
                Arguments.of("stories260K", "zero-shot-batch8", BosRule.TOKENIZER),
                Arguments.of("stories260K", "zero-shot-float64", BosRule.TOKENIZER),
                Arguments.of("smollm2-135m", "small-zero-shot-bos-true", BosRule.ALWAYS),
                Arguments.of("smollm2-135m", "small-zero-shot-batch8", BosRule.TOKENIZER));
    }

    @ParameterizedTest
    @MethodSource("briefRecords")
    void theBosTokenStandsInFrontAsInTheHarness(String model, String plan, BosRule rule) {
        Map<String, List<JsonNode>> byTask = new TreeMap<>();
        records(model, plan, "brief").forEach(
                record -> byTask.computeIfAbsent(record.get("task").stringValue(), _ -> new ArrayList<>()).add(record));
        try (Opened opened = new Opened(model, rule, Integer.MAX_VALUE)) {
            byTask.forEach((name, all) -> {
                List<JsonNode> records = wholePlans() ? all : all.subList(0, Math.min(20, all.size()));
                TaskData data = TaskData.read(task(name, 0), 0, records.size());
                List<List<Continuation>> items = data.documents().stream()
                        .map(document -> TaskUnits.choices((Question) document, opened.encoding, "document")).toList();
                Map<Integer, List<Score>> scores = opened.scores(items);
                for (int i = 0; i < records.size(); i++) {
                    Question question = (Question) data.documents().get(i);
                    Pair pair = opened.encoding.pair(question.context(0), question.continuation(0));
                    assertThat(pair.context().length).isEqualTo(records.get(i).get("n_ctx").get(0).intValue());
                    assertThat(pair.context()[0]).isEqualTo(records.get(i).get("first_id").intValue());
                    checkResult(new DocumentResult(question, Objects.requireNonNull(scores.get(i))), items.get(i),
                            opened.vocabulary(),
                            records.get(i));
                }
            });
        }
    }

    static Stream<Arguments> pages() {
        return Stream.of(Arguments.of("stories260K", "wikitext", BosRule.TOKENIZER, Integer.MAX_VALUE),
                Arguments.of("stories260K", "wikitext-bos-true", BosRule.ALWAYS, Integer.MAX_VALUE),
                Arguments.of("smollm2-135m", "small-wikitext-1024", BosRule.TOKENIZER, 1024));
    }

    @ParameterizedTest
    @MethodSource("pages")
    void everyPageOfWikitextIsAsLikelyAsInTheHarness(String model, String plan, BosRule rule, int longest) {
        List<JsonNode> every = records(model, plan, "wikitext");
        List<JsonNode> records = wholePlans() ? every : every.subList(0, Math.min(6, every.size()));
        try (Opened opened = new Opened(model, rule, longest)) {
            TaskData data = TaskData.read(task("wikitext", 0), 0, records.size());
            assertThat(data.documents()).hasSameSizeAs(records);
            List<List<Continuation>> items = new ArrayList<>();
            for (int i = 0; i < records.size(); i++) {
                Page page = (Page) data.documents().get(i);
                JsonNode golden = records.get(i);
                assertThat(page.text()).isEqualTo(golden.get("detokenised").stringValue());
                assertThat(page.words()).isEqualTo(golden.get("words").longValue());
                assertThat(page.bytes()).isEqualTo(golden.get("bytes").longValue());
                opened.encoding.windows(page.text()).forEach(window -> items.add(List.of(window)));
            }
            Map<Integer, List<Score>> scores = opened.scores(items);
            int next = 0;
            double sum = 0;
            long bytes = 0;
            for (JsonNode golden : records) {
                double ofPage = 0;
                int tokens = 0;
                for (JsonNode window : golden.get("windows")) {
                    Continuation continuation = items.get(next).getFirst();
                    assertThat(continuation.ids().length - continuation.scored())
                            .isEqualTo(window.get(0).intValue());
                    assertThat(continuation.scored()).isEqualTo(window.get(1).intValue());
                    double logLikelihood = Objects.requireNonNull(scores.get(next)).getFirst().logLikelihood();
                    assertThat(logLikelihood).isCloseTo(window.get(2).doubleValue(),
                            tolerance(continuation.scored(), opened.vocabulary()));
                    tokens += continuation.scored();
                    ofPage += logLikelihood;
                    next++;
                }
                assertThat(ofPage).isCloseTo(golden.get("ll").doubleValue(),
                        tolerance(tokens, opened.vocabulary()));
                sum += ofPage;
                bytes += golden.get("bytes").longValue();
            }
            assertThat(next).isEqualTo(items.size());
            if (records.size() == every.size()) {
                assertThat(-sum / bytes / Math.log(2)).isCloseTo(
                        summary(model, plan).get("tasks").get("wikitext").get("bits_per_byte").doubleValue(),
                        within(opened.vocabulary() > 10_000 ? 5e-6 : 1e-6));
            }
        }
    }

    /** The three subjects that the golden runs summed up. */
    @ParameterizedTest
    @MethodSource("groupPlans")
    void aGroupCountsEveryDocumentTheSame(String plan) {
        JsonNode tasks = summary("stories260K", plan).get("tasks");
        List<Integer> sizes = SUBJECTS.stream().map(subject -> tasks.get(subject).get("n").intValue()).toList();
        assertThat(Scoring.weightedMean(SUBJECTS.stream().map(subject -> tasks.get(subject).get("acc").doubleValue())
                .toList(), sizes)).isCloseTo(tasks.get("mmlu_three").get("acc").doubleValue(), within(1e-9));
        assertThat(Scoring.pooledStandardError(SUBJECTS.stream()
                .map(subject -> tasks.get(subject).get("acc_stderr").doubleValue()).toList(), sizes))
                .isCloseTo(tasks.get("mmlu_three").get("acc_stderr").doubleValue(), within(1e-9));
    }

    static Stream<String> groupPlans() {
        return IntStream.range(0, 2).mapToObj(i -> i == 0 ? "zero-shot" : "mmlu-5-shot");
    }
}
