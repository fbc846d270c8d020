package dev.come.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.job.ComputeChoice;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.RecoveryRecipe;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.prune.Methods;
import dev.come.report.Report;
import dev.come.report.RunRecord;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableSet;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ComeTests {
    @TempDir
    private Path folder;
    private Path model;
    private Path text;

    @BeforeEach
    void copyModel() throws IOException {
        model = WordModels.copy("llama-gqa", folder);
        text = WordModels.text(folder.resolve("text.txt"), 20);
    }

    private Prune sleb() {
        return Come.prune(model).method("sleb").calibrateOn(text.toString()).dataIn(folder).windowLength(32)
                .dtype("float32").threads(1);
    }

    /** 6 layers of 9,536 parameters and 4,128 besides. */
    @Test
    void theTargetMayBeAShareOfTheLayersOrANumberOfParameters() {
        assertThat(sleb().removalRatio(0.5).saveTo(folder.resolve("share")).run().layers()).isEqualTo(3);
        assertThat(sleb().parameters(42_272).saveTo(folder.resolve("parameters")).run().layers()).isEqualTo(4);
    }

    @Test
    void aProgramGetsTheSameBytesAsTheJobOfTheCommand() {
        List<Step> told = new ArrayList<>();
        PrunedModel pruned = sleb().layers(3).onStep(told::add).perplexityOn(text.toString())
                .saveTo(folder.resolve("pruned")).run();
        TextSource source = new TextSource(text.toString(), folder, TextSource.DEFAULT_FIELD);
        WindowLength length = WindowLength.of(32);
        new PruneJob(new PruneJob.Options(model,
                List.of(new PruneJob.Run(Methods.SLEB.method(),
                        new CalibrationSet.Options(source, 128, OptionalInt.empty(), 10, length))),
                new Target.Layers(3), new PerplexityOptions(List.of(source), length, PerplexityOptions.ALL_WINDOWS),
                Optional.empty(),
                new ComputeChoice("float32", "cpu", 1, 1 << 20),
                new Saving(folder.resolve("by-job"), Long.MAX_VALUE, false), false, Resumption.GO_ON), Progress.NONE)
                .run();

        SortedMap<String, String> written = WordModels.hashes(pruned.folder());
        assertThat(written.keySet()).contains(Report.FILE_NAME, RunRecord.FILE_NAME);
        written.keySet().removeAll(List.of(Report.FILE_NAME, RunRecord.FILE_NAME)); // they tell of times
        assertThat(written).isEqualTo(WordModels.hashes(folder.resolve("by-job")));
        assertThat(pruned.folder().resolve(Report.FILE_NAME)).content().contains("sleb");
        assertThat(pruned.layers()).isEqualTo(3);
        assertThat(pruned.steps()).hasSize(pruned.layersBefore() - 3)
                .allSatisfy(step -> assertThat(step.action()).isEqualTo(Step.Action.REMOVE));
        assertThat(told).isEqualTo(pruned.steps());
        assertThat(told.getFirst().scores()).isNotEmpty();
        assertThat(pruned.parameters()).isLessThan(pruned.parametersBefore());
        assertThat(pruned.perplexity().values()).singleElement()
                .satisfies(value -> assertThat(value.after()).isNotEqualTo(value.before()).isPositive());
    }

    @Test
    void whatIsMissingOrUnknownIsNamedAsTheProgramSetIt() {
        assertThatThrownBy(() -> sleb().saveTo(folder.resolve("out")).run()).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("layers(...) is missing");
        assertThatThrownBy(() -> sleb().layers(3).run()).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("saveTo(...) is missing");
        assertThatThrownBy(() -> sleb().method("slap").layers(3).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageContaining("choose from concat_merge, ");
        assertThatThrownBy(() -> sleb().layers(40).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageStartingWith("layers(...) is 40")
                .hasMessageNotContaining("--");
        assertThatThrownBy(() -> sleb().layers(3).windowLength(1).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageStartingWith("windowLength(...) is 1, but must be");
        assertThatThrownBy(() -> sleb().layers(3).option("merge-item", 3).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class)
                .hasMessageStartingWith("option(\"merge-item\", ...) is no option of sleb");
        assertThatThrownBy(() -> sleb().method("all").layers(3).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageContaining("call compare()");
        assertThatThrownBy(() -> sleb().method("reverse").layers(3).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageContaining("reverse looks at the weights alone");
        assertThatThrownBy(() -> Come.latency(model).batch(0).run()).isInstanceOf(UsageException.class)
                .hasMessage("batch(...) is 0, but must be at least 1");
        assertThatThrownBy(() -> Come.distill(model, model).objective("mes").saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageStartingWith("objective(...): there is no mes");
        assertThatThrownBy(() -> Come.distill(model, model).level("layer").modelTokens(5).saveTo(folder).run())
                .isInstanceOf(UsageException.class)
                .hasMessage("modelTokens(...) does nothing at level(\"layer\"); leave it out");
    }

    /** What a job names that a program can set has a method, or is an option of a method of pruning. */
    @Test
    void everyOptionThatAJobSpeaksOfHasAName() throws IOException {
        Set<String> ofOtherCommands = Set.of("--plan", "--next", "--first", "--merge", "--words", "--resume",
                "--sentences", "--num-tasks", "--help",
                "--allow-other-weights", "--json");
        Set<String> ofMethods = Methods.ALL.stream().flatMap(entry -> entry.optionNames().stream())
                .map(name -> "--" + name.replace('_', '-')).collect(Collectors.toSet());
        NavigableSet<String> nameless = new TreeSet<>();
        try (Stream<Path> sources = Files.walk(Path.of("src/main/java"))) {
            for (Path source : sources.filter(file -> file.toString().endsWith(".java")).toList()) {
                Pattern.compile("(?<=[\"( {])--[a-z][a-z-]+[a-z]").matcher(Files.readString(source)).results()
                        .map(MatchResult::group).filter(option -> !ofOtherCommands.contains(option))
                        .filter(option -> !ofMethods.contains(option) && Wording.method(option).isEmpty())
                        .forEach(nameless::add);
            }
        }
        assertThat(nameless).isEmpty();
    }

    @Test
    void aTeacherWritesText() throws IOException {
        Path prompts = Files.writeString(folder.resolve("prompts.txt"), "w3 w4\nw5\n");
        Path file = folder.resolve("own.jsonl");
        Write write = Come.write(model).prompts(prompts).tokens(20).maxNewTokens(4).temperature(1.5).topK(20).topP(0.9)
                .seed(3).output(file);
        Write.WrittenText written = write.run();
        assertThat(written.tokens()).isBetween(20L, 24L);
        assertThat(Files.readAllLines(file)).hasSize(written.texts());
        assertThat(written.record()).isRegularFile();
        assertThatThrownBy(write::run).isInstanceOf(UsageException.class)
                .hasMessageContaining("is there already; add overwrite(...)");
        assertThat(write.overwrite().restart().promptTokens(1).run().texts()).isPositive();
        assertThatThrownBy(() -> Come.write(model).topP(2)).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("topP(...) is 2.0");
        assertThatThrownBy(() -> write.chat().run()).hasMessageContainingAll("has no chat template",
                "without chat(...)");
        assertThatThrownBy(() -> Come.write(model).run()).hasMessageContaining("prompts(...)");
    }

    @Test
    void aModelIsWrittenForOtherPrograms() throws IOException {
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(Path.of("src/test/resources/fixtures/gguf/letters").resolve(name), model.resolve(name),
                    StandardCopyOption.REPLACE_EXISTING);
        }
        Path file = folder.resolve("model.gguf");
        Export.ExportedFile written = Come.export(model).gguf(file).type("Q8_0").run();
        assertThat(written.bytes()).isEqualTo(Files.size(file));
        assertThatThrownBy(() -> Come.export(model).gguf(file).run()).isInstanceOf(UsageException.class)
                .hasMessageEndingWith("is there already; give another name, or overwrite(...)");
        assertThatThrownBy(() -> Come.export(model).gguf(folder.resolve("b")).type("Q9").run())
                .hasMessageStartingWith("type(...) is 'Q9'");
        assertThatThrownBy(() -> Come.export(model).run()).hasMessageStartingWith("gguf(...) is missing");
    }

    @Test
    void whatCannotBePushedIsToldInWordsOfTheProgram() {
        assertThatThrownBy(() -> Come.push(model, "small").plan()).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("'small' is no name to push to");
        assertThatThrownBy(() -> Come.push(model, "me/small").message(" ").plan())
                .isInstanceOf(UsageException.class).hasMessageStartingWith("message(...) is empty");
        assertThatThrownBy(() -> Come.push(folder.resolve("none"), "me/small").plan())
                .isInstanceOf(InvalidInputException.class).hasMessageContaining("there is no such folder");
    }

    @Test
    void aShortageOfMemoryIsTold() {
        assertThatThrownBy(() -> Wording.job(() -> {
            throw new OutOfMemoryError("Java heap space");
        })).isInstanceOf(FailedException.class).hasMessageStartingWith("This run needs more than the ")
                .hasMessageContaining("start java with -Xmx");
        AssertionError other = new AssertionError("not of that kind");
        assertThatThrownBy(() -> Wording.job(() -> {
            throw other;
        })).isSameAs(other);
    }

    @Test
    void severalMethodsAreCompared() {
        ComparedModels compared = sleb().method("sleb, shortgpt").layers(3).saveTo(folder.resolve("both")).compare();
        assertThat(compared.models()).extracting(PrunedModel::method).containsExactly("sleb", "shortgpt");
        assertThat(compared.models()).allSatisfy(one -> assertThat(one.calibrationLoss().getAsDouble())
                .isGreaterThan(compared.denseLoss().getAsDouble() - 1));
        assertThat(compared.failures()).isEmpty();
        assertThat(folder.resolve("both/sleb/come.json")).exists();
    }

    @Test
    void anOptionOfAMethodActs() {
        PrunedModel kept = sleb().option("barriers", "0,3").layers(3).saveTo(folder.resolve("kept")).run();
        assertThat(kept.steps()).allSatisfy(step -> assertThat(step.position()).isLessThan(step.layersLeft() + 1 - 3));
        assertThatThrownBy(() -> sleb().option("barriers", "many").layers(3).saveTo(folder.resolve("out")).run())
                .hasMessage("option(\"barriers\", ...) is \"many\", but two numbers such as 1,1 are expected");
    }

    /** Where nothing is said it is the recipe; what is said is in the record. */
    @Test
    void aPrunedModelIsRecoveredByARecipe() {
        Path small = folder.resolve("small");
        sleb().layers(4).saveTo(small).run();
        Recover recover = Come.recover(small, model).calibrateOn(text).dataIn(folder).windowLength(32)
                .calibrationTokens(256).modelTokens(512).batchTokens(128).validationTokens(64).trainingWindow(16)
                .train("merged").evaluateEvery(1).modelLearningRate(1e-3).dtype("float32").threads(1).perplexityOn(text)
                .saveTo(folder.resolve("recovered"));
        Needs needs = recover.needs();
        assertThat(needs.trainingTokens()).isBetween(512L, 640L);
        assertThat(needs.steps()).isBetween(4, 6);
        assertThat(needs.least()).isLessThan(needs.most());
        assertThat(folder.resolve("recovered")).doesNotExist();
        HealedModel recovered = recover.run();
        assertThat(recovered.layers()).isEqualTo(4);
        assertThat(recovered.healing()).isPositive();
        assertThat(recovered.perplexity().values()).singleElement()
                .satisfies(value -> assertThat(value.healed()).isNotEqualTo(value.pruned()));
        assertThat(recovered.folder().resolve(Report.FILE_NAME)).content().contains("trained by the dense model");
        JsonNode record = new JsonMapper().readTree(recovered.folder().resolve("come.json")).path("recovery");
        assertThat(record.path("recipe").asString()).isEqualTo("quick");
        assertThat(record.at("/training/model_tokens").asLong()).isEqualTo(512);
        assertThat(record.at("/training/trained").asString()).isEqualTo("merged");
        assertThat(record.at("/training/schedule/shape").asString()).isEqualTo("cosine");
        assertThat(record.at("/training/tokens").asLong())
                .isEqualTo(RecoveryRecipe.QUICK.recovery().training().tokens());
        assertThatThrownBy(() -> Come.recover(small, model).recipe("slow").saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class)
                .hasMessageStartingWith("recipe(...): there is no slow; choose from: quick, hour, gpu");
        assertThatThrownBy(() -> Come.recover(small, model).trainingWindow(1).saveTo(folder.resolve("out")).run())
                .isInstanceOf(UsageException.class).hasMessageStartingWith("trainingWindow(...) is 1, but must be");
    }

    @Test
    void aPrunedModelIsMeasuredTimedAndDescribed() {
        Path small = folder.resolve("small");
        PrunedModel pruned = sleb().layers(3).perplexityOn(text).saveTo(small).run();
        PrunedModel.BeforeAndAfter perplexity = pruned.perplexity().values().iterator().next();

        Evaluation measured = Come.eval(small).baseline(model.toString()).compareWith(model.toString())
                .perplexityOn(text.toString()).windowLength(32).dtype("float32").run();
        assertThat(measured.perplexity().values()).singleElement()
                .isEqualTo(perplexity.after());
        assertThat(measured.divergences()).singleElement().satisfies(one -> assertThat(one.mean()).isPositive());
        assertThat(measured.baseline().orElseThrow().perplexity().values())
                .containsExactly(perplexity.before());

        Timings times = Come.latency(small).baseline(model.toString()).promptTokens(16).iterations(1).run();
        assertThat(times.models()).extracting(Timings.Model::layers).containsExactly(6, 3);
        assertThat(times.models()).allSatisfy(one -> assertThat(one.prompt().median()).isPositive());

        ModelDescription description = Come.inspect(small).run();
        assertThat(description.sizes().orElseThrow().layers()).isEqualTo(3);
        assertThat(description.problems()).isEmpty();
        assertThat(description.dtypes()).containsExactly("F32");
    }
}
