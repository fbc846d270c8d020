package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.JsonRules;
import dev.come.Progress;
import dev.come.TinyLlama;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.evaluate.BosRule;
import dev.come.evaluate.Divergence;
import dev.come.evaluate.EvaluationOptions;
import dev.come.evaluate.EvaluationReport;
import dev.come.evaluate.HarnessVersion;
import dev.come.evaluate.Perplexity;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.SortedMap;
import java.util.function.ToDoubleFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is measured on texts token by token: perplexity, divergence from another model, and the files of both. */
class EvalTextsTests {
    private static final int WINDOW = 32;

    @TempDir
    private Path folder;

    private Path model;
    private Path dense;
    private List<TextSource> texts;
    private List<String> tasks = List.of();
    private int stride = WINDOW;
    private int windows = PerplexityOptions.ALL_WINDOWS;

    @BeforeEach
    void makeModelsAndTexts() throws IOException {
        model = WordModels.copy("llama-gqa", folder);
        dense = WordModels.copy("llama-mha", folder);
        texts = List.of(source(WordModels.text(folder.resolve("one.txt"), 9)),
                source(WordModels.text(folder.resolve("two, too.txt"), 3)));
    }

    private static TextSource source(Path file) {
        return new TextSource(file.toString(), file.resolveSibling(""), TextSource.DEFAULT_FIELD);
    }

    private EvaluationReport run(Optional<Path> compared, EvalFiles written) {
        return run(compared, written, Progress.NONE);
    }

    private EvaluationReport run(Optional<Path> compared, EvalFiles written, Progress progress) {
        EvaluationOptions options = new EvaluationOptions(tasks, 0, EvaluationOptions.ALL, HarnessVersion.V0_4_13,
                BosRule.TOKENIZER, EvaluationOptions.ALL, folder);
        return EvalJob.run(new EvalJob.Request(model, Optional.empty(), compared, options,
                new PerplexityOptions(texts, WindowLength.of(WINDOW), OptionalInt.of(stride),
                        windows),
                written),
                new ComputeChoice("float32", "cpu", 2, 0), progress);
    }

    private static EvalFiles nothing() {
        return new EvalFiles(Optional.empty(), false, Optional.empty(), false);
    }

    private static EvalFiles losses(Path file) {
        return new EvalFiles(Optional.empty(), false, Optional.of(file), false);
    }

    /** The mean of a column, counted from the end, over the rows of a corpus. */
    private static double mean(Path csv, String corpus, int column, ToDoubleFunction<String> value) throws IOException {
        return Files.readAllLines(csv).stream().skip(1).filter(line -> line.contains(corpus)).mapToDouble(line -> {
            String[] cells = line.split(",", -1);
            return value.applyAsDouble(cells[cells.length - column]);
        }).average().orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(ints = {WINDOW, 12, 1})
    void theMeansOfTheFileOfLossesAreTheNumbersThatArePrinted(int stride) throws IOException {
        this.stride = stride;
        Path csv = folder.resolve("losses.csv");
        EvaluationReport report = run(Optional.of(dense), losses(csv));
        List<Perplexity> perplexities = report.model().perplexities();
        List<Divergence> divergences = report.compared().orElseThrow().divergences();
        assertThat(perplexities).hasSameSizeAs(divergences).hasSize(2);
        assertThat(Files.readAllLines(csv)).hasSize(
                1 + Math.toIntExact(divergences.stream().mapToLong(Divergence::tokens).sum()));
        for (int i = 0; i < 2; i++) {
            String corpus = List.of("one.txt", "two, too.txt").get(i);
            Divergence divergence = divergences.get(i);
            double loss = mean(csv, corpus, 4, Double::parseDouble);
            double denseLoss = mean(csv, corpus, 3, Double::parseDouble);
            assertThat(Math.log(perplexities.get(i).value())).isCloseTo(loss, within(1e-12));
            assertThat(Math.log(divergence.reference().value())).isCloseTo(denseLoss, within(1e-12));
            assertThat(divergence.logPerplexityDifference()).isCloseTo(loss - denseLoss, within(1e-12));
            assertThat(divergence.mean()).isCloseTo(mean(csv, corpus, 2, Double::parseDouble), within(1e-12))
                    .isGreaterThan(0.1);
            assertThat(divergence.sameTop()).isCloseTo(mean(csv, corpus, 1, Double::parseDouble), within(1e-12));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"result.json", "result.samples.jsonl", "result.documents.csv", "losses.csv"})
    void aFileThatWouldBeWrittenOverIsNamedBeforeTheWork(String name) throws IOException {
        Files.writeString(folder.resolve(name), "a user's");
        assertThatThrownBy(() -> run(Optional.empty(), new EvalFiles(Optional.of(folder.resolve("result.json")), true,
                Optional.of(folder.resolve("losses.csv")), false))).isInstanceOf(UsageException.class)
                .hasMessageContaining(name + " is there already; add --overwrite");
        assertThat(folder.resolve(name)).hasContent("a user's");
    }

    @Test
    void whatLiesBesideTheResultsStays() throws IOException {
        List<String> names = List.of("result.json.new", "result.json.tmp", "losses.csv.new", "result.new");
        for (String name : names) {
            Files.writeString(folder.resolve(name), "a user's");
        }
        run(Optional.empty(), new EvalFiles(Optional.of(folder.resolve("result.json")), true,
                Optional.of(folder.resolve("losses.csv")), false));
        assertThat(folder.resolve("result.json")).isNotEmptyFile();
        for (String name : names) {
            assertThat(folder.resolve(name)).hasContent("a user's");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"result.json", "./result.json", "result.samples.jsonl", "result.documents.csv",
        "result.scores.jsonl"})
    void lossesDoNotGoIntoAFileOfTheResults(String name) {
        assertThatThrownBy(() -> run(Optional.empty(), new EvalFiles(Optional.of(folder.resolve("result.json")), true,
                Optional.of(folder.resolve(name)), false))).isInstanceOf(UsageException.class)
                .hasMessageContaining("name the same file");
    }

    @Test
    void whatIsPrintedDoesNotDependOnWhetherAnotherModelRunsBeside() throws IOException {
        Path csv = folder.resolve("losses.csv");
        EvaluationReport alone = run(Optional.empty(), losses(csv));
        EvaluationReport together = run(Optional.of(dense), nothing());
        assertThat(together.model().perplexities()).isEqualTo(alone.model().perplexities());
        assertThat(Files.readAllLines(csv).getFirst()).isEqualTo("corpus,window,position,token,loss");
        assertThat(mean(csv, "one.txt", 1, Double::parseDouble))
                .isCloseTo(Math.log(alone.model().perplexities().getFirst().value()), within(1e-12));
        model = dense;
        assertThat(run(Optional.empty(), nothing()).model().perplexities()).isEqualTo(
                together.compared().orElseThrow().divergences().stream().map(Divergence::reference).toList());
    }

    @Test
    void aModelBesideItselfIsEqual() throws IOException {
        Path output = folder.resolve("result.json");
        EvaluationReport report = run(Optional.of(model),
                new EvalFiles(Optional.of(output), false, Optional.empty(), false));
        for (Divergence divergence : report.compared().orElseThrow().divergences()) {
            assertThat(divergence.maximum()).isZero();
            assertThat(divergence.mean()).isZero();
            assertThat(divergence.sameTop()).isEqualTo(1);
            assertThat(divergence.logPerplexityDifference()).isZero();
            assertThat(divergence.standardError()).hasValue(0);
        }
        new JsonRules(EvaluationReport.class).check(output);
        JsonNode compared = new JsonMapper().readTree(output).get("compared");
        assertThat(compared.get("name").asString()).isEqualTo("llama-gqa");
        assertThat(compared.get("fingerprint").asString()).hasSize(64);
        assertThat(compared.at("/divergences/0/metric").asString())
                .endsWith("KL divergence per token, windows of 32 tokens, one BOS token before the text");
        assertThat(compared.at("/divergences/0/same_top").asDouble()).isEqualTo(1);
        assertThat(compared.at("/divergences/1/log_perplexity_difference_stderr").asDouble()).isZero();
    }

    @Test
    void modelsWithOtherTokensAreRefused() throws IOException {
        Path wider = new TinyLlama(2, 130, 16, 24, 2, 2, 4, false).write(folder.resolve("wider"), new Random(1));
        Files.copy(model.resolve("tokenizer.json"), wider.resolve("tokenizer.json"));
        assertThatThrownBy(() -> run(Optional.of(wider), nothing())).isInstanceOf(InvalidInputException.class)
                .hasMessage("--compare: " + wider + " has a vocabulary of 130 tokens, but the model one of 128;"
                        + " only models with the same tokens can be compared");
        Path other = dense.resolve("tokenizer.json");
        Files.writeString(other, Files.readString(other).replace("\"w5\"", "\"x\"").replace("\"w6\"", "\"w5\"")
                .replace("\"x\"", "\"w6\""));
        assertThatThrownBy(() -> run(Optional.of(dense), nothing())).isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("the tokenizer of " + dense + " makes other tokens of ")
                .hasMessageContaining("one.txt than the model's");
    }

    @Test
    void filesAreReplacedOnlyIfThatIsAskedFor() throws IOException {
        Path csv = Files.writeString(folder.resolve("losses.csv"), "precious");
        assertThatThrownBy(() -> run(Optional.empty(), losses(csv))).isInstanceOf(UsageException.class)
                .hasMessage("--losses: " + csv + " is there already; add --overwrite, or give another name");
        assertThat(csv).hasContent("precious");
        run(Optional.empty(), new EvalFiles(Optional.empty(), false, Optional.of(csv), true));
        assertThat(Files.readAllLines(csv).getFirst()).startsWith("corpus,");
        assertThatThrownBy(() -> run(Optional.empty(), losses(folder))).hasMessageContaining("is a folder");
        assertThatThrownBy(() -> run(Optional.empty(), losses(folder.resolve("none/losses.csv"))))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining("there is no folder " + folder.resolve("none"));
        assertThatThrownBy(() -> run(Optional.empty(), new EvalFiles(Optional.of(csv), false, Optional.of(csv), true)))
                .isInstanceOf(UsageException.class).hasMessageContaining("name the same file");
    }

    @Test
    void whatTheRunReadsIsNeverReplaced() throws IOException {
        Path text = Path.of(texts.getFirst().dataset());
        SortedMap<String, String> before = WordModels.hashes(folder);
        for (Path file : List.of(text, model.resolve("config.json"), model.resolve("tokenizer.json"))) {
            for (EvalFiles files : List.of(new EvalFiles(Optional.of(file), false, Optional.empty(), true),
                    new EvalFiles(Optional.empty(), false, Optional.of(file), true))) {
                assertThatThrownBy(() -> run(Optional.empty(), files)).isInstanceOf(UsageException.class)
                        .hasMessageContaining(file + " is what this run reads, and is not replaced");
            }
        }
        tasks = List.of(Files.writeString(folder.resolve("own.json"), "{}").toString());
        Path task = Path.of(tasks.getFirst());
        assertThatThrownBy(() -> run(Optional.empty(), new EvalFiles(Optional.of(task), false, Optional.empty(), true)))
                .hasMessageContaining(task + " is what this run reads");
        Files.delete(task);
        assertThat(WordModels.hashes(folder)).isEqualTo(before);
    }

    @Test
    void theScoresOfAnInterruptedRunAreNeverReplaced() throws IOException {
        Path scores = Files.writeString(folder.resolve("other.scores.jsonl"), "{\"tasks_fingerprint\":\"0\"}\n");
        for (EvalFiles files : List.of(new EvalFiles(Optional.of(scores), false, Optional.empty(), true),
                new EvalFiles(Optional.empty(), false, Optional.of(scores), true))) {
            assertThatThrownBy(() -> run(Optional.empty(), files)).isInstanceOf(UsageException.class)
                    .hasMessageContaining(scores + " holds the scores of a run that was interrupted");
        }
        assertThat(scores).hasContent("{\"tasks_fingerprint\":\"0\"}");
    }

    /** Stops when a file is to be written that cannot be: its name is that of a folder by then, as a full disk would. */
    private void stopAt(EvalFiles files, Path blocked) {
        assertThatThrownBy(() -> run(Optional.empty(), files, new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                assertThat(blocked.toFile().mkdir()).isTrue();
                assertThat(blocked.resolve("in the way").toFile().mkdir()).isTrue();
                return _ -> {
                };
            }

            @Override
            public void note(String line) {
            }
        })).isInstanceOf(FailedException.class).hasMessageContaining(blocked + " cannot be written");
        assertThat(blocked.resolve("in the way").toFile().delete()).isTrue();
        assertThat(blocked.toFile().delete()).isTrue();
    }

    @Test
    void aRunThatWasStoppedBetweenItsFilesGoesOn() throws IOException {
        texts = texts.subList(0, 1);
        Path csv = folder.resolve("losses.csv");
        Path json = folder.resolve("result.json");
        EvalFiles files = new EvalFiles(Optional.of(json), false, Optional.of(csv), false);
        run(Optional.empty(), files);
        String losses = Files.readString(csv);
        String result = Files.readString(json);
        assertThat(WordModels.names(folder)).noneMatch(name -> name.contains("scores"));
        Files.delete(csv);
        Files.delete(json);
        Files.delete(folder.resolve("result.report.html"));

        stopAt(files, json);
        assertThat(csv).content().isEqualTo(losses);
        // Another run does not take it for its own.
        windows = 3;
        assertThatThrownBy(() -> run(Optional.empty(), files)).isInstanceOf(UsageException.class)
                .hasMessageContaining("result.scores.jsonl holds the scores of another run (perplexity: ");
        windows = PerplexityOptions.ALL_WINDOWS;
        run(Optional.empty(), files);
        assertThat(csv).content().isEqualTo(losses);
        assertThat(json).content().isEqualTo(result);
        assertThat(WordModels.names(folder)).noneMatch(name -> name.contains("scores"));
        assertThatThrownBy(() -> run(Optional.empty(), files)).isInstanceOf(UsageException.class)
                .hasMessageContaining("is there already; add --overwrite");
    }

    @Test
    void whatSomebodyHasPutInThePlaceOfAFileThatWasWrittenStays() throws IOException {
        texts = texts.subList(0, 1);
        Path csv = folder.resolve("losses.csv");
        Path json = folder.resolve("result.json");
        EvalFiles files = new EvalFiles(Optional.of(json), false, Optional.of(csv), false);
        stopAt(files, json);
        Files.writeString(csv, "mine");
        assertThatThrownBy(() -> run(Optional.empty(), files)).isInstanceOf(UsageException.class)
                .hasMessage("--losses: " + csv + " is there already; add --overwrite, or give another name");
        assertThat(csv).hasContent("mine");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -3, WINDOW + 1})
    void aStrideThatIsNoneIsRefused(int stride) {
        this.stride = stride;
        assertThatThrownBy(() -> run(Optional.empty(), nothing())).isInstanceOf(UsageException.class)
                .hasMessage("--stride is " + stride + ", but must be from 1 to --seqlen, which is 32");
    }

    @Test
    void whatHasNothingToActOnIsRefused() {
        texts = List.of();
        tasks = List.of("piqa");
        assertThatThrownBy(() -> run(Optional.of(dense), nothing())).isInstanceOf(UsageException.class)
                .hasMessageContaining("--compare runs both models on the texts of --ppl-data, which is missing");
        assertThatThrownBy(() -> run(Optional.empty(), losses(folder.resolve("losses.csv"))))
                .isInstanceOf(UsageException.class).hasMessageContaining("--losses");
        assertThatThrownBy(
                () -> run(Optional.empty(), new EvalFiles(Optional.empty(), false, Optional.empty(), true)))
                .isInstanceOf(UsageException.class).hasMessageContaining("--overwrite");
    }

    @Test
    void longTextsAreWrittenWithTheirBits() throws IOException {
        Files.writeString(folder.resolve("pages.jsonl"), """
                {"page": "w3 w4 w5 w6"}
                {"page": "w7 w8"}
                """);
        tasks = List.of(Files.writeString(folder.resolve("pages.json"), """
                {"task": "pages", "version": "1", "documents": {"split": "test", "files": "pages.jsonl"},
                 "text": "{page}"}
                """).toString());
        Path output = folder.resolve("result.json");
        EvaluationReport report = run(Optional.empty(),
                new EvalFiles(Optional.of(output), true, Optional.empty(), false));
        List<String> lines = Files.readAllLines(folder.resolve("result.documents.csv"));
        assertThat(lines).hasSize(3);
        assertThat(lines.getFirst()).isEqualTo("model,task,doc_id,words,bytes,log_likelihood,bits");
        assertThat(lines.get(1)).startsWith("model,pages,0,4,11,-");
        assertThat(lines.get(2)).startsWith("model,pages,1,2,5,-");
        double bits = lines.stream().skip(1).mapToDouble(line -> Double.parseDouble(line.split(",", -1)[6])).sum();
        assertThat(bits / 16).isCloseTo(report.model().results().tasks().getFirst().values().get("bits_per_byte"),
                within(1e-12));
    }
}
