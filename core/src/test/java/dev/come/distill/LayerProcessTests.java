package dev.come.distill;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.prune.PruningPlan;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class LayerProcessTests {
    @TempDir
    private Path folder;

    @Test
    void whyAProcessHasFailedIsToldInItsOwnSentence() {
        TrainingSettings settings = new TrainingSettings();
        settings.level = Level.LAYER;
        LayerProcess.Order order = new LayerProcess.Order(folder.resolve("no-model").toString(),
                folder.resolve(PruningPlan.FILE_NAME).toString(), 2, settings.options(), List.of(List.of(32)), 1, "",
                "",
                folder.toString(), "cpu", 1);
        assertThatThrownBy(() -> LayerProcess.run(order, folder.resolve("order.json"), Progress.NONE, _ -> {
        }, _ -> {
        })).isInstanceOf(FailedException.class)
                .hasMessageStartingWith("The process that trained the layer at position 2 has failed: ")
                .hasMessageContaining("no-model").hasMessageNotContainingAny("\n", "\tat ", "Exception");
    }
}
