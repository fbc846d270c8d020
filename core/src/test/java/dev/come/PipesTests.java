package dev.come;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.ConfigTree;
import dev.come.checkpoint.TensorFile;
import dev.come.gguf.GgufDescription;
import dev.come.gguf.GgufImport;
import dev.come.hub.HubSettings;
import dev.come.prune.PruningPlan;
import dev.come.report.Comparison;
import dev.come.text.TableRows;
import dev.come.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is given as a file and is a pipe or a device is refused before it is opened: a pipe would wait for somebody who writes. */
class PipesTests {
    @TempDir
    private Path folder;

    /** What lies where a file is expected. */
    enum Odd {
        PIPE("it is a pipe or a device, not a file") {
            @Override
            void put(Path path) throws IOException, InterruptedException {
                Process made = new ProcessBuilder("mkfifo", path.toString()).start();
                assumeTrue(made.waitFor() == 0, "this system has no mkfifo");
            }
        },
        DEVICE("it is a pipe or a device, not a file") {
            @Override
            void put(Path path) throws IOException {
                assumeTrue(Files.exists(Path.of("/dev/zero")), "this system has no /dev/zero");
                Files.createSymbolicLink(path, Path.of("/dev/zero"));
            }
        },
        FOLDER("it is a folder, not a file") {
            @Override
            void put(Path path) throws IOException {
                Files.createDirectory(path);
            }
        };

        private final String reason;

        Odd(String reason) {
            this.reason = reason;
        }

        abstract void put(Path path) throws IOException, InterruptedException;
    }

    private interface Reading {
        void read(Path path) throws IOException;
    }

    /** Puts something odd in the place of a file; whoever reads the file says so at once. */
    private static void refused(Path path, Odd odd, Reading reading) throws IOException, InterruptedException {
        Files.deleteIfExists(path);
        odd.put(path);
        Throwable refusal = assertTimeoutPreemptively(Duration.ofSeconds(60),
                () -> catchThrowable(() -> reading.read(path)));
        assertThat(refusal).as(path.toString()).isInstanceOf(ComeException.class)
                .hasMessageContaining(path.toString()).hasMessageContaining(odd.reason);
    }

    @ParameterizedTest
    @EnumSource
    void filesOfAModel(Odd odd) throws IOException, InterruptedException {
        Path model = WordModels.copy("llama-gqa", folder);
        refused(model.resolve("tokenizer.json"), odd, path -> Tokenizer.open(model));
        refused(model.resolve("tokenizer_config.json"), odd, path -> Tokenizer.open(model));
        Files.delete(model.resolve("tokenizer.json"));
        Files.delete(model.resolve("tokenizer_config.json"));
        refused(model.resolve("tokenizer.model"), odd, path -> Tokenizer.open(model));
        Files.delete(model.resolve("tokenizer.model"));
        refused(model.resolve("vocab.json"), odd, path -> Tokenizer.open(model));
        Files.delete(model.resolve("vocab.json"));
        Files.writeString(model.resolve("vocab.json"), "{\"a\": 0}");
        refused(model.resolve("merges.txt"), odd, path -> Tokenizer.open(model));
        Path weights = model.resolve("model.safetensors");
        Path index = model.resolve("model.safetensors.index.json");
        refused(weights, odd, TensorFile::open);
        if (odd != Odd.FOLDER) { // a folder of that name is none of the files of a model
            refused(weights, odd, path -> Checkpoint.open(model));
        }
        Files.delete(weights);
        refused(index, odd, path -> Checkpoint.open(model));
        refused(model.resolve("config.json"), odd, path -> Checkpoint.open(model));
        refused(model.resolve("generation_config.json"), odd, ConfigTree::read);
    }

    @ParameterizedTest
    @EnumSource
    void otherFiles(Odd odd) throws IOException, InterruptedException {
        refused(folder.resolve("x.gguf"), odd, GgufDescription::read);
        refused(folder.resolve("y.gguf"), odd, path -> GgufImport.folder(path, folder, Progress.NONE));
        refused(folder.resolve("come.json"), odd, PruningPlan::read);
        refused(folder.resolve("x.txt"), odd, TableRows::text);
        for (String ending : TableRows.endings()) {
            refused(folder.resolve("x." + ending), odd, TableRows::read);
        }
        Path token = folder.resolve("token");
        refused(token, odd, path -> HubSettings.of(Map.of("HF_TOKEN_PATH", token.toString()), folder));
    }

    @Test
    void whatWouldBeReplacedIsNotReadEither() throws IOException, InterruptedException {
        Path table = folder.resolve("table.csv");
        Odd.PIPE.put(table);
        assertThat(assertTimeoutPreemptively(Duration.ofSeconds(60), () -> Comparison.isOne(table))).isFalse();
    }
}
