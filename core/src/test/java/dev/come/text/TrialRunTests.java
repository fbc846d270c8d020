package dev.come.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.InvalidInputException;
import dev.come.failure.OwnProcess;
import dev.come.vocabulary.TokenizerCheck;
import dev.come.vocabulary.TokenizerFiles;
import dev.come.vocabulary.TokenizerSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The processes of these tests end by themselves: no tokenizer here does harm. */
class TrialRunTests {
    private static final Duration LONG = Duration.ofMinutes(2);

    @TempDir
    private Path folder;
    private final List<Path> checked = new ArrayList<>();

    private TokenizerSource source() throws IOException {
        Path words = Files.createDirectories(folder.resolve("model"));
        return TokenizerFiles.read(WordTokenizer.write(words, "red", "green")).orElseThrow();
    }

    private void once(Duration longest, String... command) throws IOException {
        new TrialRun(folder.resolve("cache/tokenizers"), new ProcessBuilder(command), longest).once(source(),
                (file, _) -> checked.add(file));
    }

    private List<Path> remembered() throws IOException {
        if (!Files.isDirectory(folder.resolve("cache/tokenizers"))) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(folder.resolve("cache/tokenizers"))) {
            return files.toList();
        }
    }

    @Test
    void aSoundTokenizerIsTriedOnce() throws IOException {
        new TrialRun(folder.resolve("cache/tokenizers"), OwnProcess.of(TrialRun.class, List.of()), LONG).once(source(),
                TokenizerCheck::check);
        assertThat(remembered()).hasSize(1);
        once(LONG, "sh", "-c", "kill -ABRT $$");
        assertThat(checked).as("it is known").isEmpty();
        WordTokenizer.write(folder.resolve("model"), "blue");
        assertThatThrownBy(() -> new TrialRun(folder.resolve("cache/tokenizers"),
                new ProcessBuilder("sh", "-c", "kill -ABRT $$"), LONG)
                .once(TokenizerFiles.read(folder.resolve("model")).orElseThrow(), TokenizerCheck::check))
                .as("another one").isInstanceOf(InvalidInputException.class);
    }

    @Test
    void aTokenizerThatEndsTheProcessIsRefused() {
        assertThatThrownBy(() -> once(LONG, "sh", "-c", "kill -ABRT $$")).isInstanceOf(InvalidInputException.class)
                .hasMessage(
                        "%s is not a tokenizer that can be used: the tokenizers library ended the process that tried it;"
                                + " fetch the file again, or take that of the model it was made from",
                        folder.resolve("model/tokenizer.json"));
        assertThat(checked).hasSize(1);
    }

    /** As a system does that is short of memory. A shell in the background ignores INT: 130 is what it would end with. */
    @ParameterizedTest
    @ValueSource(strings = {"kill -KILL $$", "kill -TERM $$", "exit 130"})
    void aTrialThatIsKilledFromOutsideSaysNothingOfTheTokenizer(String end) throws IOException {
        assertThatThrownBy(() -> once(LONG, "sh", "-c", end))
                .isInstanceOf(FailedException.class)
                .hasMessage("The process that tried %s was killed, perhaps because memory was short; run the same"
                        + " command again", folder.resolve("model/tokenizer.json"));
        assertThat(remembered()).isEmpty();
    }

    @Test
    void aTokenizerThatTakesTooLongIsRefused() throws IOException {
        assertThatThrownBy(() -> once(Duration.ofSeconds(1), "sh", "-c", "while :; do :; done"))
                .as("it works").isInstanceOf(InvalidInputException.class)
                .hasMessageContaining("did not get ready with it within 1 seconds");
        assertThatThrownBy(() -> once(Duration.ofMillis(100), "sleep", "60")).as("it waits")
                .isInstanceOf(InvalidInputException.class);
        once(Duration.ofMillis(500), "sleep", "1"); // others have the processors
        assertThat(remembered()).hasSize(1);
    }

    /** No Java, no memory for it: the library itself will tell. */
    @ParameterizedTest
    @ValueSource(strings = {"exit 1", "exec /nowhere/java"})
    void aTrialThatCannotBeMadeIsNoReasonToRefuse(String command) throws IOException {
        once(LONG, "sh", "-c", command);
        once(LONG, "/nowhere/java");
        assertThat(checked).hasSize(2);
        assertThat(remembered()).isEmpty();
    }

    @Test
    void aCacheThatCannotBeWrittenIsNoReasonToRefuse() throws IOException {
        Files.writeString(folder.resolve("cache"), "a file");
        once(LONG, "true");
        once(LONG, "true");
        assertThat(checked).as("it is tried each time").hasSize(2);
    }
}
