package dev.come.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.come.cli.Trial.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands around texts to train on: {@code come write} and {@code come overlap}. */
class WriteCommandTests {
    @TempDir
    private Path folder;

    private Trial trial;
    private Path prompts;

    @BeforeEach
    void makeModel() throws IOException {
        trial = new Trial(folder);
        prompts = Files.writeString(folder.resolve("prompts.txt"), "w3 w4\nw5 w6 w7\n");
    }

    private Outcome write(String... more) {
        List<String> arguments = new ArrayList<>(List.of("write", "--teacher", trial.model.toString(), "--prompts",
                prompts.toString(), "--tokens", "30", "--max-new-tokens", "5", "--output",
                folder.resolve("own.jsonl").toString(), "--threads", "1"));
        arguments.addAll(List.of(more));
        return Trial.run(arguments);
    }

    @Test
    void whatWasWrittenIsToldAndCanBeLookedFor() throws IOException {
        Outcome dry = write("--dry-run");
        assertThat(dry.exitCode()).as(dry.err()).isZero();
        assertThat(dry.out()).contains("Prompts: 2, the longest of 4 tokens",
                "at least 6 of at most 5 tokens, 6 side by side", "Nothing was written");
        assertThat(folder.resolve("own.jsonl")).doesNotExist();

        Outcome outcome = write();
        assertThat(outcome.exitCode()).as(outcome.err()).isZero();
        assertThat(outcome.out()).contains("Texts:  ", "after 2 prompts", "own.jsonl", "own.write.json");
        assertThat(outcome.out().lines()).first().asString().hasSizeLessThanOrEqualTo(80);
        assertThat(Files.readAllLines(folder.resolve("own.jsonl"))).hasSizeGreaterThanOrEqualTo(6)
                .allMatch(line -> line.startsWith("{\"text\":\"w"));

        Outcome overlap = Trial.run(List.of("overlap", "--calibration-dataset", folder.resolve("own.jsonl").toString(),
                "--ppl-data", prompts.toString(), "--words", "3"));
        assertThat(overlap.exitCode()).as(overlap.err()).isZero();
        assertThat(overlap.out()).contains("own.jsonl has 1 of the 1 runs of 3 words", "in 1 of its 1 texts");
        Outcome json = Trial.run(List.of("overlap", "--calibration-dataset", folder.resolve("own.jsonl").toString(),
                "--ppl-data", prompts.toString(), "--words", "3", "--json"));
        assertThat(json.out()).contains("\"format\" : \"come-overlap\"", "\"found\" : 1", "\"touched\" : 1");
    }

    @Test
    void exitCodesTellWhatIsWrong() throws IOException {
        assertThat(write("--top-p", "2").exitCode()).isEqualTo(2);
        assertThat(write("--prompts", folder.resolve("none.txt").toString()).exitCode()).isEqualTo(3);
        Outcome chat = write("--chat");
        assertThat(chat.exitCode()).isEqualTo(3);
        assertThat(chat.err()).contains("has no chat template");
        Files.writeString(folder.resolve("own.jsonl"), "");
        assertThat(write().exitCode()).isEqualTo(2);
        assertThat(Trial.run(List.of("overlap", "--calibration-dataset", prompts.toString(), "--ppl-data",
                folder.resolve("none.txt").toString())).exitCode()).isEqualTo(3);
    }
}
