package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExportCommandTests {
    private static final Path LETTERS = Path.of(System.getProperty("come.root"),
            "core/src/test/resources/fixtures/gguf/letters");

    @TempDir
    private Path folder;
    private Trial trial;
    private Path file;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
        file = folder.resolve("model.gguf");
        for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
            Files.copy(LETTERS.resolve(name), trial.model.resolve(name), StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private Outcome export(String... more) {
        List<String> arguments = new ArrayList<>(
                List.of("export", "--quiet", "--model", trial.model.toString(), "--gguf",
                        file.toString()));
        arguments.addAll(List.of(more));
        return Trial.run(arguments);
    }

    private static String continued(Path model) {
        Outcome outcome = Trial.run(List.of("generate", "--quiet", "--model", model.toString(), "--prompt", "the hat",
                "--max-new-tokens", "8", "--dtype", "float32"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        return outcome.out();
    }

    /** The command reads GGUF files too, so the file says the same as the folder. */
    @Test
    void theFileSaysWhatTheFolderSays() {
        Outcome outcome = export("--type", "f32");
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).startsWith("File: " + file + ", ");
        assertThat(continued(file)).isEqualTo(continued(trial.model));
    }

    @Test
    void aFileThatIsThereStays() throws IOException {
        Files.writeString(file, "mine");
        Outcome outcome = export();
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).contains(file + " is there already; give another name, or --overwrite");
        assertThat(file).hasContent("mine");
        assertThat(export("--overwrite").exitCode()).isZero();
        assertThat(file).content(StandardCharsets.ISO_8859_1).startsWith("GGUF");
    }

    @Test
    void aPrunedModelMayBecomeAFileAtOnce() {
        List<String> arguments = List.of("prune", "--quiet", "--method", "reverse", "--model", trial.model.toString(),
                "--target-layers", "4", "--save-path", folder.resolve("small").toString(), "--gguf", file.toString());
        Outcome outcome = Trial.run(arguments);
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("File: " + file + ", ");
        assertThat(continued(file)).isEqualTo(continued(folder.resolve("small")));
        assertThat(Trial.run(arguments).err()).contains("is there already");
        assertThat(Trial.run(List.of("prune", "--method", "reverse,magnitude", "--model", trial.model.toString(),
                "--target-layers", "4", "--save-path", folder.resolve("two").toString(), "--gguf",
                folder.resolve("two.gguf").toString())).err()).contains("--gguf names one file, but several methods");
        assertThat(Trial.run(List.of("prune", "--method", "reverse", "--model", trial.model.toString(),
                "--target-layers", "4", "--save-path", folder.resolve("three").toString(), "--type", "F16")).err())
                .contains("none is written without --gguf");
        assertThat(folder.resolve("two")).doesNotExist();
        assertThat(folder.resolve("three")).doesNotExist();
    }

    @Test
    void whatCannotBeIsRefused() throws IOException {
        assertThat(export("--type", "Q9").err())
                .contains("--type is 'Q9'; the types that are written are F32, F16, BF16");
        Files.delete(trial.model.resolve("tokenizer_config.json"));
        trial = new Trial(Files.createDirectories(folder.resolve("other")));
        Outcome words = export();
        assertThat(words.exitCode()).isEqualTo(3);
        assertThat(words.err()).contains("cannot be told to llama.cpp: its model is of the type 'WordLevel'");
        assertThat(file).doesNotExist();
    }
}
