package dev.come.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.job.ComputeChoice;
import dev.come.job.PerplexityOptions;
import dev.come.job.PruneJob;
import dev.come.job.Resumption;
import dev.come.job.Saving;
import dev.come.job.Target;
import dev.come.prune.Methods;
import dev.come.text.CalibrationSet;
import dev.come.text.TextSource;
import dev.come.text.WindowLength;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
        PrunedModel pruned = sleb().layers(3).perplexityOn(text.toString()).saveTo(folder.resolve("pruned")).run();
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

        assertThat(WordModels.hashes(pruned.folder())).isEqualTo(WordModels.hashes(folder.resolve("by-job")));
        assertThat(pruned.layers()).isEqualTo(3);
        assertThat(pruned.steps()).hasSize(pruned.layersBefore() - 3)
                .allSatisfy(step -> assertThat(step.action()).isEqualTo("remove"));
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
    }
}
