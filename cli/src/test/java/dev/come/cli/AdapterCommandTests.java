package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterCommandTests {
    private static final Path LORA = Path.of(System.getProperty("come.root"),
            "core/src/test/resources/fixtures/adapter/lora");

    @TempDir
    private Path folder;

    @BeforeEach
    void prune() throws IOException {
        Trial trial = new Trial(folder);
        Outcome pruned = Trial.run(List.of("prune", "--quiet", "--method", "manual", "--layers", "1", "--keep-pattern",
                "--model", trial.model.toString(), "--save-path", folder.resolve("out").toString()));
        assertThat(pruned.exitCode()).as(pruned.err()).isZero();
    }

    private Outcome adapter(Path lora, String... more) {
        return Trial.run(Stream.concat(Stream.of("adapter", "--from", lora.toString(), "--plan",
                folder.resolve("out/come.json").toString(), "--save-path", folder.resolve("adapter").toString()),
                Stream.of(more)).toList());
    }

    @Test
    void aLoraIsWrittenAndWhatIsLeftOutIsTold() throws IOException {
        Outcome outcome = adapter(LORA, "--base", "me/small");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).startsWith("Adapter: " + folder.resolve("adapter") + ", for ")
                .contains(" of the layers that are left of me/small");
        assertThat(outcome.err()).contains("Weights of the adapter that go with their layers: 1");
        assertThat(Files.readString(folder.resolve("adapter/adapter_config.json")))
                .contains("\"base_model_name_or_path\": \"me/small\"");
        assertThat(adapter(LORA).exitCode()).isEqualTo(2); // the folder is not empty now
    }

    @Test
    void aFolderWithoutAdapterIsRefused() {
        Outcome outcome = adapter(folder.resolve("out"));
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err()).contains("has no adapter_config.json");
        assertThat(folder.resolve("adapter")).doesNotExist();
    }

    @Test
    void thatAPatternIsKeptIsRecorded() throws IOException {
        assertThat(Files.readString(folder.resolve("out/come.json"))).contains("\"keep_pattern\" : true");
    }
}
