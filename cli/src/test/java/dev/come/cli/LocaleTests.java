package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The language and the encoding of the user change nothing but what can be read at all. */
class LocaleTests {
    private static final Locale BEFORE = Locale.getDefault();

    @TempDir
    private Path folder;

    @AfterEach
    void restoreLocale() {
        Locale.setDefault(BEFORE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"ar-EG", "tr-TR", "hi-IN-u-nu-deva", "de-DE"})
    void aPrunedModelHasTheSameBytesInEveryLanguage(String language) throws IOException {
        Trial trial = new Trial(folder);
        Locale.setDefault(Locale.ROOT);
        SortedMap<String, String> root = pruned(trial);
        assertThat(root).containsKey("model-00002-of-00004.safetensors");
        Locale.setDefault(Locale.forLanguageTag(language));
        assertThat(pruned(trial)).isEqualTo(root);
    }

    private static SortedMap<String, String> pruned(Trial trial) {
        Outcome outcome = Trial.run(
                trial.prune("--max-shard-size", "40KB", "--ppl-data", trial.text.toString(), "--overwrite"));
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).matches("[\\x00-\\x7F]*");
        return Trial.hashes(trial.folder.resolve("out"));
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "starts a script for a POSIX shell")
    void anArgumentThatTheEncodingCannotReadIsRefusedInPlainWords() throws Exception {
        Outcome outcome = come("C", "inspect gr\u00f6\u00dfe");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).hasLineCount(1)
                .startsWith("come: the argument 'gr?e' has characters that cannot be read")
                .contains("set LC_ALL", "C.UTF-8");
        outcome = come("C", "generate --model-name m --prompt 'W\u00f6rter'");
        assertThat(outcome.exitCode()).isEqualTo(2);
        assertThat(outcome.err()).startsWith("come: the argument 'W?rter' has characters");
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "starts a script for a POSIX shell")
    void aPathThatTheEncodingCannotReadIsRefusedInPlainWords() throws Exception {
        Outcome outcome = come("C", "inspect owner/name", "HF_HUB_CACHE=/gr\u00f6\u00dfe");
        assertThat(outcome.exitCode()).isEqualTo(3);
        assertThat(outcome.err()).hasLineCount(1)
                .startsWith("come: the path '/gr?e' has characters that cannot be read");
    }

    @Test
    @DisabledOnOs(value = OS.WINDOWS, disabledReason = "starts a script for a POSIX shell")
    void underUtf8APathHasAnyCharacters() throws Exception {
        Outcome outcome = come("C.UTF-8", "inspect gr\u00f6\u00dfe-\u65e5\u672c");
        Assumptions.assumeFalse(outcome.err().contains("ANSI_X3.4-1968"), "this system has no locale C.UTF-8");
        assertThat(outcome.exitCode()).isEqualTo(3); // there is no such model, but its name was read
        assertThat(outcome.err()).contains("gr\u00f6\u00dfe-\u65e5\u672c");
    }

    /** Runs the command in a process of its own; its line lies in a file, so that this process' encoding plays no part. */
    private Outcome come(String locale, String arguments, String... variables)
            throws IOException, InterruptedException {
        Path script = Files.writeString(folder.resolve("run"),
                "cd '%s'\nexport LC_ALL=%s HF_HUB_OFFLINE=1 %s\nexec '%s' -cp '%s' dev.come.cli.Main %s\n".formatted(
                        folder,
                        locale, String.join(" ", variables), Path.of(System.getProperty("java.home"), "bin/java"),
                        System.getProperty("java.class.path"), arguments),
                StandardCharsets.UTF_8);
        File out = folder.resolve("out.txt").toFile();
        File err = folder.resolve("err.txt").toFile();
        int code = new ProcessBuilder(List.of("sh", script.toString())).redirectOutput(out).redirectError(err).start()
                .waitFor();
        return new Outcome(code, Files.readString(out.toPath()), Files.readString(err.toPath()));
    }
}
