package dev.come.vocabulary;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.come.RandomChanges;
import dev.come.checkpoint.CheckpointException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever lies in a tokenizer file, reading and checking it ends in a tokenizer or in a {@link CheckpointException} that names
 * the file. The tokenizers library has no part in this.
 *
 * <p>A normal build reads the seeds in the resources and some seconds' worth of random changes to sound files.
 * {@code JAZZER_FUZZ=1 mvn -pl core test -Dtest=TokenizerFuzzTests} lets Jazzer search, guided by coverage.
 */
class TokenizerFuzzTests {
    private static final Path FIXTURES = Path.of("src/test/resources/fixtures");
    /** What a random change puts in: what JSON is made of, and numbers and texts that are not usual. */
    private static final List<String> PIECES = List.of("{", "}", "[", "]", ",", ":", "\"", "null", "true", "-1",
            "1e999",
            "99999999999", "\"\"", "\"\\ud800\"", "\\", "\u0000", "\u00e9", "Precompiled", "special_tokens", "id");

    @TempDir
    private Path folder;

    @FuzzTest
    void readsAnyTokenizerSafely(byte[] bytes) {
        read("tokenizer.json", bytes);
    }

    @FuzzTest
    void readsAnyModelSafely(byte[] bytes) {
        read("tokenizer.model", bytes);
    }

    @Test
    void tokenizersSurviveRandomChanges() throws IOException {
        RandomChanges.readJson("TokenizerFuzzTests, tokenizer.json",
                List.of(sound("words/tokenizer.json"), made("bpe.model"), made("unigram.model"),
                        Files.readAllBytes(Path.of("src/test/resources/dev/come/vocabulary/TokenizerFuzzTestsInputs"
                                + "/readsAnyTokenizerSafely/bytes.json"))),
                PIECES, bytes -> read("tokenizer.json", bytes));
    }

    @Test
    void modelsSurviveRandomChanges() throws IOException {
        RandomChanges.read("TokenizerFuzzTests, tokenizer.model", List.of(sound("sentencepiece/bpe-trimmed.model"),
                sound("sentencepiece/unigram.model")), PIECES, bytes -> read("tokenizer.model", bytes));
    }

    private static byte[] sound(String fixture) throws IOException {
        return Files.readAllBytes(FIXTURES.resolve(fixture));
    }

    private static byte[] made(String model) {
        SentencePieces pieces = SentencePieceFile.read(FIXTURES.resolve("sentencepiece").resolve(model));
        return pieces.tokenizerJson(new SurroundingTokens(pieces.addedTokens(), Optional.empty(),
                Optional.empty())).getBytes(StandardCharsets.UTF_8);
    }

    /** Whether the bytes were taken for a tokenizer. */
    private boolean read(String name, byte[] bytes) {
        try {
            Path file = Files.write(folder.resolve(name), bytes);
            TokenizerSource source = TokenizerFiles.read(folder).orElseThrow();
            TokenizerCheck.check(file, source.json());
            source.text()
                    .ifPresent(text -> text.read("A\u0301 \r\n\uff11 <s>", pieces -> assertThat(pieces).isNotNull(),
                            id -> assertThat(id).isNotNegative()));
            return true;
        } catch (CheckpointException e) {
            assertThat(e).hasMessageContaining(name);
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
