package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.calibration.Calibration.GradientOrder;
import dev.come.prune.Barriers;
import dev.come.prune.BlockScore.Reduction;
import dev.come.prune.ComeAuto;
import dev.come.prune.Compat;
import dev.come.prune.ConcatMerge;
import dev.come.prune.ConcatMergeP;
import dev.come.prune.Laco;
import dev.come.prune.Magnitude;
import dev.come.prune.Mka;
import dev.come.prune.PruningMethod;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import dev.come.prune.SkipMethod;
import dev.come.prune.Sleb;
import dev.come.prune.Taylor;
import dev.come.report.Comparison;
import dev.come.report.Report;
import dev.come.report.RunRecord;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Several methods in one run. */
class SeveralMethodsTests {

    @TempDir
    private Path folder;

    /** All but the "+" forms, which six layers are too few for. */
    private static List<PruningMethod> methods() {
        return List.of(new Magnitude(Magnitude.Options.DEFAULTS), new Sleb(Sleb.Options.DEFAULTS),
                new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                new Taylor(Taylor.Options.DEFAULTS),
                new ConcatMergeP(new ConcatMergeP.Options(SkipMethod.BI, 2, false, 4, Compat.NONE)),
                new ShortGpt(ShortGpt.Options.DEFAULTS), new Reverse(Reverse.Options.DEFAULTS),
                new Laco(new Laco.Options(Laco.Variant.TELESCOPE, 3, 1, 0, -1, 0.9, 0.1)),
                new ComeAuto(ComeAuto.Options.DEFAULTS));
    }

    private static SortedMap<String, String> hashes(Path model) {
        return WordModels.hashes(model);
    }

    @Test
    void eachGivesTheBytesThatItGivesAlone() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.perplexity = true;
        run.threads = 2;
        PruneJob.Results results = run.job("all", Progress.NONE, methods()).runAll();
        assertThat(results.failures()).isEmpty();
        assertThat(results.results()).hasSameSizeAs(methods());
        for (PruningMethod method : methods()) {
            run.job("alone-" + method.name(), Progress.NONE, List.of(method)).run();
            assertThat(hashes(run.target("all/" + method.name()))).as(method.name())
                    .isEqualTo(hashes(run.target("alone-" + method.name())));
        }
        assertThat(WordModels.names(run.target("all"))).hasSize(methods().size() + 2)
                .contains(Comparison.JSON_NAME, Comparison.CSV_NAME);

        JsonNode json = new JsonMapper().readTree(run.target("all/comparison.json"));
        List<String> csv = Files.readAllLines(run.target("all/comparison.csv"));
        assertThat(csv).hasSize(1 + 1 + methods().size());
        assertThat(csv.get(0)).startsWith("method,layers,tree,loss,").endsWith(",seconds,peak_bytes,failure");
        assertThat(csv.get(1)).startsWith("dense,6,,");
        for (int i = 0; i < methods().size(); i++) {
            JsonNode entry = json.get("methods").get(i);
            assertThat(entry.get("method").asString()).isEqualTo(methods().get(i).name());
            assertThat(entry.get("layers").asInt()).isEqualTo(3);
            assertThat(entry.get("loss").asDouble()).isGreaterThan(0);
            assertThat(entry.get("perplexities").size()).isEqualTo(1);
            assertThat(entry.at("/perplexities/0/metric")).isEqualTo(json.at("/dense/perplexities/0/metric"));
            assertThat(csv.get(i + 2)).startsWith(methods().get(i).name() + ",3,\"[");
        }
    }

    @Test
    void whatTheyShareIsMeasuredOnce() throws IOException {
        Run run = new Run("llama-gqa", folder);
        List<String> begun = new ArrayList<>();
        Progress progress = new Progress() {
            @Override
            public Task begin(String what, long total, String unit) {
                begun.add(what);
                return _ -> {
                };
            }

            @Override
            public void note(String line) {
            }
        };
        run.job("all", progress,
                List.of(new ShortGpt(ShortGpt.Options.DEFAULTS), new ConcatMerge(ConcatMerge.Options.DEFAULTS),
                        new ConcatMergeP(new ConcatMergeP.Options(SkipMethod.BI, 2, false, 4, Compat.NONE))))
                .runAll();
        assertThat(begun).filteredOn(what -> what.endsWith("measuring 6 layers")).hasSize(1);
    }

    @Test
    void oneThatDoesNotGetThereDoesNotKeepTheOthersFromIt() throws IOException {
        Run run = new Run("llama-gqa", folder);
        PruneJob.Results results = run.job("all", Progress.NONE,
                List.of(new Mka(Mka.Options.DEFAULTS), new Reverse(Reverse.Options.DEFAULTS),
                        new Sleb(new Sleb.Options(new Barriers(3, 3), Compat.NONE)),
                        new ShortGpt(ShortGpt.Options.DEFAULTS)))
                .runAll();
        assertThat(results.results()).extracting(result -> result.plan().settings().path("method").asString())
                .containsExactly("reverse", "shortgpt");
        assertThat(results.failures()).extracting(PruneJob.Failure::method).containsExactlyInAnyOrder("mka", "sleb");
        JsonNode json = new JsonMapper().readTree(run.target("all/comparison.json"));
        assertThat(json.get("methods").toString()).contains("--barriers 3,3").contains("50 nearest neighbours");
        assertThat(WordModels.names(run.target("all"))).containsExactlyInAnyOrder("reverse", "shortgpt",
                Comparison.JSON_NAME, Comparison.CSV_NAME);
    }

    /** States between layers are wider than embeddings in this model, so the reference cannot compare the last one. */
    @Test
    void onlyMethodsThatCompareStatesRefuseTheReferenceForAModelWithNarrowEmbeddings() throws IOException {
        Run run = new Run("opt-350m-like", folder);
        run.targetLayers = 2;
        Taylor.Options zeroed = Taylor.Options.DEFAULTS;
        PruneJob.Results results = run.job("all", Progress.NONE,
                List.of(new ShortGpt(new ShortGpt.Options(false, Compat.REFERENCE)), new Sleb(Sleb.Options.REFERENCE),
                        new Taylor(new Taylor.Options(GradientOrder.NEVER_ZEROED, zeroed.weightReduction(),
                                zeroed.blockReduction(), false, Compat.REFERENCE)),
                        new Magnitude(new Magnitude.Options(Reduction.SUM, Reduction.SUM, false, Compat.REFERENCE))))
                .runAll();
        assertThat(results.failures()).extracting(PruneJob.Failure::method).containsExactly("shortgpt");
        assertThat(results.results()).extracting(result -> result.plan().settings().path("method").asString())
                .containsExactly("sleb", "taylor", "magnitude");
        // What the reference of sleb does otherwise is to have no barriers.
        PruneJob.Result same = run.job("same", Progress.NONE, List.of(new Sleb(new Sleb.Options(Barriers.NONE,
                Compat.NONE)))).run();
        assertThat(results.results().getFirst().plan().steps()).isEqualTo(same.plan().steps());
    }

    /** Does something when a measurement begins, by what it is called and how often it has begun. */
    private record WhenBegun(BiConsumer<String, Integer> act, Map<String, Integer> begun) implements Progress {
        WhenBegun(BiConsumer<String, Integer> act) {
            this(act, new HashMap<>());
        }

        @Override
        public Task begin(String what, long total, String unit) {
            act.accept(what, begun.merge(what, 1, Integer::sum));
            return _ -> {
            };
        }

        @Override
        public void note(String line) {
        }
    }

    @Test
    void aResultThatCannotBeMeasuredDoesNotKeepTheOthersFromIt() throws IOException {
        Run run = new Run("llama-gqa", folder);
        List<PruningMethod> methods = List.of(new ShortGpt(ShortGpt.Options.DEFAULTS),
                new Reverse(Reverse.Options.DEFAULTS), new Magnitude(Magnitude.Options.DEFAULTS));
        run.job("whole", Progress.NONE, methods).runAll();
        // All together fails, and of those by themselves the second.
        PruneJob.Results results = run.job("all", new WhenBegun((what, time) -> {
            if (what.equals("loss of all results") && (time == 1 || time == 3)) {
                throw new FailedException("The loss is NaN");
            }
        }), methods).runAll();
        assertThat(results.failures()).extracting(PruneJob.Failure::method).containsExactly("reverse");
        assertThat(results.denseLoss()).isPresent();
        for (String done : List.of("shortgpt", "magnitude")) {
            assertThat(hashes(run.target("all/" + done))).isEqualTo(hashes(run.target("whole/" + done)));
        }
        assertThat(Files.readString(run.target("all/comparison.csv"))).contains("reverse,,,,,,The loss is NaN");
        // What it has chosen is kept, and not chosen again.
        run.resumption = Resumption.ASKED_FOR;
        PruneJob.Results again = run.job("all", Progress.NONE, methods).runAll();
        assertThat(again.failures()).isEmpty();
        assertThat(again.results()).extracting(PruneJob.Result::resumed).containsExactly(true, false, true);
        assertThat(hashes(run.target("all/reverse"))).isEqualTo(hashes(run.target("whole/reverse")));
    }

    /** The times of a run that was stopped while it wrote its results, which methods that are done do not take again. */
    @Test
    void whatMethodsTookIsKeptWhenTheRunIsResumed() throws IOException {
        Run run = new Run("llama-gqa", folder);
        List<PruningMethod> methods = List.of(new ShortGpt(ShortGpt.Options.DEFAULTS),
                new ConcatMerge(ConcatMerge.Options.DEFAULTS), new Sleb(Sleb.Options.DEFAULTS));
        assertThatThrownBy(() -> run.job("all", new WhenBegun((what, _) -> {
            if (what.equals("saving concat_merge")) {
                throw new IllegalStateException("killed");
            }
        }), methods).runAll()).hasMessage("killed");
        assertThat(run.target("all/shortgpt")).exists();
        Path costs = folder.resolve(".all.come-prune/costs.json");
        JsonNode kept = new JsonMapper().readTree(costs).get("methods");
        assertThat(kept.valueStream().map(one -> one.get("method").asString()))
                .containsExactly("shortgpt", "concat_merge", "sleb");
        assertThat(kept.get(2).get("seconds").asDouble()).isPositive();
        // A time that no run can take by chance.
        Files.writeString(costs, Files.readString(costs).replaceFirst("\"seconds\":[0-9.E-]+", "\"seconds\":4321.5"));

        run.resumption = Resumption.ASKED_FOR;
        PruneJob.Results results = run.job("all", Progress.NONE, methods).runAll();
        assertThat(results.results()).extracting(PruneJob.Result::resumed).containsExactly(true, false, false);
        JsonNode rows = new JsonMapper().readTree(run.target("all/comparison.json")).get("methods");
        assertThat(rows.get(0).get("seconds").asDouble()).isEqualTo(4321.5);
        for (int i = 0; i < 3; i++) {
            assertThat(rows.get(i).get("peak_bytes")).isEqualTo(kept.get(i).get("peak_bytes"));
            if (i > 0) {
                assertThat(rows.get(i).get("seconds").asDouble()).isEqualTo(kept.get(i).get("seconds").asDouble());
            }
        }
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(run.inputsAnd("all"));

        // The comparison itself tells it to a run that comes later, of more methods.
        List<PruningMethod> more = new ArrayList<>(methods);
        more.add(new Reverse(Reverse.Options.DEFAULTS));
        results = run.job("all", Progress.NONE, more).runAll();
        assertThat(results.results()).extracting(PruneJob.Result::resumed).containsExactly(true, true, true, false);
        rows = new JsonMapper().readTree(run.target("all/comparison.json")).get("methods");
        assertThat(rows.get(0).get("seconds").asDouble()).isEqualTo(4321.5);
        assertThat(rows.get(2).get("seconds").asDouble()).isEqualTo(kept.get(2).get("seconds").asDouble());
    }

    @Test
    void aResultThatCannotBeWrittenDoesNotKeepTheOthersFromIt() throws IOException {
        Run run = new Run("llama-gqa", folder);
        Path notes = run.target("all/reverse/notes.txt");
        PruneJob.Results results = run.job("all", new WhenBegun((what, _) -> {
            if (what.equals("loss of all results")) {
                try {
                    Files.createDirectories(notes.getParent());
                    Files.writeString(notes, "a user's");
                } catch (IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        }), List.of(new Reverse(Reverse.Options.DEFAULTS), new ShortGpt(ShortGpt.Options.DEFAULTS))).runAll();
        assertThat(results.failures()).extracting(PruneJob.Failure::method).containsExactly("reverse");
        assertThat(notes).hasContent("a user's");
        assertThat(run.target("all/shortgpt/come.json")).exists();
    }

    /** A run that was killed while it wrote a page has left a part of it in a model that is done. */
    @Test
    void whatAKilledRunHasLeftInAFinishedModelIsTakenAway() throws IOException {
        Run run = new Run("llama-gqa", folder);
        List<PruningMethod> methods = List.of(new ShortGpt(ShortGpt.Options.DEFAULTS),
                new Reverse(Reverse.Options.DEFAULTS));
        run.job("all", Progress.NONE, methods).runAll();
        Path left = Files.createFile(run.target("all/reverse/.come-file-0123456789abcdef.tmp"));
        run.job("all", Progress.NONE, methods).runAll();
        assertThat(left).doesNotExist();

        run.continueSaving = true;
        run.to("steps");
        Path inStep = Files.createFile(run.target("steps/5-layers/.come-file-0123456789abcdef.tmp"));
        assertThatThrownBy(() -> run.to("steps")).isInstanceOf(UsageException.class);
        assertThat(inStep).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {Comparison.JSON_NAME, Comparison.CSV_NAME, RunRecord.FILE_NAME, Report.FILE_NAME})
    void aUsersFileUnderTheNameOfTheComparisonIsNotWrittenOver(String name) throws IOException {
        Run run = new Run("llama-gqa", folder);
        Files.createDirectories(run.target("all"));
        Path file = Files.writeString(run.target("all").resolve(name), "a user's");
        for (Resumption resumption : Resumption.values()) {
            run.resumption = resumption;
            PruneJob job = run.job("all", Progress.NONE,
                    List.of(new ShortGpt(ShortGpt.Options.DEFAULTS), new Reverse(Reverse.Options.DEFAULTS)));
            assertThatThrownBy(job::runAll).isInstanceOf(UsageException.class)
                    .hasMessageContaining(name + " is there already; add --overwrite");
        }
        assertThat(file).hasContent("a user's");
        assertThat(WordModels.names(run.target("all"))).containsExactly(name);
    }

    @Test
    void theComparisonOfARunIsReplacedWhenItIsResumed() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.job("all", Progress.NONE, List.of(new ShortGpt(ShortGpt.Options.DEFAULTS),
                new Sleb(new Sleb.Options(new Barriers(3, 3), Compat.NONE)))).runAll();
        run.resumption = Resumption.ASKED_FOR;
        run.job("all", Progress.NONE,
                List.of(new ShortGpt(ShortGpt.Options.DEFAULTS), new Reverse(Reverse.Options.DEFAULTS))).runAll();
        for (String name : List.of(Comparison.JSON_NAME, Comparison.CSV_NAME)) {
            assertThat(Files.readString(run.target("all").resolve(name))).contains("reverse").doesNotContain("sleb");
        }
    }

    @Test
    void thoseThatAreDoneAreNotDoneAgainWhenTheRunIsResumed() throws IOException {
        Run run = new Run("llama-gqa", folder);
        List<PruningMethod> both = List.of(new ShortGpt(ShortGpt.Options.DEFAULTS), new Sleb(Sleb.Options.DEFAULTS));
        run.job("all", Progress.NONE, both.subList(0, 1)).run();
        Files.createDirectories(run.target("two"));
        Files.move(run.target("all"), run.target("two/shortgpt"));
        PruneJob.Results results = run.job("two", Progress.NONE, both).runAll();
        assertThat(results.results()).extracting(PruneJob.Result::resumed).containsExactly(true, false);
        assertThat(results.failures()).isEmpty();
        assertThat(run.target("two/sleb/come.json")).exists();
    }
}
