package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.FailingProgress;
import dev.come.Progress;
import dev.come.UsageException;
import dev.come.WordModels;
import dev.come.evaluate.Journal;
import dev.come.heal.Healing;
import dev.come.prune.Reverse;
import dev.come.prune.Sleb;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.JsonNodeFactory;

/** What a run keeps for itself is its own. */
class RunFolderTests {
    @TempDir
    private Path folder;
    private Run run;

    @BeforeEach
    void makeRun() throws IOException {
        run = new Run("llama-gqa", folder);
    }

    @Test
    void aRunFolderThatIsALinkIsRefusedAndWhatItLeadsToStays() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("thesis.txt"), "");
        Files.createSymbolicLink(folder.resolve(".out.come-prune"), elsewhere);
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class)
                .hasMessageContainingAll(folder.resolve(".out.come-prune").toString(), "is a link", "--save-path");
        run.resumption = Resumption.RESTART;
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(UsageException.class);
        assertThat(WordModels.names(elsewhere)).containsExactly("thesis.txt");
        assertThat(WordModels.names(folder)).containsExactlyInAnyOrderElementsOf(
                run.inputsAnd("elsewhere", ".out.come-prune"));
    }

    @Test
    void soIsThatOfOneOfSeveralMethods() throws IOException {
        Path elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
        Files.createSymbolicLink(Files.createDirectory(folder.resolve("out")).resolve(".reverse.come-prune"),
                elsewhere);
        PruneJob.Results results = run.job("out", Progress.NONE,
                List.of(new Reverse(Reverse.Options.DEFAULTS), new Sleb(Sleb.Options.DEFAULTS))).runAll();
        assertThat(results.failures()).singleElement()
                .satisfies(failure -> assertThat(failure.reason()).hasMessageContaining("is a link"));
        assertThat(WordModels.names(elsewhere)).isEmpty();
    }

    @Test
    void aLockThatIsALinkIsRefused() throws IOException {
        Path other = Files.writeString(folder.resolve("other"), "a user's");
        Files.createSymbolicLink(folder.resolve(".out.come-lock"), other);
        assertThatThrownBy(() -> run.to("out")).isInstanceOf(FailedException.class)
                .hasMessageContaining(".out.come-lock is a link, where a lock should be");
        assertThat(other).hasContent("a user's");
    }

    @Test
    void onlyTheOwnerMayReadWhatARunKeeps() throws IOException {
        run.healing = Optional.of(Healing.Options.DEFAULTS);
        run.memory = 0;
        FailingProgress whole = FailingProgress.counting();
        run.to("whole", whole);
        run.resumption = Resumption.RESTART;
        List<String> seen = new ArrayList<>();
        for (int moment = whole.calls() * 3 / 4; moment < whole.calls(); moment += 7) {
            int when = moment;
            assertThatThrownBy(() -> run.to("out", new FailingProgress(when, new AssertionError())))
                    .isInstanceOf(Throwable.class);
            Path kept = folder.resolve(".out.come-prune");
            if (Files.exists(kept)) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(kept))).isEqualTo("rwx------");
                try (Stream<Path> files = Files.list(kept)) {
                    for (Path file : files.toList()) {
                        seen.add(file.getFileName().toString());
                        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                                .as(file.toString()).isEqualTo("rw-------");
                    }
                }
            }
        }
        assertThat(seen).contains("come.json").anyMatch(name -> name.startsWith("fit-"))
                .anyMatch(name -> name.endsWith(".safetensors"));
    }

    @Test
    void soAreTheScoresOfAnEvaluation() throws IOException {
        Path file = folder.resolve("result.json.scores.jsonl");
        try (Journal journal = Journal.open(file,
                JsonNodeFactory.instance.objectNode().put("tasks_fingerprint", "x"))) {
            assertThat(journal.holdsSomething()).isFalse();
            assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file))).isEqualTo("rw-------");
        }
    }
}
