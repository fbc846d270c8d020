package dev.come.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.FailingProgress;
import dev.come.WordModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SideFilesTests {
    @TempDir
    private Path folder;
    private Path source;
    private Path target;
    private final List<String> notes = new ArrayList<>();

    @BeforeEach
    void makeFolders() throws IOException {
        source = Files.createDirectory(folder.resolve("source"));
        target = Files.createDirectory(folder.resolve("target"));
    }

    private void copy(Path from) throws IOException {
        FailingProgress listener = FailingProgress.counting();
        new SideFiles(from).copyTo(target, listener);
        notes.addAll(listener.notes());
    }

    private static void write(Path file) throws IOException {
        Files.createDirectories(file.resolveSibling(""));
        Files.writeString(file, file.getFileName().toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tokenizer.json", "tokenizer_config.json", "tokenizer.model", "generation_config.json",
        "special_tokens_map.json", "vocab.txt", "chat_template.jinja", "LICENSE.txt", "NOTICE", "use_policy.md",
        "additional_chat_templates/rag.jinja", "preprocessor_config.json", "video_preprocessor_config.json",
        "processor_config.json"})
    void whatAModelNeedsIsCopied(String name) throws IOException {
        write(source.resolve(name));
        copy(source);
        assertThat(target.resolve(name)).hasSameBinaryContentAs(source.resolve(name));
        assertThat(notes).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {".env", ".gitattributes", ".netrc", "config.json", "README.md", "come.json",
        "model.safetensors", "pytorch_model.bin", "training/notes.txt", ".tokenizer.json",
        "additional_chat_templates/.hidden", "additional_chat_templates/key.pem"})
    void whatIsNobodyElsesBusinessIsNotAndNothingIsSaidOfIt(String name) throws IOException {
        write(source.resolve(name));
        copy(source);
        assertThat(target.resolve(name)).doesNotExist();
        assertThat(notes).isEmpty();
    }

    @Test
    void otherFilesAreNamed() throws IOException {
        for (String name : List.of("a.txt", "b.py", "id_rsa", "trainer_state.json", "tokenizer.json")) {
            write(source.resolve(name));
        }
        copy(source);
        assertThat(WordModels.names(target)).containsExactly("tokenizer.json");
        assertThat(notes).containsExactly("Not copied from " + source
                + ", because no model is known to need them: a.txt, b.py, id_rsa, trainer_state.json");
        notes.clear();
        Files.delete(target.resolve("tokenizer.json"));
        for (int i = 0; i < 1000; i++) {
            write(source.resolve("c" + i + ".log"));
        }
        copy(source);
        assertThat(notes).singleElement().asString().contains("a.txt, b.py, c0.log, c1.log, c10.log and 999 more");
    }

    @Test
    void linksWithinTheFolderAreFollowed() throws IOException {
        write(source.resolve("own/real.json"));
        Files.createSymbolicLink(source.resolve("tokenizer.json"), Path.of("own/real.json"));
        Files.createSymbolicLink(folder.resolve("link"), source);
        copy(folder.resolve("link"));
        assertThat(target.resolve("tokenizer.json")).isRegularFile().hasContent("real.json");
        assertThat(Files.isSymbolicLink(target.resolve("tokenizer.json"))).isFalse();
        assertThat(notes).isEmpty();
    }

    @Test
    void linksToTheOutsideAreNamedAndLeftOut() throws IOException {
        write(folder.resolve("secret"));
        write(folder.resolve("templates/own.jinja"));
        Files.createSymbolicLink(source.resolve("tokenizer.json"), folder.resolve("secret"));
        Files.createSymbolicLink(source.resolve("additional_chat_templates"), Path.of("../templates"));
        copy(source);
        assertThat(target.resolve("tokenizer.json")).doesNotExist();
        assertThat(target.resolve("additional_chat_templates/own.jinja")).doesNotExist();
        assertThat(notes).containsExactly(
                source.resolve("tokenizer.json") + " is not copied, because it is a link to "
                        + folder.toRealPath().resolve("secret") + ", which lies outside of the model's folder",
                source.resolve("additional_chat_templates/own.jinja") + " is not copied, because it is a link to "
                        + folder.toRealPath().resolve("templates/own.jinja")
                        + ", which lies outside of the model's folder");
    }

    @Test
    void theContentsOfTheHubsCacheAreTheModels() throws IOException {
        Path snapshot = Files.createDirectories(folder.resolve("models--owner--name/snapshots/abc"));
        write(folder.resolve("models--owner--name/blobs/0123"));
        Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/0123"));
        Files.createDirectory(snapshot.resolve("additional_chat_templates"));
        Files.createSymbolicLink(snapshot.resolve("additional_chat_templates/rag.jinja"),
                Path.of("../../../blobs/0123"));
        write(folder.resolve("models--owner--name/refs/main"));
        Files.createSymbolicLink(snapshot.resolve("vocab.json"), Path.of("../../refs/main"));
        copy(snapshot);
        assertThat(target.resolve("tokenizer.json")).isRegularFile().hasContent("0123");
        assertThat(target.resolve("additional_chat_templates/rag.jinja")).hasContent("0123");
        assertThat(target.resolve("vocab.json")).doesNotExist();
        assertThat(notes).singleElement().asString().contains("vocab.json is not copied");
    }

    @Test
    void aFolderThatOnlyLooksLikeTheHubsCacheDoesNotLeadOutside() throws IOException {
        Path snapshot = Files.createDirectories(folder.resolve("models--owner--name/snapshots/abc"));
        write(folder.resolve("home/secret"));
        Files.createSymbolicLink(folder.resolve("models--owner--name/blobs"), folder.resolve("home"));
        Files.createSymbolicLink(snapshot.resolve("tokenizer.json"), Path.of("../../blobs/secret"));
        copy(snapshot);
        assertThat(WordModels.names(target)).isEmpty();
        assertThat(notes).hasSize(1);
    }
}
