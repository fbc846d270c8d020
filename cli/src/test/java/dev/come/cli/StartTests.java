package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the command loads before it does anything: classes that it does not need yet make every call slower. */
class StartTests {
    /** With the mapper of JSON the command started in 1.4 times the time. */
    @ParameterizedTest
    @ValueSource(strings = {"--version", "--help"})
    void noMapperOfJsonAndNoEngineAreLoadedToSayWhatTheCommandIs(String option)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xlog:class+load", "-cp", System.getProperty("java.class.path"), "dev.come.cli.Main", option)
                .redirectErrorStream(true).start();
        String loaded = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(loaded).isZero();
        assertThat(loaded).contains("dev.come.cli.PruneCommand ").doesNotContain("ObjectMapper ", "JsonMapper ",
                "org.bytedeco.javacpp.Loader ", "org.duckdb.DuckDBDriver ", "ai.djl.huggingface.tokenizers.jni");
    }
}
