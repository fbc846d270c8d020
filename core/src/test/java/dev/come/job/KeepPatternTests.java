package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailingProgress;
import dev.come.JsonRules;
import dev.come.UsageException;
import dev.come.checkpoint.ConfigTree;
import dev.come.prune.Manual;
import dev.come.prune.PruningMethod;
import dev.come.prune.PruningPlan;
import dev.come.prune.Sleb;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ArrayNode;

/** A model whose layers see a window and everything in turn, pruned so that they still do, and otherwise. */
class KeepPatternTests {
    private static final Manual BY_HAND = new Manual(new Manual.Options(List.of(1)));
    private static final String WARNING = "The kinds of its layers no longer repeat in groups of 2 (sf).";

    @TempDir
    private Path folder;
    private Run run;
    private final FailingProgress progress = FailingProgress.counting();
    private final List<String> notes = progress.notes();

    @BeforeEach
    void makeModel() throws IOException {
        run = new Run("mistral-gqa", folder);
        kinds("SFSFSF");
    }

    private void kinds(String kinds) throws IOException {
        Path config = run.model.resolve("config.json");
        Files.writeString(config, ConfigTree.read(config).edited(root -> {
            root.put("sliding_window", 8);
            ArrayNode types = root.putArray("layer_types");
            kinds.chars().forEach(kind -> types.add(kind == 'S' ? "sliding_attention" : "full_attention"));
        }).toJson());
    }

    private void prune(PruningMethod method, int layers, boolean keepPattern) {
        new PruneJob(new PruneJob.Options(run.model, List.of(new PruneJob.Run(method, run.calibration())),
                new Target.Layers(layers), run.perplexity(), Optional.empty(), run.choice(), run.saving("out"), false,
                Resumption.GO_ON, List.of(), keepPattern), progress).run();
    }

    @Test
    void anIrregularModelIsToldOfEverywhere() throws IOException {
        prune(BY_HAND, 5, false);
        assertThat(notes).anySatisfy(note -> assertThat(note).startsWith(WARNING));
        assertThat(Files.readString(run.target("out/README.md"))).contains(WARNING);
        assertThat(Files.readString(run.target("out/come.json"))).contains("\"warnings\"", WARNING,
                "\"layer_kinds\" : \"sfsfsf\"");
        new JsonRules("dev.come.prune.PlanJson").check(run.target("out/come.json"));
        PruningPlan read = PruningPlan.read(run.target("out/come.json"));
        assertThat(read.toJson()).isEqualTo(Files.readString(run.target("out/come.json")));
    }

    @Test
    void aPatternThatIsKeptIsRecordedAndNothingIsToldOf() throws IOException {
        prune(new Sleb(Sleb.Options.DEFAULTS), 4, true);
        assertThat(notes).noneMatch(note -> note.contains("groups of"));
        assertThat(Files.readString(run.target("out/come.json"))).contains("\"keep_pattern\" : true")
                .doesNotContain("\"warnings\"");
        assertThat(Files.readString(run.target("out/README.md"))).doesNotContain("groups of");
        assertThat(ConfigTree.read(run.target("out/config.json")).optionalStrings("layer_types").orElseThrow())
                .containsExactly("sliding_attention", "full_attention", "sliding_attention", "full_attention");
        new JsonRules("dev.come.prune.PlanJson").check(run.target("out/come.json"));
    }

    @Test
    void whereNothingRepeatsThereIsNothingToKeep() throws IOException {
        kinds("SFFSSS");
        assertThatThrownBy(() -> prune(BY_HAND, 5, true)).isInstanceOf(UsageException.class)
                .hasMessageContaining("(sffsss) that repeat in no groups");
    }

    @Test
    void layersOfOneKindAreNotRestricted() throws IOException {
        kinds("FFFFFF");
        prune(BY_HAND, 5, true);
        assertThat(notes).noneMatch(note -> note.contains("groups of"));
    }
}
