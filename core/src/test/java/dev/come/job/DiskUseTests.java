package dev.come.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.come.FailedException;
import dev.come.Progress;
import dev.come.checkpoint.Checkpoint;
import dev.come.checkpoint.TensorInfo;
import dev.come.heal.Healing;
import dev.come.heal.Healing.Scope;
import dev.come.heal.Healing.Seam;
import dev.come.heal.Healing.Targets;
import dev.come.heal.Healing.Weights;
import dev.come.heal.HealingCost;
import dev.come.prune.Reverse;
import dev.come.prune.ShortGpt;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskUseTests {
    @TempDir
    private Path folder;

    /** Of the weights of a folder, layers of a name or all. */
    private static long bytes(Path model, String name) {
        try (Checkpoint checkpoint = Checkpoint.open(model)) {
            return checkpoint.tensors().stream().filter(tensor -> tensor.name().contains(name))
                    .mapToLong(TensorInfo::byteLength).sum();
        }
    }

    @Test
    void whatIsToldIsWhatIsSaved() throws IOException {
        Run run = new Run("llama-gqa", folder);
        Estimate told = run.job("out", Progress.NONE, List.of(new Reverse(Reverse.Options.DEFAULTS))).estimate()
                .byMethod().firstEntry().getValue();
        run.job("out", Progress.NONE, List.of(new Reverse(Reverse.Options.DEFAULTS))).run();
        assertThat(told.savedBytes()).isEqualTo(bytes(run.target("out"), ""));
        assertThat(told.temporaryBytes()).isZero();
        assertThat(told.transfer()).isBetween(Duration.ZERO, told.least());
    }

    @Test
    void modelsOfAllStepsAndRefittedLayersCount() throws IOException {
        Run run = new Run("llama-gqa", folder);
        run.continueSaving = true;
        run.healing = Optional.of(new Healing.Options(Scope.ALL, Targets.DOWN_AND_OUTPUT));
        Estimate told = run.job("out", Progress.NONE, List.of(new ShortGpt(ShortGpt.Options.DEFAULTS))).estimate()
                .byMethod().firstEntry().getValue();
        long layer = bytes(run.model, ".layers.0.");
        long outside = bytes(run.model, "") - 6 * layer;
        assertThat(told.savedBytes()).isEqualTo(3 * outside + (5 + 4 + 3) * layer);
        assertThat(told.temporaryBytes()).isEqualTo(5 * layer);
        assertThat(told.healedLayers()).isEqualTo(3);
    }

    @Test
    void layersBesideACutAreAtMostTwoForEachThatGoes() {
        Healing.Options cut = new Healing.Options(Scope.CUT, Targets.DOWN_AND_OUTPUT);
        assertThat(HealingCost.fits(cut, 30, 28)).isEqualTo(4);
        assertThat(HealingCost.fits(cut, 6, 2)).isEqualTo(2);
        assertThat(HealingCost.fits(Healing.Options.DEFAULTS, 30, 28)).isEqualTo(28);
        assertThat(HealingCost.layerRuns(cut, 30, 28)).isEqualTo(30 + 28 + 4 * 2 * 0.75);
    }

    @Test
    void moreOfALayerAndMoreOftenCostsMore() {
        Healing.Options all = new Healing.Options(Scope.ALL, Targets.ALL);
        double once = HealingCost.layerRuns(all, 30, 21);
        assertThat(once).isGreaterThan(HealingCost.layerRuns(Healing.Options.DEFAULTS, 30, 21));
        assertThat(HealingCost.layerRuns(new Healing.Options(Scope.ALL, Targets.ALL, Weights.NORM, 3), 30, 21))
                .isEqualTo(3 * once);
        assertThat(HealingCost.layerRuns(new Healing.Options(Scope.ALL, Targets.ALL, Weights.LOSS, 1), 30, 21))
                .isEqualTo(once + 30);
        // Nine pairs of two layers, each fitted twice in all; three layers are left for the down projection alone.
        Healing.Options pair = new Healing.Options(Scope.ALL, Targets.DOWN, Weights.NORM, 1, Seam.PAIR);
        assertThat(HealingCost.layerRuns(pair, 30, 21))
                .isEqualTo(30 + 21 + 9 * 2 + 3 * 0.75 + 9 * 2 * 2 * (2 * 0.75 + 2));
        assertThat(new DiskUse(10, 3, 5).fitted(4)).isEqualTo(new DiskUse(10, 12, 5));
    }

    @Test
    void ofRunsAfterEachOtherOnlyModelsStay() {
        assertThat(new DiskUse(10, 3, 5).then(new DiskUse(20, 4, 1))).isEqualTo(new DiskUse(30, 4, 5));
    }

    @Test
    void tooLittleRoomIsToldInASentence() {
        Path target = folder.resolve("not/there/yet");
        assertThatCode(() -> new DiskUse(1, 1, 1).requireRoom(target)).doesNotThrowAnyException();
        assertThatThrownBy(() -> new DiskUse(1L << 60, 1L << 59, 1).requireRoom(target))
                .isInstanceOf(FailedException.class)
                .hasMessageMatching("--save-path: 1729382256910270465 bytes will be written to " + target
                        + ", but only \\d+ are free there; make room there, or give another folder");
    }
}
