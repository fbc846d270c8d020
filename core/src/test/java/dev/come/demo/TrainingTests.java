package dev.come.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.Progress;
import dev.come.UsageException;
import dev.come.checkpoint.Checkpoint;
import dev.come.model.ModelConfig;
import dev.come.text.Sequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.javacpp.Pointer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingTests {
    private static final Recipe TINY = new Recipe(Recipe.llama(2, 32, 48), 4, 6);

    @TempDir
    private Path folder;

    private Map<String, byte[]> train(String name, long seed) throws IOException {
        Path target = folder.resolve(name);
        new DemoTrainer(TINY, seed).train(target, Progress.NONE);
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> list = Files.list(target)) {
            for (Path file : list.toList()) {
                files.put(file.getFileName().toString(), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private static Sequences sequences(int count, int length) {
        int[] tokens = new SplittableRandom(3).ints((long) count * length, 0, TINY.config().vocabularySize()).toArray();
        return Sequences.windows(tokens, length);
    }

    @Test
    void theSameSeedGivesTheSameBytes() throws IOException {
        Map<String, byte[]> first = train("first", 3);
        Map<String, byte[]> second = train("second", 3);
        assertThat(first.keySet()).containsExactly("README.md", "config.json", "generation_config.json",
                "model.safetensors", "tokenizer.json", "tokenizer_config.json");
        assertThat(second.keySet()).isEqualTo(first.keySet());
        first.forEach((name, bytes) -> assertThat(second.get(name)).as(name).isEqualTo(bytes));
        assertThat(train("third", 4).get("model.safetensors")).isNotEqualTo(first.get("model.safetensors"));
    }

    @Test
    void whatIsSavedIsTheModelThatWasTrained() throws IOException {
        train("model", 5);
        try (Checkpoint checkpoint = Checkpoint.open(folder.resolve("model"))) {
            assertThat(ModelConfig.of(checkpoint)).isEqualTo(TINY.config());
        }
    }

    @Test
    void aTargetThatIsNotEmptyIsRefusedBeforeTraining() throws IOException {
        Files.writeString(folder.resolve("mine.txt"), "mine");
        assertThatThrownBy(() -> DemoModel.train(folder, 1, Progress.NONE))
                .isInstanceOf(UsageException.class).hasMessageContaining("not empty");
    }

    @Test
    void theLossFalls() {
        Sequences batch = sequences(4, 16);
        try (Training training = new Training(TINY.config(), new SplittableRandom(1))) {
            double first = training.step(batch, 3e-3);
            double last = first;
            for (int i = 0; i < 60; i++) {
                last = training.step(batch, 3e-3);
            }
            assertThat(first).isBetween(5.0, 6.0);
            assertThat(last).isLessThan(first / 2);
        }
    }

    @Test
    void memoryDoesNotGrowWithTheSteps() {
        Sequences batch = sequences(4, 64);
        try (Training training = new Training(TINY.config(), new SplittableRandom(1))) {
            for (int i = 0; i < 50; i++) {
                training.step(batch, 1e-3);
            }
            long before = Pointer.physicalBytes();
            for (int i = 0; i < 200; i++) {
                training.step(batch, 1e-3);
            }
            // One step's gradients and activations take about 12 MB, so a leak of them would be 2 GB by now.
            assertThat(Pointer.physicalBytes() - before).isLessThan(64L << 20);
        }
    }
}
