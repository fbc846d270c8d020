package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OptionFileTests {
    @TempDir
    private Path folder;

    private List<String> expand(String yaml, String... arguments) throws IOException {
        Path file = Files.writeString(folder.resolve("options.yaml"), yaml);
        return List.of(OptionFile.expand(Main.commandLine(Trial.OFFLINE), Stream.concat(Stream.of(arguments),
                Stream.of("--config", file.toString())).toArray(String[]::new)));
    }

    @Test
    void theOptionsOfTheFileStandInFrontOfThoseOfTheCommandLine() throws IOException {
        assertThat(expand("""
                # a comment
                method: [sleb, shortgpt]
                model: some/model
                target-layers: 21
                wo-repeat: true
                quiet: false
                psu: 1.5
                """, "prune", "--target-layers", "20")).startsWith("prune", "--method=sleb,shortgpt",
                "--model=some/model", "--target-layers=21", "--wo-repeat", "--psu=1.5", "--target-layers", "20")
                .hasSize(10);
    }

    @Test
    void withoutAFileNothingChanges() {
        String[] arguments = {"prune", "--method", "sleb"};
        assertThat(OptionFile.expand(Main.commandLine(Trial.OFFLINE), arguments)).isSameAs(arguments);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            target-layer: 3 | names target-layer (did you mean target-layers?), which is no option of 'come prune'
            wo-repeat: 3    | wo-repeat must be true or false
            psu: {a: 1}     | psu must be one value or a list
            psu:            | psu must be one value or a list
            config: other   | names config, which is no option
            just words      | holds no options; expected lines such as 'target-layers: 21'
            'a: [1'         | is not YAML:
            """)
    void whatIsNoOptionIsRefusedWithTheFile(String yaml, String message) {
        assertThatThrownBy(() -> expand(yaml, "prune")).isInstanceOf(UsageException.class)
                .hasMessageStartingWith("--config: " + folder.resolve("options.yaml") + " ")
                .hasMessageContaining(message);
    }

    @Test
    void aFileThatIsNotThereIsNamed() {
        assertThatThrownBy(() -> OptionFile.expand(Main.commandLine(Trial.OFFLINE),
                new String[]{"prune", "--config=" + folder.resolve("none.yaml")}))
                .isInstanceOf(UsageException.class).hasMessageContaining("none.yaml cannot be read");
    }
}
