package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.InvalidInputException;
import dev.come.Progress;
import dev.come.WordModels;
import dev.come.checkpoint.Checkpoint;
import dev.come.gguf.GgufImport;
import dev.come.gguf.TinyGguf;
import dev.come.hub.Hub;
import dev.come.text.ByteLetters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole jobs on what a GGUF file is unpacked into. */
class GgufJobTests {
    @TempDir
    private Path folder;

    /** The tokenizer aside, which is of the file, the run is that of the model that the file was made of. */
    @Test
    void theMergesAreThoseOfTheModelThatTheFileWasMadeOf() throws IOException {
        Run run = new Run("llama-gqa", folder);
        Path unpacked = unpacked(TinyGguf.of("llama-gqa"));
        // The words of the run's text are no words of the file's tokenizer.
        Files.copy(run.model.resolve("tokenizer.json"),
                Files.createDirectory(folder.resolve("same")).resolve("tokenizer.json"));
        Files.copy(unpacked.resolve("config.json"), folder.resolve("same/config.json"));
        Files.copy(unpacked.resolve("model.safetensors"), folder.resolve("same/model.safetensors"));
        PruneJob.Result expected = run.to("expected");
        PruneJob.Result got = run.of(folder.resolve("same")).to("got");
        assertThat(got.plan().last()).isEqualTo(expected.plan().last());
        assertThat(got.plan().steps()).hasSameSizeAs(expected.plan().steps());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void aQuantisedFileIsPrunedAndItsFolderOpensAgain(boolean sentencePiece) throws IOException {
        Run run = new Run("llama-gqa", folder);
        TinyGguf model = TinyGguf.of("llama-gqa").quantised();
        run.of(unpacked(sentencePiece ? model.sentencePiece() : model)).perplexity = true;
        PruneJob.Result result = run.to("out");
        assertThat(result.plan().last().size()).isEqualTo(3);
        assertThat(WordModels.names(run.target("out"))).contains("tokenizer.json", "tokenizer_config.json",
                "generation_config.json", "come.json", "README.md");
        assertThat(run.target("out/tokenizer.json")).hasSameBinaryContentAs(run.model.resolve("tokenizer.json"));
        try (Checkpoint pruned = Checkpoint.open(run.target("out"))) {
            assertThat(pruned.config().integer("num_hidden_layers")).isEqualTo(3);
            assertThat(pruned.config().string("torch_dtype")).isEqualTo("bfloat16");
        }
        try (OpenModel opened = new OpenModel(run.target("out"))) {
            assertThat(opened.endTokens()).containsExactly(2);
            assertThat(opened.tokenizer().vocabularySize()).isEqualTo(128);
        }
    }

    @Test
    void theNameOfAFileStandsForTheFolderItIsUnpackedInto() throws IOException {
        Path file = TinyGguf.of("llama-gqa").write(folder.resolve("tiny.gguf"));
        Path made = source(file).folder(GgufJobTests::noHub, folder.resolve("cache"), Progress.NONE);
        assertThat(made.getParent()).isEqualTo(folder.resolve("cache"));
        assertThat(source(made).folder(GgufJobTests::noHub, folder.resolve("cache"), Progress.NONE)).isEqualTo(made);
        Path named = Files.createDirectory(folder.resolve("folder.gguf"));
        assertThat(source(named).folder(GgufJobTests::noHub, folder.resolve("cache"), Progress.NONE)).isEqualTo(named);
        Path absent = folder.resolve("absent.gguf");
        assertThatThrownBy(() -> source(absent).folder(GgufJobTests::noHub, folder, Progress.NONE))
                .isInstanceOf(InvalidInputException.class)
                .hasMessageStartingWith(absent + " cannot be read (no such file)");
        assertThatThrownBy(() -> Checkpoint
                .open(Files.copy(made.resolve("config.json"), folder.resolve("config.json")).resolveSibling("")))
                .isInstanceOf(InvalidInputException.class)
                .hasMessage(folder
                        + ": the weights are in a GGUF file; give the path of that file instead of the folder's");
    }

    @Test
    void aFolderWithOlderTokenizerFilesIsPrunedAndKeepsThem() throws IOException {
        Run run = new Run("llama-gqa", folder);
        Files.delete(run.model.resolve("tokenizer.json"));
        Files.writeString(run.model.resolve("vocab.json"), IntStream.range(0, 128)
                .mapToObj(id -> "\"%s\": %s".formatted(
                        ByteLetters.letter(id).replace("\\", "\\\\").replace("\"", "\\\""), id))
                .collect(Collectors.joining(", ", "{", "}")));
        Files.writeString(run.model.resolve("merges.txt"), "#version: 0.2\n");
        run.to("out");
        assertThat(WordModels.names(run.target("out"))).contains("vocab.json", "merges.txt")
                .doesNotContain("tokenizer.json");
        try (OpenModel opened = new OpenModel(run.target("out"))) {
            assertThat(opened.tokenizer().encode("w3")).containsExactly('w', '3');
        }
    }

    private static ModelSource source(Path path) {
        return new ModelSource(path.toString(), Optional.empty());
    }

    private static Hub noHub() {
        throw new AssertionError("the hub is not needed for a path");
    }

    private Path unpacked(TinyGguf model) throws IOException {
        return GgufImport.folder(model.write(folder.resolve("tiny.gguf")), folder.resolve("cache"), Progress.NONE);
    }
}
